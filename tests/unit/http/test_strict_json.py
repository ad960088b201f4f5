import pytest

from weir.domain.errors import InvalidRequestError
from weir.http.json_objects import splice
from weir.http.strict_json import MAX_DEPTH, parse_object


def nested(depth: int, *, inside: bytes = b"") -> bytes:
    return b'{"a":' + b"[" * (depth - 1) + inside + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"a":1,"a":2}', '"a"'),
        (b'{"a":1,"\\u0061":2}', "twice"),
        (b'{"a":{"b":1,"c":2,"b":3}}', '"b" appears twice'),
        (b'{"a":[{"b":1,"b":1}]}', '"b" appears twice'),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":[Infinity]}', "Infinity"),
        (b'{"a":-Infinity}', "-Infinity"),
        (b'{"a":1e999}', "out of range"),
        (b'{"a":-1e309}', "out of range"),
        (b'{"a":1e99999999999999999999}', "out of range"),
        (b'{"a":0.' + b"1" * 500 + b"}", "out of range"),
        (b'{"a":' + b"1" * 20 + b"}", "19 digits"),
        (b'{"a":[-' + b"1" * 4000 + b"]}", "19 digits"),
        (b'{"a":' + b"1" * 5000 + b"}", "19 digits"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"a":["\\uDFFF"]}', "surrogate"),
        (b'{"a":{"\\ud800":1}}', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (nested(MAX_DEPTH + 1), "levels deep"),
        (b"[" * 100_000, "levels deep"),
        (b'{"a":' * 100_000, "levels deep"),
        (b'\xef\xbb\xbf{"a":1}', "byte order mark"),
        ('{"a":1}'.encode("utf-16"), "UTF-8"),
        ('{"a":1}'.encode("utf-16-le"), "expected"),
        (b'{"a":"\xff"}', "UTF-8 at byte 6"),
        (b'{"a":"\xed\xa0\x80"}', "UTF-8"),
        (b"", "'{' is expected, not the end"),
        (b"   ", "'{' is expected"),
        (b"[]", "'{' is expected"),
        (b"null", "'{' is expected"),
        (b"{", "name in double quotes"),
        (b'{"a":1', "'}' is expected, not the end"),
        (b'{"a"}', "':' is expected"),
        (b'{"a":}', "Expecting value"),
        (b'{"a":1,}', "name in double quotes"),
        (b'{,"a":1}', "name in double quotes"),
        (b"{a:1}", "name in double quotes"),
        (b"{'a':1}", "name in double quotes"),
        (b'{"a":1 "b":2}', "'}' is expected"),
        (b'{"a":1}x', "data after the end"),
        (b'{"a":1}{"a":1}', "data after the end"),
        (b'{"a":01}', "expected"),
        (b'{"a":.5}', "Expecting value"),
        (b'{"a":"\n"}', "control character"),
        (b'{"a":"\0"}', "control character"),
        (b'{"a":tru}', "Expecting value"),
        (b'{"a\n":1}', "control character"),
    ],
)
def test_body_is_refused_when_parsers_could_disagree(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_object(body)

    assert caught.value.message.startswith("Invalid JSON: ")
    assert reason.lower() in caught.value.message.lower()


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a":"\\u0000"}', "\0"),
        (b'{"a":"\\ud83d\\ude00"}', "😀"),
        (b'{"a":"\\\\ud800"}', "\\ud800"),
        (b'{"a":1234567890123456789}', 1234567890123456789),
        (b'{"a":-1234567890123456789}', -1234567890123456789),
        (b'{"a":1e-400}', 0),
        (b' {\t"a" :\r\n 1 } \n', 1),
        (b'{"a":"' + b"[" * 1000 + b'"}', "[" * 1000),
        (b'{"a":"\\"' + b"[" * 1000 + b'\\\\"}', '"' + "[" * 1000 + "\\"),
    ],
)
def test_body_is_accepted_when_it_is_plain_json(body: bytes, value: object) -> None:
    parsed = parse_object(body).get("a")

    assert parsed == value or float(parsed) == value


def test_nesting_is_accepted_when_it_is_at_the_limit() -> None:
    many = b",".join([b"[{}]"] * 500)

    assert len(parse_object(nested(MAX_DEPTH - 2, inside=many)).members) == 1
    with pytest.raises(InvalidRequestError, match="levels deep"):
        parse_object(nested(MAX_DEPTH - 1, inside=many))


def test_message_tells_bytes_and_member_when_a_value_is_bad() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_object('{"é":1,"messages":["secret",}'.encode())

    assert 'member "messages"' in caught.value.message
    assert "byte 29" in caught.value.message
    assert "secret" not in caught.value.message


def test_message_cuts_the_name_when_it_is_long_or_unprintable() -> None:
    name = "\\n\\u00e9" + "x" * 500

    with pytest.raises(InvalidRequestError) as caught:
        parse_object(f'{{"{name}":NaN}}'.encode())

    assert f'member "??{"x" * 62}"' in caught.value.message


def test_splice_keeps_every_other_byte_when_members_are_replaced_and_added() -> None:
    document = parse_object('{ "é" : "日本",\n"user":"me" , "n":1.0 }'.encode())

    spliced = splice(document, replacements={"user": '"x"', "max_tokens": "5", "z": "null"})

    expected = '{ "é" : "日本",\n"user":"x" , "n":1.0 ,"max_tokens":5,"z":null}'
    assert spliced == expected.encode()


def test_splice_needs_no_comma_when_the_object_is_empty() -> None:
    assert splice(parse_object(b"{ }"), replacements={"a": "1"}) == b'{ "a":1}'
