"""The errors of the product. `weir.http.errors` alone turns them into OpenRouter's envelope.

WeirError
├── InvalidRequestError      400  the request is malformed; the message says what to change
├── InvalidApiKeyError       401  no key, or not one of ours
├── InsufficientCreditsError 402  the account cannot cover the estimate
├── ForbiddenError           403  suspended account, exhausted limit, wrong kind of key
│   └── MissingAccountError  403  there is no such account
├── NotFoundError            404
├── ConflictError            409  the same request is in flight
├── GoneError                410  OpenRouter had it once
├── PayloadTooLargeError     413
├── UnprocessableError       422  an Idempotency-Key that belongs to another request
├── RateLimitExceededError   429  requests or tokens per minute, requests in flight
├── ProviderError            502  upstream refused, failed or broke off (carries its own status)
│   ├── UpstreamTimeoutError 408  upstream did not finish within the deadline
│   └── CancelledGenerationError 499  the tenant stopped it
└── StoreUnavailableError    503  the ledger cannot be reached; nothing was sent upstream
"""

from collections.abc import Mapping
from typing import ClassVar

Metadata = Mapping[str, object]

RETRY_AFTER_S = 5
"""When to come back after a failure of upstream that says nothing of it."""

# What passes by itself; 500 does not always.
_PASSING = frozenset({408, 502, 503, 504, 524, 529})


class WeirError(Exception):
    """Base of all errors a client may see.

    Attributes:
        status: HTTP status and `error.code`.
        message: Safe to show: holds no key, prompt or internal address.
        metadata: Becomes `error.metadata`; None is omitted.
        retry_after_s: Whole seconds for `Retry-After`; None is omitted.
        headers: Sent along with the answer.
        generation_id: Ours, once a hold exists; becomes `X-Generation-Id`.
    """

    default_status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        metadata: Metadata | None = None,
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.headers = dict(headers or {})
        self.status = status or self.default_status
        self.message = message
        self.metadata = metadata
        self.retry_after_s = retry_after_s
        self.generation_id: str | None = None


class InvalidRequestError(WeirError):
    """The request is malformed or out of range."""

    default_status = 400


class InvalidApiKeyError(WeirError):
    """The credential is missing, malformed, unknown, disabled or expired."""

    default_status = 401


class InsufficientCreditsError(WeirError):
    """The account's remaining credit does not cover the estimate."""

    default_status = 402


class ForbiddenError(WeirError):
    """The key or account may not do this."""

    default_status = 403


class MissingAccountError(ForbiddenError):
    """There is no account to charge; that of an end user is opened with its first request."""


class NotFoundError(WeirError):
    """The resource is absent, or belongs to somebody else."""

    default_status = 404


class ConflictError(WeirError):
    """The same request is in flight; its answer can be had later."""

    default_status = 409


class GoneError(WeirError):
    """The endpoint is no more."""

    default_status = 410


class UnprocessableError(WeirError):
    """An Idempotency-Key was used before, with another request."""

    default_status = 422


class PayloadTooLargeError(WeirError):
    """The request body exceeds the limit."""

    default_status = 413


class RateLimitExceededError(WeirError):
    """A limit of requests, tokens or concurrency is reached."""

    default_status = 429


class ProviderError(WeirError):
    """Upstream refused the request, failed, or broke off.

    One that passes by itself always has a `retry_after_s`: clients repeat it, and those of
    OpenRouter wait exactly as long as they are told.

    Attributes:
        cost_is_zero: True when upstream certainly charged nothing (it answered with an error
            status, or was never reached); False when only its own ledger knows.
        upstream_generation_id: What to ask that ledger for, when upstream named it before it
            failed; None otherwise.
    """

    default_status = 502

    def __init__(
        self,
        message: str,
        *,
        cost_is_zero: bool,
        status: int | None = None,
        metadata: Metadata | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message, status=status, metadata=metadata, retry_after_s=retry_after_s)
        if self.retry_after_s is None and self.status in _PASSING:
            self.retry_after_s = RETRY_AFTER_S
        self.cost_is_zero = cost_is_zero
        self.upstream_generation_id: str | None = None


class UpstreamTimeoutError(ProviderError):
    """Upstream did not finish within the deadline of the request."""

    default_status = 408


class CancelledGenerationError(ProviderError):
    """The tenant asked for a running request to be stopped; what upstream made so far costs."""

    default_status = 499


class StoreUnavailableError(WeirError):
    """The ledger or the key store cannot be reached. The gateway fails closed."""

    default_status = 503
