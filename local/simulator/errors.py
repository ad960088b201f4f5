"""OpenRouter's error envelope, and the errors the simulator answers with."""

import time
from collections.abc import Mapping
from typing import Any, Final

from local.simulator.catalogue import PROVIDER
from local.simulator.faults import Fault
from local.simulator.ledger import new_generation_id
from local.simulator.wire import Wire

_FLAGGED_INPUT: Final = "the simulator flags every input"
_MESSAGES: Final = {
    400: "Invalid request parameters",
    401: "User not found.",
    402: "Insufficient credits. Add more using https://openrouter.ai/settings/credits",
    403: "Request blocked: the input was flagged by moderation",
    404: "No endpoints found for the requested model.",
    408: "Operation timed out. Please try again later.",
    413: "Request payload too large",
    422: "Invalid argument",
    429: "Provider returned error",
    500: "Internal Server Error",
    502: "Provider returned error",
    503: "Service temporarily unavailable",
    524: "Request timed out. Please try again later.",
    529: "Provider returned error",
}
# What the provider says; the others are said before any provider is asked.
_PROVIDER_CODES: Final = frozenset({408, 429, 502, 503, 524, 529})
_ERROR_TYPES: Final = {
    429: "rate_limit_exceeded",
    502: "provider_unavailable",
    503: "provider_overloaded",
    529: "provider_overloaded",
}


class RefusedError(Exception):
    """A request ends with an error status before any token; nothing is charged."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        metadata: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.metadata = metadata
        self.retry_after = retry_after

    def as_json(self) -> dict[str, Any]:
        """Return the envelope."""
        return envelope(self.status, str(self), metadata=self.metadata)

    @property
    def names_generation(self) -> bool:
        """Whether the answer carries an X-Generation-Id; it never resolves."""
        return self.status in _PROVIDER_CODES


def envelope(
    code: int, message: str, *, metadata: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the body of an error."""
    error: dict[str, Any] = {"message": message, "code": code}
    if metadata is not None:
        error["metadata"] = dict(metadata)
    return {"error": error}


def send_refusal(wire: Wire, error: RefusedError) -> None:
    """Send an error status in the envelope.

    Raises:
        ClientGoneError: Nobody reads any more.
    """
    headers = {}
    if error.names_generation:
        headers["X-Generation-Id"] = new_generation_id(int(time.time()))
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    wire.send_json(error.status, error.as_json(), headers=headers)


def refusal(fault: Fault, *, model_id: str) -> RefusedError:
    """Return the error that a `status` fault answers with."""
    retry_after = fault.retry_after
    if retry_after is None and fault.status == 429:  # noqa: PLR2004 (a status)
        retry_after = 1
    return RefusedError(
        _MESSAGES.get(fault.status, "Error"),
        status=fault.status,
        metadata=_metadata(fault.status, model_id=model_id, retry_after=retry_after),
        retry_after=retry_after,
    )


def provider_failure() -> dict[str, Any]:
    """Return the `error` object of an answer that fails after its 200."""
    metadata = {"error_type": "provider_unavailable", "provider_name": PROVIDER}
    error: dict[str, Any] = envelope(502, _MESSAGES[502], metadata=metadata)["error"]
    return error


def _metadata(code: int, *, model_id: str, retry_after: int | None) -> dict[str, Any] | None:
    if code == 402:  # noqa: PLR2004 (a status)
        return {"limit_source": "openrouter_credits"}
    if code == 403:  # noqa: PLR2004 (a status)
        return {
            "reasons": ["simulated"],
            "flagged_input": _FLAGGED_INPUT,
            "provider_name": PROVIDER,
            "model_slug": model_id,
        }
    if code not in _PROVIDER_CODES:
        return None
    metadata = {
        "raw": f"the simulator was told to answer {code}",
        "provider_name": PROVIDER,
        "is_byok": False,
        "error_type": _ERROR_TYPES.get(code, "timeout"),
    }
    if code == 429:  # noqa: PLR2004 (a status)
        metadata["limit_source"] = "upstream_provider_shared_pool"
        metadata["retry_after_seconds"] = retry_after
    return metadata
