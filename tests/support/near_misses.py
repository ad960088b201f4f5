"""JSON values that a schema takes, or nearly takes: one part of them may be anything."""

import math
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

_BIG = 10**6
junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 300),
    st.sampled_from([0.5, 1.0, 1.5, -0.5, 4096.0]),
    st.text(max_size=3),
    st.sampled_from([[], {}, [None], {"type": None}]),
)


def near(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values for a schema of the kinds that the checks make; seldom something else."""
    if "anyOf" in schema:
        whole = st.one_of([near(one) for one in schema["anyOf"]])
    elif "enum" in schema or "const" in schema:
        whole = st.sampled_from([*schema.get("enum", ()), schema.get("const")])
    else:
        kinds = schema.get("type", ())
        names = [kinds] if isinstance(kinds, str) else kinds
        whole = st.one_of([_MAKERS[name](schema) for name in names]) if names else junk
    return st.one_of(whole, whole, whole, junk)


def _object(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    members = {name: near(member) for name, member in schema.get("properties", {}).items()}
    required = {name: members.get(name, junk) for name in schema.get("required", ())}
    others = {name: member for name, member in members.items() if name not in required}
    made = st.fixed_dictionaries(required, optional=others)
    if not isinstance(schema.get("additionalProperties"), dict):
        loose = st.fixed_dictionaries({}, optional={**members, "unknown": junk})
        return st.one_of(made, made, made, loose)
    most = schema.get("maxProperties", 2)
    longest = schema.get("propertyNames", {}).get("maxLength", 3)
    names = st.one_of(st.text(max_size=2), st.just("n" * longest), st.just("n" * (longest + 1)))
    return st.dictionaries(names, near(schema["additionalProperties"]), max_size=most + 1)


def _array(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    most = min(schema.get("maxItems", 2), 20) + 1
    return st.lists(near(schema.get("items", {})), max_size=most)


def _number(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    low = schema.get("minimum", schema.get("exclusiveMinimum", -_BIG))
    high = schema.get("maximum", _BIG)
    edges = [low - 1, low, low + 1, high - 1, high, high + 1, float(math.floor(low)), low + 0.5]
    return st.one_of(st.sampled_from(edges), st.integers(low, high))


def _string(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    low, high = schema.get("minLength", 0), schema.get("maxLength", 5)
    edges = ["m" * length for length in (low, max(0, low - 1), high, high + 1)]
    if "pattern" not in schema:
        return st.one_of(st.sampled_from(edges), st.text(max_size=4))
    return st.one_of(
        st.sampled_from(edges),
        st.text(max_size=4),
        st.from_regex(schema["pattern"], fullmatch=True),
    )


def _boolean(_schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    return st.booleans()


def _null(_schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    return st.none()


_MAKERS = {
    "object": _object,
    "array": _array,
    "number": _number,
    "integer": _number,
    "string": _string,
    "boolean": _boolean,
    "null": _null,
}
