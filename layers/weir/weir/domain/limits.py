"""Limits: the ceilings of one account, of a whole tenant, of an API key or of an end user."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod

UNLIMITED = 10**18
MAX_LANES = 96
"""Of one account: what one transaction of a hundred writes can change, with rows that tell why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """Ceilings of one account lane; `UNLIMITED` switches one off, 0 admits nothing.

    `spend_nano_usd` bounds what may be held and spent within one `period`.
    """

    requests_per_minute: int = UNLIMITED
    tokens_per_minute: int = UNLIMITED
    in_flight: int = UNLIMITED
    spend_nano_usd: NanoUsd = NanoUsd(UNLIMITED)
    period: LimitPeriod = LimitPeriod.MONTHLY


def share(limits: AccountLimits, *, lane: int, lanes: int) -> AccountLimits:
    """Return one lane's share of an account's limits; the shares add up to the whole exactly."""
    return replace(
        limits,
        requests_per_minute=portion(limits.requests_per_minute, lane=lane, lanes=lanes),
        tokens_per_minute=portion(limits.tokens_per_minute, lane=lane, lanes=lanes),
        in_flight=portion(limits.in_flight, lane=lane, lanes=lanes),
        spend_nano_usd=NanoUsd(portion(limits.spend_nano_usd, lane=lane, lanes=lanes)),
    )


def portion(amount: int, *, lane: int, lanes: int) -> int:
    """Return one lane's portion of an amount; the first lanes get what does not divide.

    `UNLIMITED` stays unlimited.
    """
    if amount >= UNLIMITED:
        return amount
    whole, rest = divmod(amount, lanes)
    return whole + (lane < rest)


def whole(shares: Sequence[AccountLimits]) -> AccountLimits:
    """Return the limits of an account from the shares of its lanes; without lanes, none."""
    if not shares:
        return AccountLimits()
    return AccountLimits(
        requests_per_minute=_sum([share.requests_per_minute for share in shares]),
        tokens_per_minute=_sum([share.tokens_per_minute for share in shares]),
        in_flight=_sum([share.in_flight for share in shares]),
        spend_nano_usd=NanoUsd(_sum([share.spend_nano_usd for share in shares])),
        period=shares[0].period,
    )


def short_limit(limits: AccountLimits, *, lanes: int) -> str | None:
    """Name a limit that would leave a lane with nothing; None when there is none.

    Requests that only such lanes are tried for would be refused for ever. 0 closes all lanes, as it
    is meant to.
    """
    for name in ("in_flight", "requests_per_minute", "tokens_per_minute"):
        if 0 < getattr(limits, name) < lanes:
            return name
    return None


def _sum(amounts: Sequence[int]) -> int:
    return UNLIMITED if max(amounts) >= UNLIMITED else sum(amounts)
