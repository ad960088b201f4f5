"""The ledger on DynamoDB and the model of it: every step is taken on both, and they must agree."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.support.ledger_model import ModelAccount
from tests.support.ledger_tables import new_tables
from tests.support.ledger_values import ACME, make_adjustment, make_record, new_id
from weir.domain import generations, periods
from weir.domain.accounts import (
    AccountId,
    charged_accounts,
    end_user_account,
    key_account,
    lane_of,
    tenant_account,
)
from weir.domain.errors import ProviderError, WeirError
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold, Reservation
from weir.domain.limits import UNLIMITED, AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.price_plans import PricePlan
from weir.domain.tenants import TenantId
from weir.domain.usage import ArchivedGeneration, RecordStatus, Usage, UsageRecord
from weir.services.audit import audit
from weir.services.sweep import Sweeping, SweepReport

HOLD_LIFE_MS = 960_000
MINUTE_MS = 60_000
# A minute before Monday the first of March 2027: a small step crosses every kind of period.
START_MS = 1_803_859_200_000 - MINUTE_MS
PLAN = PricePlan(version=1, multiplier_ppm=1_500_000)

TENANT = tenant_account(ACME)
KEY = key_account(ACME, "0123abcd")
USER = end_user_account(ACME, "ann")
LANES = 2
ACCOUNTS = ((TENANT, 0), (TENANT, 1), (KEY, 0), (USER, 0))


@dataclass(frozen=True)
class Request:
    """A request, as its process knows it."""

    hold: Hold
    reservation: Reservation

    @property
    def name(self) -> GenerationId:
        return self.hold.generation_id

    @property
    def accounts(self) -> tuple[AccountId, ...]:
        return charged_accounts(ACME, self.hold)

    @property
    def window(self) -> dict[str, int]:
        """Where it counts in its minute."""
        minute = periods.minute(self.reservation.now_ms)
        return {"minute": minute, "tokens": self.reservation.tokens}


class Upstream:
    """Upstream's ledger, which sometimes cannot be asked, and the tenant's price plan."""

    def __init__(self) -> None:
        self.billed: dict[str, NanoUsd] = {}
        self.reachable = True

    def generation(self, upstream_generation_id: str) -> ArchivedGeneration | None:
        if not self.reachable:
            raise ProviderError("unreachable", cost_is_zero=False)
        cost = self.billed.get(upstream_generation_id)
        return None if cost is None else ArchivedGeneration(usage=Usage(cost_nano_usd=cost))

    def plan(self, tenant_id: TenantId, *, version: int) -> PricePlan:
        assert version == PLAN.version
        return PLAN


def price_of(cost: int) -> NanoUsd:
    return NanoUsd(-(-cost * 3 // 2))


class LedgerWorld:
    """One tenant: two lanes, an API key and an end user with accounts, and what became of them.

    Attributes:
        prices: What every stored record costs its tenant.
        unknown: The requests whose cost nobody knew when they were swept.
    """

    def __init__(self, client: Any, *, credit: int, limits: dict[AccountId, AccountLimits]) -> None:
        self.tables = new_tables(client)
        self.ledger = self.tables.ledger()
        self.upstream = Upstream()
        self.now_ms = START_MS
        self.model: dict[tuple[AccountId, int], ModelAccount] = {}
        self.prices: dict[GenerationId, int] = {}
        self.unknown: dict[GenerationId, UsageRecord] = {}
        for account_id, lane in ACCOUNTS:
            its, funds = limits.get(account_id, AccountLimits()), UNLIMITED
            if account_id == TENANT:
                funds = credit
                self.ledger.open_lane(ACME, credit_nano_usd=credit, limits=its, lane=lane)
            else:
                assert self.ledger.open_account(account_id, limits=its)
            self.model[account_id, lane] = ModelAccount(funds, funds, its)

    def account(self, account_id: AccountId, request: Request) -> ModelAccount:
        return self.model[account_id, lane_of(account_id, request.name)]

    def is_held(self, request: Request) -> bool:
        return request.name in self.account(TENANT, request).holds

    def was_sent(self, request: Request) -> bool:
        """A request that was released is never sent."""
        return request.name in self.prices or self.is_held(request)

    def admit(self, request: Request) -> bool:
        """Reserve on one account after the other; a refusal undoes what was reserved."""
        for place, account_id in enumerate(request.accounts):
            self._resync(account_id, request)
            account = self.account(account_id, request)
            expected = account.expected_status(request.hold, minute=request.window["minute"])
            assert self.reserve(account_id, request) == expected
            if expected != 200:
                for taken in (*reversed(request.accounts[:place]), TENANT):
                    self.release(taken, request)
                return False
            account.reserve(request.hold, **request.window)
        return True

    def reserve(self, account_id: AccountId, request: Request) -> int:
        try:
            account = self.ledger.reserve(account_id, reservation=request.reservation)
        except WeirError as refused:
            return refused.status
        assert request.name in account.holds
        return 200

    def release(self, account_id: AccountId, request: Request) -> None:
        self._resync(account_id, request)
        account = self.account(account_id, request)
        is_open = request.name in account.holds
        if is_open:
            account.release(request.name, **request.window)
        hold, reservation = request.hold, request.reservation
        assert self.ledger.release(account_id, hold=hold, reservation=reservation) == is_open

    def record(self, request: Request, cost: int) -> UsageRecord:
        self.prices.setdefault(request.name, price_of(cost))
        record = make_record(request.hold, cost=cost, price_nano_usd=price_of(cost))
        stored = self.ledger.record(record)
        assert stored.price_nano_usd == self.prices[request.name]
        return stored

    def settle(self, request: Request, stored: UsageRecord) -> None:
        for account_id in reversed(charged_accounts(ACME, stored)):
            self.settle_on(account_id, request, stored)

    def settle_on(self, account_id: AccountId, request: Request, stored: UsageRecord) -> None:
        account, price = self.account(account_id, request), stored.price_nano_usd
        was_open = request.name in account.holds
        settled = self.ledger.settle(
            account_id, hold=request.hold, price_nano_usd=price, now_ms=self.now_ms
        )
        assert settled == was_open
        account.settle(request.name, self.prices[request.name])

    def set_limits(self, account_id: AccountId, lane: int, limits: AccountLimits) -> None:
        now, account = new_id(now_ms=self.now_ms), self.model[account_id, lane]
        assert self.ledger.set_limits(
            account_id,
            limits=limits,
            now_ms=self.now_ms,
            spent_nano_usd=account.spent(limits.period, now),
            lane=lane,
        )
        account.limit(limits, now)

    def sweep(self) -> None:
        """Another process sweeps: it remembers nothing of this one."""
        due = [*self._due()]

        report = self._sweep()

        postponed = 0
        for hold in due:
            if hold.upstream_generation_id and not self.upstream.reachable:
                postponed += 1
            else:
                self._swept(hold)
        assert (report.settled, report.postponed) == (len(due) - postponed, postponed)

    def sweep_all(self) -> None:
        """Sweep when every hold is due; some clocks were ahead."""
        self.upstream.reachable = True
        self.now_ms += HOLD_LIFE_MS + 2 * MINUTE_MS
        self.sweep()
        assert self._sweep().settled == 0
        assert audit(self.tables.snapshot(), swept=True).violations == ()

    def adjust(self, record: UsageRecord, cost: int) -> None:
        """Find out what an unknown request cost."""
        name = record.generation_id
        is_new = not any(row.adjusts == name for row in self.tables.snapshot().records())
        found = make_adjustment(
            record, cost=cost, price_nano_usd=price_of(cost), now_ms=self.now_ms
        )
        assert self.ledger.adjust(found) == is_new
        if is_new:
            self.prices[found.generation_id] = found.price_nano_usd
            for account_id in charged_accounts(ACME, record):
                account = self.model[account_id, lane_of(account_id, name)]
                account.adjust(found.generation_id, found.price_nano_usd)

    def fold(self) -> None:
        """Close every day that is over for all requests."""
        over = periods.day(new_id(now_ms=self.now_ms - HOLD_LIFE_MS - 5 * MINUTE_MS))
        for read in self.tables.snapshot().accounts():
            for day in sorted({*read.requests_by_day, *read.spent_by_day}):
                if day >= over:
                    continue
                account = self.ledger.account(read.account_id, lane=read.lane)
                is_open = any(periods.day(name) == day for name in account.holds)
                assert self.ledger.fold(account, day=day, now_ms=self.now_ms) != is_open
                if not is_open:
                    self.model[read.account_id, read.lane].fold(now_ms=self.now_ms)

    def check(self, *, limits_unchanged: bool) -> None:
        """The audit finds nothing, and the ledger is what the model says."""
        ledger = self.tables.snapshot()
        assert audit(ledger, limits_unchanged=limits_unchanged).violations == ()
        for account in ledger.accounts():
            model = self.model[account.account_id, account.lane]
            model.check(account, minute=periods.minute(self.now_ms))
        prices = {record.generation_id: record.price_nano_usd for record in ledger.records()}
        assert prices == self.prices

    def _resync(self, account_id: AccountId, request: Request) -> None:
        """Take over the counters of a minute that may have been tidied away by now."""
        minute = request.window["minute"]
        if minute < periods.minute(self.now_ms) - 1:
            stored = self.ledger.account(account_id, lane=lane_of(account_id, request.name))
            self.account(account_id, request).minutes[minute] = (
                stored.requests_by_minute.get(minute, 0),
                stored.tokens_by_minute.get(minute, 0),
            )

    def _swept(self, hold: Hold) -> None:
        """A request was settled by the sweep, unless it was recorded before."""
        name = hold.generation_id
        billed = self.upstream.billed.get(hold.upstream_generation_id or "")
        if name not in self.prices:
            self.prices[name] = price_of(billed or 0)
            if billed is None:
                records = self.tables.snapshot().records()
                (record,) = (it for it in records if it.generation_id == name)
                assert record.status is RecordStatus.UNKNOWN
                self.unknown[name] = record
        for account_id in charged_accounts(ACME, hold):
            self.model[account_id, lane_of(account_id, name)].settle(name, self.prices[name])

    def _sweep(self) -> SweepReport:
        ledger = self.tables.ledger()
        sweeping = Sweeping(
            ledger=ledger,
            tenants=ledger,
            archive=self.upstream,
            plans=self.upstream,
            hold_life_ms=HOLD_LIFE_MS,
        )
        return sweeping.sweep(now_ms=self.now_ms)

    def _due(self) -> Iterable[Hold]:
        for account in self.tables.snapshot().accounts():
            if account.account_id == TENANT:
                for hold in account.holds.values():
                    created_ms = generations.created_s(hold.generation_id) * 1_000
                    if self.now_ms - created_ms >= HOLD_LIFE_MS:
                        yield hold
