"""What the contract says of the fields of a body, and what a body has that it does not allow.

The facts are in `tests/reference/openrouter.json`. Each source is a contract of its own: a body
must satisfy all that know it. A field that no source knows is allowed: new ones come unannounced.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

FACTS = Path(__file__).parents[1] / "reference" / "openrouter.json"

_KINDS: Mapping[type, frozenset[str]] = {
    dict: frozenset({"object"}),
    list: frozenset({"array"}),
    str: frozenset({"string"}),
    bool: frozenset({"boolean"}),
    int: frozenset({"integer", "number"}),
    float: frozenset({"number"}),
    Decimal: frozenset({"number"}),
    type(None): frozenset({"null"}),
}

Facts = Mapping[str, str]
"""Field → its types with bars between them, and `!` where the field must be there."""


@functools.cache
def bodies() -> Mapping[str, Mapping[str, Any]]:
    """Return the facts of every body by field, those that stand under another's name as well."""
    stored = json.loads(FACTS.read_text(encoding="utf-8"))["bodies"]
    return {
        name: stored[facts] if isinstance(facts, str) else facts for name, facts in stored.items()
    }


@functools.cache
def facts_of(name: str) -> Mapping[str, Facts]:
    """Return the facts of a body by their source; what all say alike is in each."""
    fields = bodies()[name]
    sources = {source for fact in fields.values() if isinstance(fact, dict) for source in fact}
    return {
        source: {
            field: told
            for field, fact in fields.items()
            if (told := fact.get(source) if isinstance(fact, dict) else fact)
        }
        for source in sources or {"all"}
    }


def violations(name: str, body: object) -> list[str]:
    """Return what the contract does not allow in a body, each with the source that forbids it."""
    return sorted(
        f"{source}: {found}"
        for source, facts in facts_of(name).items()
        for found in _found(body, "", facts)
    )


def _found(value: Any, path: str, facts: Facts) -> Iterator[str]:
    allowed = frozenset(facts.get(path, "any").rstrip("!").split("|"))
    if path and not _is_allowed(value, allowed):
        yield f"{path} is {json.dumps(value, default=str)[:60]}, not {facts[path]}"
    elif isinstance(value, dict):
        for field in _children(path, facts):
            if facts[field].endswith("!") and field[len(path) :].lstrip(".") not in value:
                yield f"{field} is missing"
        for member, item in value.items():
            field = f"{path}.{member}" if path else member
            yield from _found(item, field if field in facts else f"{path}{{}}", facts)
    elif isinstance(value, list):
        for item in value:
            yield from _found(item, f"{path}[]", facts)


def _children(path: str, facts: Facts) -> Iterator[str]:
    start = f"{path}." if path else ""
    for field in facts:
        rest = field[len(start) :]
        if field.startswith(start) and rest and not any(mark in rest for mark in ".[{"):
            yield field


def _is_allowed(value: Any, allowed: frozenset[str]) -> bool:
    if "any" in allowed or not _KINDS[type(value)].isdisjoint(allowed):
        return True
    return f"={str(value).lower() if isinstance(value, bool) else value}" in allowed
