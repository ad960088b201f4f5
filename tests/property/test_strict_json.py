"""What we read of a body is what any other parser reads, or the body is refused."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weir.domain.errors import InvalidRequestError
from weir.http.json_objects import splice
from weir.http.strict_json import parse_object

UNTIMED = settings(deadline=None)

NAMES = st.text(max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**19) + 1, 10**19 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=6)
WRITERS = st.sampled_from(
    [
        json.dumps,
        lambda value: json.dumps(value, ensure_ascii=False),
        lambda value: json.dumps(value, indent="\t"),
        lambda value: " \r\n" + json.dumps(value, separators=(",", ":")) + "\t",
    ]
)


def plain(value: Any) -> Any:
    """Return a value with the floats that other parsers make of our decimals."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    exact = isinstance(value, bool | int | str) or value is None
    return value if exact else float(value)


@UNTIMED
@given(value=OBJECTS, write=WRITERS)
def test_our_view_is_upstreams_view_when_the_body_is_accepted(
    value: dict[str, Any], write: Any
) -> None:
    body = write(value).encode()

    document = parse_object(body)

    ours = {name: plain(member.value) for name, member in document.members.items()}
    assert ours == json.loads(body) == value


@UNTIMED
@given(value=OBJECTS, replacements=OBJECTS, write=WRITERS)
def test_upstream_sees_the_replacements_alone_when_a_body_is_spliced(
    value: dict[str, Any], replacements: dict[str, Any], write: Any
) -> None:
    body = write(value).encode()
    texts = {name: json.dumps(item) for name, item in replacements.items()}

    spliced = splice(parse_object(body), replacements=texts)

    assert json.loads(spliced) == {**value, **replacements}
    assert replacements or spliced == body


@UNTIMED
@given(value=OBJECTS.filter(bool), data=st.data())
def test_body_is_refused_when_any_name_appears_twice(value: dict[str, Any], data: Any) -> None:
    name = data.draw(st.sampled_from(sorted(value)))
    body = json.dumps(value)[:-1] + f",{json.dumps(name)}:1}}"

    for wrapped in (body, f'{{"a":[{body}]}}'):
        with pytest.raises(InvalidRequestError):
            parse_object(wrapped.encode())


@UNTIMED
@given(value=OBJECTS, at=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_our_view_is_upstreams_view_when_a_byte_is_damaged(
    value: dict[str, Any], at: int, byte: int
) -> None:
    body = bytearray(json.dumps(value).encode())
    body[at % len(body)] = byte

    try:
        document = parse_object(bytes(body))
    except InvalidRequestError:
        return

    ours = {name: plain(member.value) for name, member in document.members.items()}
    assert ours == json.loads(bytes(body))


@UNTIMED
@given(
    body=st.binary(max_size=300) | st.text(alphabet='{}[]":,\\ud89e1.-+ntfNI \n').map(str.encode)
)
def test_nothing_but_a_refusal_comes_out_when_the_body_is_garbage(body: bytes) -> None:
    try:
        document = parse_object(body)
    except InvalidRequestError:
        return

    ours = {name: plain(member.value) for name, member in document.members.items()}
    assert ours == json.loads(body)


@UNTIMED
@given(
    surrogate=st.integers(0xD800, 0xDFFF), path=st.sampled_from(["{}", '[{{"a":{}}}]', "[1,{}]"])
)
def test_body_is_refused_when_a_surrogate_stands_alone(surrogate: int, path: str) -> None:
    string = f'"x\\u{surrogate:04x}y"'
    body = f'{{"a":{path.format(string)}}}'.encode()

    with pytest.raises(InvalidRequestError, match="surrogate"):
        parse_object(body)
