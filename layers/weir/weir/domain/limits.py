"""Limits: the ceilings of one account, of a whole tenant, of an API key or of an end user."""

from dataclasses import dataclass, replace

from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod

UNLIMITED = 10**18


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
