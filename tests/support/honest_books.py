"""Accounts and records as an honest ledger would have them, to put one lie at a time into."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.ledger_values import ACME, NOON_MS, make_hold, new_id
from weir.domain import periods
from weir.domain.accounts import (
    Account,
    AccountId,
    AccountStatus,
    charged_accounts,
    lane_of,
)
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.usage import RecordSource, RecordStatus, Usage, UsageRecord

CREDIT = 100_000

Lane = tuple[AccountId, int]


@dataclass
class HonestBooks:
    """Takes what happened; `accounts` and `records` are what a sound ledger holds then."""

    limits: AccountLimits = field(default_factory=AccountLimits)
    records: list[UsageRecord] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    folded_days: set[str] = field(default_factory=set)

    def add(self, *, cost: int = 400, price: int | None = None, **changes: Any) -> UsageRecord:
        """A request that is settled."""
        now_ms, lane = changes.pop("now_ms", NOON_MS), changes.pop("lane", 0)
        record = make_row(cost=cost, price=price, now_ms=now_ms, lane=lane, **changes)
        self.records.append(record)
        return record

    def adjust(self, original: UsageRecord, *, cost: int, now_ms: int = NOON_MS) -> UsageRecord:
        """What reconciliation found out about an unknown request."""
        found = replace(
            original,
            generation_id=new_id(now_ms=now_ms),
            status=RecordStatus.ADJUSTMENT,
            source=RecordSource.RECONCILIATION,
            usage=Usage(cost_nano_usd=NanoUsd(cost)),
            price_nano_usd=NanoUsd(cost),
            adjusts=original.generation_id,
        )
        place = self.records.index(original)
        self.records[place] = replace(original, adjusted_by=found.generation_id)
        self.records.append(found)
        return found

    def hold(self, **changes: Any) -> Hold:
        """A request in flight."""
        held = make_hold(**changes)
        self.holds.append(held)
        return held

    @property
    def accounts(self) -> list[Account]:
        """Every lane that anything is charged to."""
        lanes: dict[Lane, tuple[list[UsageRecord], list[Hold]]] = {}
        for record in self.records:
            for lane in _lanes(record, record.generation_id):
                lanes.setdefault(lane, ([], []))[0].append(record)
        for hold in self.holds:
            for lane in _lanes(hold, hold.generation_id):
                lanes.setdefault(lane, ([], []))[1].append(hold)
        return [self._account(lane, *charged) for lane, charged in lanes.items()]

    def _account(self, lane: Lane, records: list[UsageRecord], holds: list[Hold]) -> Account:
        spent, requests, taken = Counter[str](), Counter[str](), Counter[str]()
        for record in records:
            day = self._day(record.generation_id)
            spent[day] += record.price_nano_usd
            requests[day] += not record.is_adjustment
            taken[self._period(record.generation_id)] += record.price_nano_usd
        for hold in holds:
            requests[self._day(hold.generation_id)] += 1
            taken[self._period(hold.generation_id)] += hold.estimate_nano_usd
        held = sum(hold.estimate_nano_usd for hold in holds)
        folded, folded_requests = spent.pop("folded", 0), requests.pop("folded", 0)
        total = folded + spent.total()
        return Account(
            account_id=lane[0],
            lane=lane[1],
            status=AccountStatus.ACTIVE,
            credit_nano_usd=NanoUsd(CREDIT),
            available_nano_usd=NanoUsd(CREDIT - held - total),
            spent_nano_usd=NanoUsd(total),
            in_flight=len(holds),
            sequence=folded_requests + requests.total(),
            limits=self.limits,
            holds={hold.generation_id: hold for hold in holds},
            requests_by_minute={NOON_MS // 60_000: len(holds)},
            remaining_by_period={
                period: self.limits.spend_nano_usd - amount for period, amount in taken.items()
            },
            requests_by_day=dict(requests),
            spent_by_day=dict(spent),
            folded_nano_usd=NanoUsd(folded),
            folded_requests=folded_requests,
        )

    def _day(self, generation_id: GenerationId) -> str:
        day = periods.day(generation_id)
        return "folded" if day in self.folded_days else day

    def _period(self, generation_id: GenerationId) -> str:
        return periods.period_key(self.limits.period, generation_id)


def make_row(
    *,
    cost: int = 400,
    price: int | None = None,
    now_ms: int = NOON_MS,
    lane: int = 0,
    **changes: Any,
) -> UsageRecord:
    """A usage record; its price is its cost unless told otherwise."""
    values: dict[str, Any] = {
        "tenant_id": ACME,
        "generation_id": new_id(now_ms=now_ms, lane=lane),
        "status": RecordStatus.COMPLETED,
        "source": RecordSource.REQUEST,
        "usage": Usage(cost_nano_usd=NanoUsd(cost)),
        "price_nano_usd": NanoUsd(cost if price is None else price),
        "estimate_nano_usd": NanoUsd(1_000),
        "key_id": "0123abcd",
        "model": "maker/model-1",
    }
    return UsageRecord(**{**values, **changes})


def _lanes(charged: UsageRecord | Hold, generation_id: GenerationId) -> list[Lane]:
    tenant_id = charged.tenant_id if isinstance(charged, UsageRecord) else ACME
    return [
        (account_id, lane_of(account_id, generation_id))
        for account_id in charged_accounts(tenant_id, charged)
    ]
