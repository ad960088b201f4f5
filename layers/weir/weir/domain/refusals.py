"""Refusals: why an account does not admit a reservation, in the words a client understands.

The same rules, in the same order, as the conditions of the ledger's reserve write; that write
decides, this module explains the item it failed on. Wire facts: OpenRouter's errors and limits.
"""

from decimal import Decimal

from weir.domain import periods
from weir.domain.accounts import Account, AccountStatus
from weir.domain.errors import (
    ForbiddenError,
    InsufficientCreditsError,
    RateLimitExceededError,
    WeirError,
)
from weir.domain.holds import Reservation
from weir.domain.money import NanoUsd, usd

_MS_PER_S = 1_000
_IN_FLIGHT_RETRY_S = 1


def refusal(account: Account | None, *, reservation: Reservation) -> WeirError | None:
    """Explain why an account refuses a reservation.

    Returns:
        403 when there is no account or it is suspended, 429 for requests in flight, requests per
        minute and tokens per minute, 402 for the monthly limit and the credit, in this order;
        None when nothing speaks against it.
    """
    if account is None:
        return _forbidden("There is no account to charge this request to.")
    if account.status is not AccountStatus.ACTIVE:
        return _forbidden("This account is suspended.")
    return _too_many(account, reservation) or _too_expensive(account, reservation)


def _forbidden(message: str) -> ForbiddenError:
    return ForbiddenError(message, metadata={"error_type": "permission_denied"})


def _too_many(account: Account, reservation: Reservation) -> WeirError | None:
    limits, minute = account.limits, periods.minute(reservation.now_ms)
    if account.in_flight >= limits.in_flight:
        return _rate_limit("requests in flight", limit=limits.in_flight)
    if account.requests_by_minute.get(minute, 0) >= limits.requests_per_minute:
        return _rate_limit(
            "requests per minute", limit=limits.requests_per_minute, now_ms=reservation.now_ms
        )
    if account.tokens_by_minute.get(minute, 0) >= limits.tokens_per_minute:
        return _rate_limit(
            "tokens per minute", limit=limits.tokens_per_minute, now_ms=reservation.now_ms
        )
    return None


def _too_expensive(account: Account, reservation: Reservation) -> WeirError | None:
    estimate = reservation.hold.estimate_nano_usd
    month = periods.month(reservation.hold.generation_id)
    remaining = account.remaining_by_month.get(month, account.limits.monthly_nano_usd)
    if remaining < estimate:
        return _insufficient(
            "this account's monthly limit",
            reason="monthly_limit",
            available=NanoUsd(remaining),
            estimate=estimate,
        )
    if account.available_nano_usd < estimate:
        return _insufficient(
            "this account's credits",
            reason="credits",
            available=account.available_nano_usd,
            estimate=estimate,
        )
    return None


def _rate_limit(what: str, *, limit: int, now_ms: int | None = None) -> RateLimitExceededError:
    """Build a 429; `now_ms` is None for a limit that no clock frees."""
    headers = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": "0"}
    retry_after_s = _IN_FLIGHT_RETRY_S
    if now_ms is not None:
        reset_ms = periods.minute_end_ms(now_ms)
        headers["X-RateLimit-Reset"] = str(reset_ms)
        retry_after_s = -(-(reset_ms - now_ms) // _MS_PER_S)
    return RateLimitExceededError(
        f"Rate limit exceeded: {limit} {what}.",
        metadata={
            "error_type": "rate_limit_exceeded",
            "limit_source": "openrouter_admission_control",
            "headers": headers,
        },
        retry_after_s=retry_after_s,
    )


def _insufficient(
    what: str, *, reason: str, available: NanoUsd, estimate: NanoUsd
) -> InsufficientCreditsError:
    # What is left may be negative after an overspend; a client can only use what is above zero.
    available_usd = usd(NanoUsd(max(0, available)))
    return InsufficientCreditsError(
        "This request requires more credits, or fewer max_tokens: it may cost up to "
        f"${_dollars(usd(estimate))}, and {what} cover ${_dollars(available_usd)}.",
        metadata={
            "error_type": "payment_required",
            "limit_source": "openrouter_credits",
            "reason": reason,
            "available_usd": available_usd,
            "required_usd": usd(estimate),
        },
    )


def _dollars(amount: Decimal) -> str:
    return f"{amount:f}"
