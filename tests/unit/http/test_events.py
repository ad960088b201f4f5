from base64 import b64encode
from collections.abc import Mapping

import pytest

from weir.domain.errors import InvalidRequestError, PayloadTooLargeError
from weir.http.events import MAX_BODY_BYTES, ProxyEvent, bearer, body_bytes, header, headers


def test_header_is_found_when_its_case_differs() -> None:
    event: ProxyEvent = {"headers": {"X-Title": "App", "content-TYPE": "application/json"}}

    assert header(event, "x-title") == "App"
    assert headers(event) == {"x-title": "App", "content-type": "application/json"}
    assert header(event, "cookie") is None


@pytest.mark.parametrize("event", [{}, {"headers": None}, {"headers": {}}])
def test_repeated_headers_are_read_when_there_are_no_single_ones(event: ProxyEvent) -> None:
    repeated: ProxyEvent = {**event, "multiValueHeaders": {"X-Title": ["a", "b"], "Empty": []}}

    assert headers(event) == {}
    assert headers(repeated) == {"x-title": "b"}


def test_body_is_decoded_when_it_is_base64() -> None:
    raw = '{"é":"\u2028"}'.encode()
    encoded: ProxyEvent = {"body": b64encode(raw).decode(), "isBase64Encoded": True}
    plain: ProxyEvent = {"body": raw.decode(), "isBase64Encoded": False}

    assert body_bytes(encoded) == body_bytes(plain) == raw


@pytest.mark.parametrize("event", [{}, {"body": None}, {"body": ""}])
def test_request_is_refused_when_it_has_no_body(event: ProxyEvent) -> None:
    with pytest.raises(InvalidRequestError, match="no body"):
        body_bytes(event)


@pytest.mark.parametrize(
    "event",
    [
        {"body": "%%%", "isBase64Encoded": True},
        {"body": "AAA", "isBase64Encoded": True},
        {"body": "é", "isBase64Encoded": True},
        {"body": "\ud800"},
    ],
)
def test_request_is_refused_when_its_body_cannot_be_decoded(event: ProxyEvent) -> None:
    with pytest.raises(InvalidRequestError, match="cannot be decoded"):
        body_bytes(event)


def test_body_is_refused_when_it_is_above_the_limit() -> None:
    largest: ProxyEvent = {"body": "x" * MAX_BODY_BYTES}
    larger: ProxyEvent = {"body": "x" * (MAX_BODY_BYTES + 1)}

    assert len(body_bytes(largest)) == MAX_BODY_BYTES
    with pytest.raises(PayloadTooLargeError, match="6291457 bytes, the limit is 6291456"):
        body_bytes(larger)


@pytest.mark.parametrize("value", ["Bearer key", "bearer key", "BEARER   key", " Bearer key "])
def test_key_is_read_when_the_scheme_is_bearer(value: str) -> None:
    assert bearer({"headers": {"authorization": value}}) == "key"


@pytest.mark.parametrize("fields", [{}, {"authorization": ""}])
def test_there_is_no_key_when_there_is_no_header(fields: Mapping[str, str]) -> None:
    assert bearer({"headers": fields}) is None


@pytest.mark.parametrize(
    "value",
    ["key", "Bearer", "Bearer ", "Basic a2V5", "Bearer a b", "Bearer é", "Bearer " + "x" * 513],
)
def test_key_is_one_that_nobody_has_when_the_header_has_another_form(value: str) -> None:
    assert bearer({"headers": {"Authorization": value}}) == ""


@pytest.mark.parametrize(
    "repeated",
    [
        {"Authorization": ["Bearer a", "Bearer b"]},
        {"Authorization": ["Bearer a", "Bearer a"]},
        {"Authorization": ["Bearer a", ""]},
        {"Authorization": ["Bearer a"], "authorization": ["Bearer b"]},
    ],
)
def test_key_is_one_that_nobody_has_when_the_header_is_repeated(
    repeated: Mapping[str, list[str]],
) -> None:
    last = {name: values[-1] for name, values in repeated.items()}

    assert bearer({"headers": last, "multiValueHeaders": repeated}) == ""
    assert bearer({"headers": {"authorization": "Bearer a", "Authorization": "Bearer b"}}) == ""


def test_key_is_read_when_the_event_has_both_forms_of_headers() -> None:
    event: ProxyEvent = {
        "headers": {"Authorization": "Bearer key"},
        "multiValueHeaders": {"Authorization": ["Bearer key"], "X-Title": ["a", "b"]},
    }

    assert bearer(event) == "key"
