import json
from decimal import Decimal

import pytest

from weir.domain.errors import (
    InsufficientCreditsError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    RateLimitExceededError,
    StoreUnavailableError,
    WeirError,
)
from weir.http.cors import CORS_HEADERS
from weir.http.errors import envelope, error_event, error_response, error_type, internal_error


def event_of(error: WeirError) -> dict[str, object]:
    raw = error_event(error, generation_id="gen-1", model="m", created=5, provider=None)
    content = json.loads(raw.removeprefix(b"data: "))
    assert isinstance(content, dict)
    return content


def test_envelope_has_no_metadata_when_the_error_has_none() -> None:
    assert envelope(NotFoundError("Gone")) == {"error": {"code": 404, "message": "Gone"}}


def test_envelope_has_the_metadata_when_the_error_has_some() -> None:
    error = InvalidRequestError("No", metadata={"field": "n"})

    assert envelope(error)["error"]["metadata"] == {"field": "n"}


def test_response_tells_all_when_the_error_came_after_the_hold() -> None:
    error = RateLimitExceededError("Slow down", retry_after_s=7)
    error.generation_id = "gen-1"

    status, headers, body = error_response(error)

    assert status == 429
    assert headers == {
        "Content-Type": "application/json",
        "Retry-After": "7",
        "X-Generation-Id": "gen-1",
        **CORS_HEADERS,
    }
    assert json.loads(body) == {"error": {"code": 429, "message": "Slow down"}}


def test_response_has_no_optional_header_when_nothing_is_known() -> None:
    _, headers, _ = error_response(StoreUnavailableError("Try again"))

    assert headers == {"Content-Type": "application/json", **CORS_HEADERS}


def test_response_is_sendable_when_the_message_is_no_unicode() -> None:
    _, _, body = error_response(InvalidRequestError("\ud800 é"))

    assert json.loads(body)["error"]["message"] == "? é"


def test_response_is_generic_when_the_error_is_unknown() -> None:
    status, headers, body = internal_error("req-1")

    assert status == 500
    assert headers["request-id"] == "req-1"
    assert json.loads(body) == {
        "error": {
            "code": 500,
            "message": "Internal Server Error",
            "metadata": {"error_type": "server", "request_id": "req-1"},
        }
    }


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (500, "Internal Server Error"),
        (502, "Provider returned error"),
        (503, "Service temporarily unavailable"),
        (504, "Operation timed out. Please try again later."),
        (524, "Request timed out. Please try again later."),
        (529, "Provider returned error"),
        (599, "Internal Server Error"),
    ],
)
def test_event_masks_the_cause_when_the_fault_is_not_the_clients(status: int, message: str) -> None:
    error = ProviderError(
        "secret",
        cost_is_zero=False,
        status=status,
        metadata={"provider_code": "secret", "error_type": "provider_unavailable"},
    )

    content = event_of(error)

    assert content["error"] == {
        "code": status,
        "message": message,
        "metadata": {"error_type": "provider_unavailable"},
    }


def test_event_keeps_the_cause_when_the_client_can_act_on_it() -> None:
    error = InvalidRequestError("Too long", metadata={"provider_code": "x"})

    assert event_of(error) == {
        "id": "gen-1",
        "object": "chat.completion.chunk",
        "created": 5,
        "model": "m",
        "error": {
            "code": 400,
            "message": "Too long",
            "metadata": {"error_type": "invalid_request", "provider_code": "x"},
        },
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
    }


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (401, "authentication"),
        (402, "payment_required"),
        (503, "provider_overloaded"),
        (418, "unmapped"),
    ],
)
def test_error_type_is_openrouters_word_when_a_status_has_one(status: int, word: str) -> None:
    assert error_type(status) == word


def test_response_has_the_errors_own_headers_when_it_has_some() -> None:
    error = RateLimitExceededError(
        "Slow down", headers={"X-RateLimit-Remaining": "0", "Content-Type": "text/html"}
    )

    _, headers, _ = error_response(error)

    assert headers == {
        "Content-Type": "application/json",
        "X-RateLimit-Remaining": "0",
        **CORS_HEADERS,
    }


def test_a_browser_may_read_every_header_that_tells_something() -> None:
    exposed = CORS_HEADERS["Access-Control-Expose-Headers"].split(",")

    assert CORS_HEADERS["Access-Control-Allow-Origin"] == "*"
    assert {
        "X-Generation-Id",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "Retry-After",
        "Idempotent-Replayed",
    } <= set(exposed)


def test_exact_amounts_are_shown_as_numbers() -> None:
    error = InsufficientCreditsError("no", metadata={"available_usd": Decimal("0.000007")})

    _, _, body = error_response(error)

    assert json.loads(body)["error"]["metadata"] == {"available_usd": 0.000007}


def test_metadata_that_is_no_json_is_a_bug_and_raises() -> None:
    with pytest.raises(TypeError, match="object is no JSON value"):
        error_response(InsufficientCreditsError("no", metadata={"x": object()}))
