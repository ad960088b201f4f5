"""Refusals: why an account does not admit a reservation, in the words a client understands.

The same rules, in the same order, as the conditions of the ledger's reserve write; that write
decides, this module explains the item it failed on. Wire facts: OpenRouter's errors and limits.
"""

from datetime import UTC, datetime
from decimal import Decimal

from weir.domain import periods
from weir.domain.accounts import Account, AccountStatus, is_end_user_account, is_tenant_account
from weir.domain.errors import (
    ForbiddenError,
    InsufficientCreditsError,
    MissingAccountError,
    RateLimitExceededError,
    WeirError,
)
from weir.domain.holds import Reservation
from weir.domain.money import NanoUsd, usd
from weir.domain.periods import LimitPeriod

_MS_PER_S = 1_000
_IN_FLIGHT_RETRY_S = 1
_INTERVALS = {
    LimitPeriod.TOTAL: "total",
    LimitPeriod.DAILY: "daily",
    LimitPeriod.WEEKLY: "weekly",
    LimitPeriod.MONTHLY: "monthly",
}
# OpenRouter's words for a budget's scope, and for the wall that refused.
_WORKSPACE = ("workspace", "openrouter_workspace_budget", "Account limit")
_KEY = ("key_limit", "openrouter_key_limit", "Key limit")
_MEMBER = ("member", "openrouter_guardrail_budget", "End-user limit")


def refusal(account: Account | None, *, reservation: Reservation) -> WeirError | None:
    """Explain why an account refuses a reservation.

    Returns:
        403 when there is no account or it is suspended, 429 for requests in flight, requests per
        minute and tokens per minute, 403 for the spending limit, 402 for the credit, in this order;
        None when nothing speaks against it.
    """
    if account is None:
        return MissingAccountError(
            "There is no account to charge this request to.",
            metadata={"error_type": "permission_denied"},
        )
    if account.status is not AccountStatus.ACTIVE:
        return ForbiddenError(
            f"This {_scope(account)[2].split()[0].lower()} is suspended.",
            metadata={"error_type": "permission_denied", "scope": _scope(account)[0]},
        )
    return (
        _too_many(account, reservation)
        or _over_limit(account, reservation)
        or _over_credit(account, reservation)
    )


def _scope(account: Account) -> tuple[str, str, str]:
    if is_tenant_account(account.account_id):
        return _WORKSPACE
    return _MEMBER if is_end_user_account(account.account_id) else _KEY


def _too_many(account: Account, reservation: Reservation) -> WeirError | None:
    limits, now_ms = account.limits, reservation.now_ms
    minute = periods.minute(now_ms)
    if account.in_flight >= limits.in_flight:
        return _rate_limit(account, "requests in flight", limit=limits.in_flight)
    requests = account.requests_by_minute.get(minute, 0)
    if requests >= limits.requests_per_minute:
        limit = limits.requests_per_minute
        return _rate_limit(account, "requests per minute", limit=limit, now_ms=now_ms)
    if account.tokens_by_minute.get(minute, 0) >= limits.tokens_per_minute:
        limit = limits.tokens_per_minute
        return _rate_limit(account, "tokens per minute", limit=limit, now_ms=now_ms)
    return None


def _rate_limit(
    account: Account, what: str, *, limit: int, now_ms: int | None = None
) -> RateLimitExceededError:
    """Build a 429; `now_ms` is None for a limit that no clock frees."""
    headers = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": "0"}
    retry_after_s = _IN_FLIGHT_RETRY_S
    if now_ms is not None:
        reset_ms = periods.minute_end_ms(now_ms)
        headers["X-RateLimit-Reset"] = str(reset_ms)
        retry_after_s = _seconds_until(reset_ms, now_ms)
    scope, _, name = _scope(account)
    return RateLimitExceededError(
        f"Rate limit exceeded: {name.split()[0].lower()} has {limit} {what}.",
        metadata={
            "error_type": "rate_limit_exceeded",
            "limit_source": "openrouter_admission_control",
            "scope": scope,
            "headers": headers,
        },
        headers=headers,
        retry_after_s=retry_after_s,
    )


def _over_limit(account: Account, reservation: Reservation) -> ForbiddenError | None:
    hold, period, limit = reservation.hold, account.limits.period, account.limits.spend_nano_usd
    key = periods.period_key(period, hold.generation_id)
    remaining = account.remaining_by_period.get(key, limit)
    if remaining >= hold.estimate_nano_usd:
        return None
    held = account.held_within(key)
    reset_ms = periods.period_end_ms(period, hold.generation_id)
    scope, source, name = _scope(account)
    resets_at = None if reset_ms is None else _iso(reset_ms)
    until = "" if resets_at is None else f" until {resets_at}"
    return ForbiddenError(
        f"{name} exceeded ({_INTERVALS[period]} limit): this request may cost up to "
        f"{_dollars(hold.estimate_nano_usd)}, and {_dollars(remaining)} of {_dollars(limit)} is "
        f"left{until}. Raise the limit, or lower max_tokens.",
        metadata={
            "error_type": "permission_denied",
            "limit_source": source,
            "scope": scope,
            "limit_usd": usd(limit),
            "spend_usd": usd(NanoUsd(limit - remaining - held)),
            "held_usd": usd(held),
            "required_usd": usd(hold.estimate_nano_usd),
            "reset_interval": None if reset_ms is None else _INTERVALS[period],
            "resets_at": resets_at,
        },
        retry_after_s=_retry_after_s(
            account, reservation, left=remaining + held, reset_ms=reset_ms
        ),
    )


def _over_credit(account: Account, reservation: Reservation) -> InsufficientCreditsError | None:
    estimate, available = reservation.hold.estimate_nano_usd, account.available_nano_usd
    if available >= estimate:
        return None
    held = account.held_nano_usd
    is_in_flight = available + held >= estimate
    # What is left may be negative after an overspend; a client can only use what is above zero.
    left = NanoUsd(max(0, available))
    return InsufficientCreditsError(
        "This request requires more credits, or fewer max_tokens: it may cost up to "
        f"{_dollars(estimate)}, and this account's credits cover {_dollars(left)}"
        + (f"; {_dollars(held)} is held by requests in flight." if held else "."),
        metadata={
            "error_type": "payment_required",
            "limit_source": "openrouter_in_flight_budget" if is_in_flight else "openrouter_credits",
            "reason": "in_flight_budget_exhausted" if is_in_flight else "credits",
            "scope": _scope(account)[0],
            "limit_usd": usd(account.credit_nano_usd),
            "spend_usd": usd(account.spent_nano_usd),
            "held_usd": usd(held),
            "available_usd": usd(left),
            "required_usd": usd(estimate),
        },
        retry_after_s=_IN_FLIGHT_RETRY_S if is_in_flight else None,
    )


def _retry_after_s(
    account: Account, reservation: Reservation, *, left: int, reset_ms: int | None
) -> int | None:
    """Tell when trying again may help: when a request in flight ends, or with the next period.

    Returns:
        Seconds; None when the request can never fit, or the limit never starts anew.
    """
    estimate = reservation.hold.estimate_nano_usd
    if left >= estimate:
        return _IN_FLIGHT_RETRY_S
    if reset_ms is None or estimate > account.limits.spend_nano_usd:
        return None
    return _seconds_until(reset_ms, reservation.now_ms)


def _seconds_until(reset_ms: int, now_ms: int) -> int:
    return max(1, -(-(reset_ms - now_ms) // _MS_PER_S))


def _iso(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms // _MS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _dollars(amount: int) -> str:
    exact: Decimal = usd(NanoUsd(max(0, amount)))
    return f"${exact:f}"
