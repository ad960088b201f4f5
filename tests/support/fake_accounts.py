"""What the ledger's writes do to an account, said once more in plain Python."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from tests.support.ledger_values import new_id
from weir.domain import periods
from weir.domain.accounts import Account, AccountId, AccountStatus, is_tenant_account
from weir.domain.holds import Hold, Reservation
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.tenants import Tenant, TenantId
from weir.domain.usage import UsageRecord

Period = TypeVar("Period", int, str)
Key = TypeVar("Key")
Value = TypeVar("Value")

HOUR_MS = 3_600_000


def opened(account_id: AccountId, *, lane: int, credit: int, limits: AccountLimits) -> Account:
    """A new account lane."""
    return Account(
        account_id=account_id,
        lane=lane,
        status=AccountStatus.ACTIVE,
        credit_nano_usd=NanoUsd(credit),
        available_nano_usd=NanoUsd(credit),
        spent_nano_usd=NanoUsd(0),
        in_flight=0,
        sequence=0,
        limits=limits,
        holds={},
    )


def reserved(account: Account, reservation: Reservation) -> Account:
    """With one more hold, which counts in the period of the account's own limit."""
    hold = replace(reservation.hold, period=account.limits.period)
    counted = _counted(account, hold, reservation, sign=1)
    return replace(counted, holds={**account.holds, hold.generation_id: hold})


def released(account: Account, hold: Hold, reservation: Reservation) -> Account:
    """As if a hold had never been taken."""
    return _counted(_without(account, hold), hold, reservation, sign=-1)


def _counted(account: Account, hold: Hold, reservation: Reservation, *, sign: int) -> Account:
    minute, day = periods.minute(reservation.now_ms), periods.day(hold.generation_id)
    key = periods.period_key(hold.period, hold.generation_id)
    taken = sign * hold.estimate_nano_usd
    remaining = {key: account.limits.spend_nano_usd, **account.remaining_by_period}
    return replace(
        account,
        available_nano_usd=NanoUsd(account.available_nano_usd - taken),
        in_flight=account.in_flight + sign,
        sequence=account.sequence + sign,
        requests_by_minute=_added(account.requests_by_minute, minute, sign),
        tokens_by_minute=_added(account.tokens_by_minute, minute, sign * reservation.tokens),
        remaining_by_period=_added(remaining, key, -taken),
        requests_by_day=_added(account.requests_by_day, day, sign),
    )


def settled(account: Account, hold: Hold, price: NanoUsd) -> Account:
    """With a price in the place of a hold."""
    back = NanoUsd(hold.estimate_nano_usd - price)
    key = periods.period_key(hold.period, hold.generation_id)
    return replace(
        _without(account, hold),
        available_nano_usd=NanoUsd(account.available_nano_usd + back),
        in_flight=account.in_flight - 1,
        spent_nano_usd=NanoUsd(account.spent_nano_usd + price),
        remaining_by_period=_added(account.remaining_by_period, key, back),
        spent_by_day=_added(account.spent_by_day, periods.day(hold.generation_id), price),
    )


def charged(account: Account, adjustment: UsageRecord) -> Account:
    """With an adjustment's price, on its own day and in its own period."""
    price, generation_id = adjustment.price_nano_usd, adjustment.generation_id
    key = periods.period_key(account.limits.period, generation_id)
    remaining = {key: account.limits.spend_nano_usd, **account.remaining_by_period}
    return replace(
        account,
        available_nano_usd=NanoUsd(account.available_nano_usd - price),
        spent_nano_usd=NanoUsd(account.spent_nano_usd + price),
        remaining_by_period=_added(remaining, key, -price),
        spent_by_day=_added(account.spent_by_day, periods.day(generation_id), price),
    )


def credited(account: Account, amount: int) -> Account:
    """With more credit, or less."""
    return replace(
        account,
        available_nano_usd=NanoUsd(account.available_nano_usd + amount),
        credit_nano_usd=NanoUsd(account.credit_nano_usd + amount),
    )


def limited(account: Account, limits: AccountLimits, *, spent: int, now_ms: int) -> Account:
    """With other limits, and what they leave of the period."""
    key = periods.period_key(limits.period, new_id(now_ms=now_ms))
    remaining = account.remaining_by_period.get(key)
    if remaining is not None and limits.period is account.limits.period:
        remaining += limits.spend_nano_usd - account.limits.spend_nano_usd
    else:
        held = sum(
            hold.estimate_nano_usd
            for hold in account.holds.values()
            if periods.period_key(limits.period, hold.generation_id) == key
        )
        remaining = limits.spend_nano_usd - spent - held
    left = {**account.remaining_by_period, key: remaining}
    return replace(account, limits=limits, remaining_by_period=left)


def folded(account: Account, day: str, *, now_ms: int) -> Account:
    """Without the counters of a day, and of all else that is over."""
    held = {periods.period_key(h.period, h.generation_id) for h in account.holds.values()}
    ago_ms = now_ms - HOUR_MS
    oldest = periods.minute(ago_ms)
    return replace(
        account,
        folded_nano_usd=NanoUsd(account.folded_nano_usd + account.spent_by_day.get(day, 0)),
        folded_requests=account.folded_requests + account.requests_by_day.get(day, 0),
        requests_by_day=_left(account.requests_by_day, {day}),
        spent_by_day=_left(account.spent_by_day, {day}),
        remaining_by_period={
            key: left
            for key, left in account.remaining_by_period.items()
            if key in held or not periods.is_over(key, now_ms=ago_ms)
        },
        requests_by_minute={m: n for m, n in account.requests_by_minute.items() if m >= oldest},
        tokens_by_minute={m: n for m, n in account.tokens_by_minute.items() if m >= oldest},
    )


def of_day(account: Account, day: str) -> tuple[int | None, int | None]:
    """The counters of a day."""
    return account.requests_by_day.get(day), account.spent_by_day.get(day)


def tenants_of(accounts: Iterable[Account]) -> Iterator[Tenant]:
    """The tenants whose accounts these are."""
    lanes: dict[AccountId, int] = {}
    for account in accounts:
        if is_tenant_account(account.account_id):
            lanes[account.account_id] = max(lanes.get(account.account_id, 0), account.lane + 1)
    for account_id, count in lanes.items():
        yield Tenant(tenant_id=TenantId(account_id), namespace_key=b"", lanes=count)


def _without(account: Account, hold: Hold) -> Account:
    return replace(account, holds=_left(account.holds, {hold.generation_id}))


def _left(counters: Mapping[Key, Value], gone: Collection[Key]) -> dict[Key, Value]:
    return {key: value for key, value in counters.items() if key not in gone}


def _added(counters: Mapping[Period, int], period: Period, amount: int) -> dict[Period, int]:
    return {**counters, period: counters.get(period, 0) + amount}
