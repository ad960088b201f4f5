"""Errors on the wire: the only place that makes OpenRouter's error envelope."""

from collections.abc import Mapping
from decimal import Decimal
from json import dumps
from typing import Any

from weir.domain.errors import WeirError
from weir.domain.requests import Mode
from weir.http.cors import CORS_HEADERS

ErrorResponse = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""

INTERNAL_STATUS = 500

_MASKED_MESSAGES = {
    500: "Internal Server Error",
    502: "Provider returned error",
    503: "Service temporarily unavailable",
    504: "Operation timed out. Please try again later.",
    524: "Request timed out. Please try again later.",
    529: "Provider returned error",
}
_ERROR_TYPES = {
    400: "invalid_request",
    401: "authentication",
    402: "payment_required",
    403: "permission_denied",
    404: "not_found",
    408: "timeout",
    412: "precondition_failed",
    413: "payload_too_large",
    422: "unprocessable",
    429: "rate_limit_exceeded",
    500: "server",
    502: "provider_unavailable",
    503: "provider_overloaded",
    504: "timeout",
    524: "timeout",
    529: "provider_overloaded",
}

# What a chunk of each mode is called, and the content of one that says nothing.
_CHUNKS: Mapping[Mode, tuple[str, Mapping[str, object]]] = {
    Mode.CHAT: ("chat.completion.chunk", {"delta": {"content": ""}}),
    Mode.TEXT: ("text_completion", {"text": "", "logprobs": None}),
}


def error_type(status: int) -> str:
    """Return OpenRouter's word for a status; `unmapped` when it has none."""
    return _ERROR_TYPES.get(status, "unmapped")


def envelope(error: WeirError) -> dict[str, Any]:
    """Return the error as OpenRouter writes it: integer code, message, metadata if there is any."""
    content: dict[str, Any] = {"code": error.status, "message": error.message}
    if error.metadata is not None:
        content["metadata"] = dict(error.metadata)
    return {"error": content}


def error_response(error: WeirError) -> ErrorResponse:
    """Return the answer for an error that happened before the first byte was sent."""
    headers = {**error.headers, "Content-Type": "application/json", **CORS_HEADERS}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    if error.generation_id is not None:
        headers["X-Generation-Id"] = error.generation_id
    return error.status, headers, _bytes(envelope(error))


def internal_error(request_id: str) -> ErrorResponse:
    """Return the answer for a defect of our own; its cause is in the log under the request id."""
    status, headers, body = error_response(unexpected(request_id=request_id))
    headers["request-id"] = request_id
    return status, headers, body


def unexpected(*, request_id: str | None = None) -> WeirError:
    """Return what a client may see of an exception that nobody expected."""
    metadata: dict[str, object] = {"error_type": error_type(INTERNAL_STATUS)}
    if request_id is not None:
        metadata["request_id"] = request_id
    message = _MASKED_MESSAGES[INTERNAL_STATUS]
    return WeirError(message, status=INTERNAL_STATUS, metadata=metadata)


def error_event(
    error: WeirError,
    *,
    generation_id: str,
    model: str | None,
    created: int,
    provider: str | None,
    mode: Mode = Mode.CHAT,
) -> bytes:
    """Return the event that ends a stream whose status 200 is already sent.

    `created` is epoch seconds, as in the chunks before it. A model that upstream has not named yet
    is sent as "", a provider is then left out: clients refuse null in both places.
    """
    kind, nothing = _CHUNKS[mode]
    chunk: dict[str, Any] = {
        "id": generation_id,
        "object": kind,
        "created": created,
        "model": model or "",
    }
    if provider is not None:
        chunk["provider"] = provider
    chunk["error"] = {
        "code": error.status,
        "message": _masked_message(error),
        "metadata": _masked_metadata(error),
    }
    chunk["choices"] = [{"index": 0, **nothing, "finish_reason": "error"}]
    return b"data: " + _bytes(chunk) + b"\n\n"


def _masked_message(error: WeirError) -> str:
    if error.status < INTERNAL_STATUS:
        return error.message
    return _MASKED_MESSAGES.get(error.status, _MASKED_MESSAGES[INTERNAL_STATUS])


def _masked_metadata(error: WeirError) -> Mapping[str, object]:
    given = dict(error.metadata or {})
    kept = given if error.status < INTERNAL_STATUS else {}
    # The official clients refuse metadata without a type.
    return {"error_type": given.get("error_type", error_type(error.status)), **kept}


def _bytes(content: Mapping[str, Any]) -> bytes:
    text = dumps(content, ensure_ascii=False, separators=(",", ":"), default=_number)
    return text.encode("utf-8", "replace")


def _number(value: object) -> float:
    """Show an exact amount as a JSON number; it is read by people, never counted with.

    Raises:
        TypeError: The value is neither JSON nor an amount: a bug of whoever raised the error.
    """
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")
