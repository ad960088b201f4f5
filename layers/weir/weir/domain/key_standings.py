"""Key standings: an API key with what it has spent, and with what it may still spend."""

from dataclasses import dataclass, replace

from weir.domain import periods
from weir.domain.accounts import Account
from weir.domain.api_keys import ApiKey, KeyKind
from weir.domain.generations import RANDOM_BYTES, new_generation_id
from weir.domain.limits import UNLIMITED, AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.spending import Spending


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """What a key that is to be made shall be.

    Attributes:
        limits: None gives it no account of its own.
        expires_at_ms: Epoch milliseconds; None: never.
    """

    name: str
    kind: KeyKind = KeyKind.INFERENCE
    limits: AccountLimits | None = None
    expires_at_ms: int | None = None
    includes_byok: bool = False
    creator: str | None = None
    external_user: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """What shall change in a key; None leaves it as it is.

    Attributes:
        spend_nano_usd: The spending limit; `UNLIMITED` takes it away.
        period: Of that limit.
    """

    name: str | None = None
    disabled: bool | None = None
    includes_byok: bool | None = None
    spend_nano_usd: NanoUsd | None = None
    period: LimitPeriod | None = None

    @property
    def concerns_limits(self) -> bool:
        """Tell whether the key's account changes."""
        return self.spend_nano_usd is not None or self.period is not None

    def applied(self, key: ApiKey, *, now_ms: int) -> ApiKey:
        """Return the key as it shall be, but for its limits."""
        return replace(
            key.touched(now_ms),
            name=key.name if self.name is None else self.name,
            disabled=key.disabled if self.disabled is None else self.disabled,
            includes_byok=key.includes_byok if self.includes_byok is None else self.includes_byok,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStanding:
    """An API key with its figures.

    Attributes:
        limit_nano_usd: The spending limit; None when there is none.
        remaining_nano_usd: What its settled requests have left of it in the current period; below
            zero after an overspend. None without a limit.
        period: Of the limit; TOTAL without one.
        resets_at_ms: When the next period begins; None when none does.
    """

    key: ApiKey
    spending: Spending
    limit_nano_usd: NanoUsd | None = None
    remaining_nano_usd: NanoUsd | None = None
    period: LimitPeriod = LimitPeriod.TOTAL
    resets_at_ms: int | None = None


def spending_limits(
    spend_nano_usd: NanoUsd | None, *, period: LimitPeriod | None
) -> AccountLimits | None:
    """Return the limits of a new key; None when it is to have none.

    A period without a limit is kept, for the limit that may come.
    """
    if spend_nano_usd is None and period is None:
        return None
    return AccountLimits(
        spend_nano_usd=NanoUsd(UNLIMITED) if spend_nano_usd is None else spend_nano_usd,
        period=period or LimitPeriod.TOTAL,
    )


def wished_limits(change: KeyChange, *, account: Account | None) -> AccountLimits | None:
    """Return the limits that a change asks for; None when the key needs no account for them."""
    old = account.limits if account else AccountLimits(period=LimitPeriod.TOTAL)
    spend = old.spend_nano_usd if change.spend_nano_usd is None else change.spend_nano_usd
    period = change.period or old.period
    wished = replace(old, spend_nano_usd=spend, period=period)
    return None if account is None and wished == old else wished


def standing(
    key: ApiKey, *, account: Account | None, spending: Spending, now_ms: int
) -> KeyStanding:
    """Return the standing of a key.

    Args:
        key: Which.
        account: Its own; None when it has none.
        spending: As it was summed up.
        now_ms: Epoch milliseconds.
    """
    if account is None:
        return KeyStanding(key=key, spending=spending)
    limit, period = account.limits.spend_nano_usd, account.limits.period
    arriving = new_generation_id(now_ms=now_ms, lane=0, random=bytes(RANDOM_BYTES))
    name = periods.period_key(period, arriving)
    left = account.remaining_by_period.get(name, limit) + account.held_within(name)
    is_limited = limit < UNLIMITED
    return KeyStanding(
        key=key,
        spending=spending,
        limit_nano_usd=limit if is_limited else None,
        remaining_nano_usd=NanoUsd(left) if is_limited else None,
        period=period,
        resets_at_ms=periods.period_end_ms(period, arriving),
    )
