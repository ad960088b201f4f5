"""Alerts: an account has spent a certain part of its budget, told once per part.

A budget is the spending limit of an account in its current period, or the credit of a tenant's own
account. Only what is spent counts: a hold is a worst case and mostly goes back. A record comes
before its settlement, so the price of one that is known already counts in place of its open hold.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter

from weir.domain import accounts, generations, periods
from weir.domain.accounts import Account, AccountId
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold
from weir.domain.limits import UNLIMITED
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord

_WHOLE_PERCENT = 100


class Budget(StrEnum):
    """What an alert is about."""

    SPENDING_LIMIT = "spending_limit"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A threshold that an account's budget has reached.

    Attributes:
        key_id: Of the API key whose account it is; None for other accounts.
        end_user: Whose account it is; None for other accounts.
        period: As `periods.period_key` names it; None for credit.
        threshold_percent: Of the budget, 1..100.
        limit_nano_usd: The budget.
        held_nano_usd: By requests in flight; not part of what is spent.
        at_s: When the record that led here was made, epoch seconds.
    """

    tenant_id: TenantId
    account_id: AccountId
    key_id: str | None
    end_user: str | None
    budget: Budget
    period: str | None
    threshold_percent: int
    limit_nano_usd: NanoUsd
    spent_nano_usd: NanoUsd
    held_nano_usd: NanoUsd
    at_s: int

    @property
    def identity(self) -> str:
        """Return what makes it the same alert: a new period or another budget is another one."""
        budget = f"{self.period or self.budget}:{self.limit_nano_usd}"
        return f"{self.account_id}#{budget}#{self.threshold_percent}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """How far a budget is used up."""

    budget: Budget
    period: str | None
    limit: int
    spent: int
    held: int


def reached(
    lanes: Sequence[Account], *, records: Sequence[UsageRecord], thresholds: Sequence[int]
) -> tuple[Alert, ...]:
    """Return an alert for every threshold that an account has reached, published before or not.

    Args:
        lanes: Every lane of one account; none when there is no such account.
        records: That are charged to it, settled or not; the latest one says which period is meant.
        thresholds: Percentages, 1..100.
    """
    latest = max(records, key=attrgetter("generation_id"))
    prices = {record.generation_id: record.price_nano_usd for record in records}
    return tuple(
        _alert(state, lanes=lanes, record=latest, threshold=threshold)
        for state in _states(lanes, latest, prices)
        for threshold in thresholds
        if state.spent * _WHOLE_PERCENT >= state.limit * threshold
    )


def _states(
    lanes: Sequence[Account], latest: UsageRecord, prices: Mapping[GenerationId, NanoUsd]
) -> Iterator[_State]:
    if not lanes:
        return
    holds = [hold for lane in lanes for hold in lane.holds.values()]
    period = periods.period_key(lanes[0].limits.period, latest.generation_id)
    limit = sum(lane.limits.spend_nano_usd for lane in lanes)
    if 0 < limit < UNLIMITED:
        inside = [h for h in holds if periods.period_key(h.period, h.generation_id) == period]
        held = sum(hold.estimate_nano_usd for hold in inside)
        left = sum(_left_in(lane, period) for lane in lanes)
        yield _State(
            budget=Budget.SPENDING_LIMIT,
            period=period,
            limit=limit,
            spent=limit - left - held + _known(inside, prices),
            held=held - _replaced(inside, prices),
        )
    credit = sum(lane.credit_nano_usd for lane in lanes)
    if 0 < credit < UNLIMITED:
        yield _State(
            budget=Budget.CREDIT,
            period=None,
            limit=credit,
            spent=sum(lane.spent_nano_usd for lane in lanes) + _known(holds, prices),
            held=sum(hold.estimate_nano_usd for hold in holds) - _replaced(holds, prices),
        )


def _alert(
    state: _State, *, lanes: Sequence[Account], record: UsageRecord, threshold: int
) -> Alert:
    account_id = lanes[0].account_id
    is_end_user = accounts.is_end_user_account(account_id)
    is_key = not is_end_user and not accounts.is_tenant_account(account_id)
    return Alert(
        tenant_id=record.tenant_id,
        account_id=account_id,
        key_id=record.key_id if is_key else None,
        end_user=record.end_user if is_end_user else None,
        budget=state.budget,
        period=state.period,
        threshold_percent=threshold,
        limit_nano_usd=NanoUsd(state.limit),
        spent_nano_usd=NanoUsd(state.spent),
        held_nano_usd=NanoUsd(state.held),
        at_s=generations.created_s(record.generation_id),
    )


def _left_in(lane: Account, period: str) -> int:
    return lane.remaining_by_period.get(period, lane.limits.spend_nano_usd)


def _known(holds: Iterable[Hold], prices: Mapping[GenerationId, NanoUsd]) -> int:
    """Add up the prices that open holds are about to be replaced by."""
    return sum(prices.get(hold.generation_id, 0) for hold in holds)


def _replaced(holds: Iterable[Hold], prices: Mapping[GenerationId, NanoUsd]) -> int:
    """Add up the holds whose price is known."""
    return sum(hold.estimate_nano_usd for hold in holds if hold.generation_id in prices)
