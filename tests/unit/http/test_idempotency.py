"""The header as it may be, and what makes two requests the same."""

from typing import Any

import pytest

from weir.domain.errors import InvalidRequestError
from weir.http.idempotency import idempotency_key, request_digest


@pytest.mark.parametrize("key", ["k", "order 17/2", "~" * 255, '"quoted"'])
def test_a_printable_key_is_taken_as_it_is(key: str) -> None:
    assert idempotency_key({"idempotency-key": key}) == key


def test_a_request_without_the_header_has_no_key() -> None:
    assert idempotency_key({"x-session-id": "s"}) is None


@pytest.mark.parametrize("key", ["", "k" * 256, "é", "a\tb", "a\n", "\x7f"])
def test_a_key_that_cannot_be_kept_is_refused(key: str) -> None:
    with pytest.raises(InvalidRequestError, match="1 to 255 printable ASCII"):
        idempotency_key({"idempotency-key": key})


def digest(*, headers: dict[str, str] | None = None, **changes: Any) -> bytes:
    usual = {"httpMethod": "POST", "path": "/api/v1/chat/completions", "body": "{}"}
    event: Any = {**usual, **changes}
    return request_digest(event, headers or {})


@pytest.mark.parametrize(
    "change",
    [
        {"body": "{ }"},
        {"path": "/api/v1/completions"},
        {"httpMethod": "PUT"},
        {"headers": {"x-anthropic-beta": "b"}},
        {"headers": {"x-openrouter-metadata": "enabled"}},
        {"headers": {"x-openrouter-experimental-metadata": "enabled"}},
    ],
)
def test_another_request_has_another_digest(change: dict[str, Any]) -> None:
    assert digest(**change) != digest()


def test_what_moves_from_one_part_to_the_next_is_noticed() -> None:
    assert digest(path="/a", body="b{}") != digest(path="/ab", body="{}")


def test_who_asks_may_change_from_one_attempt_to_the_next() -> None:
    headers = {
        "http-referer": "https://a.example/2",
        "x-title": "t",
        "x-stainless-retry-count": "1",
    }

    assert digest(headers=headers) == digest()


def test_the_same_bytes_are_the_same_request_in_base64() -> None:
    assert digest(body="e30=", isBase64Encoded=True) == digest()


def test_an_event_without_method_and_path_can_still_be_told_apart() -> None:
    bare: Any = {"body": "{}"}

    assert request_digest(bare, {}) != digest()


def test_a_request_without_a_body_has_no_digest() -> None:
    with pytest.raises(InvalidRequestError):
        digest(body=None)
