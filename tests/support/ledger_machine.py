"""The ledger on DynamoDB beside a model of a few integers: a Hypothesis state machine.

Hypothesis chooses what happens: requests, crashes, retries, top-ups, suspensions, sweeps and the
passing of time. After every step the audit must find nothing and the model must agree.
"""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from tests.support.ledger_tables import Tables, new_tables
from tests.support.ledger_values import ACME, NOON_MS, make_hold, make_record
from weir.domain import generations, periods
from weir.domain.accounts import Account, AccountLimits, AccountStatus
from weir.domain.errors import ProviderError, WeirError
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold, Reservation
from weir.domain.money import NanoUsd
from weir.domain.usage import Usage, UsageRecord
from weir.services.audit import audit
from weir.services.sweep import SweepReport, sweep

HOLD_LIFE_MS = 960_000
MINUTE_MS = 60_000

# Few amounts, and one scarce thing at a time, so that limits are met exactly and often.
AMOUNTS = st.sampled_from([0, 300, 1_000, 2_500])
SCARCE = {
    "credit": AccountLimits(),
    "in flight": AccountLimits(in_flight=2),
    "requests": AccountLimits(requests_per_minute=2),
    "tokens": AccountLimits(tokens_per_minute=10),
    "month": AccountLimits(monthly_nano_usd=NanoUsd(2_300)),
}


@dataclass
class Model:
    """What the account must look like, in the fewest words."""

    credit: int
    limits: AccountLimits
    available: int
    active: bool = True
    holds: dict[GenerationId, int] = field(default_factory=dict)
    costs: dict[GenerationId, int] = field(default_factory=dict)
    minutes: dict[int, tuple[int, int]] = field(default_factory=dict)
    months: dict[str, int] = field(default_factory=dict)
    grants: set[str] = field(default_factory=set)

    def expected_status(self, estimate: int, *, month: str, minute: int) -> int:
        """Predict the answer to a reservation: 200 or the status of its refusal."""
        requests, tokens = self.minutes.get(minute, (0, 0))
        if not self.active:
            return 403
        if len(self.holds) >= self.limits.in_flight:
            return 429
        if requests >= self.limits.requests_per_minute or tokens >= self.limits.tokens_per_minute:
            return 429
        left = min(self.available, self.months.get(month, self.limits.monthly_nano_usd))
        return 402 if left < estimate else 200

    def reserve(self, hold: Hold, *, minute: int, tokens: int) -> None:
        requests, counted = self.minutes.get(minute, (0, 0))
        self.minutes[minute] = (requests + 1, counted + tokens)
        month = periods.month(hold.generation_id)
        self.months.setdefault(month, self.limits.monthly_nano_usd)
        self.months[month] -= hold.estimate_nano_usd
        self.available -= hold.estimate_nano_usd
        self.holds[hold.generation_id] = hold.estimate_nano_usd

    def settle(self, generation_id: GenerationId) -> None:
        estimate = self.holds.pop(generation_id, None)
        if estimate is not None:
            back = estimate - self.costs[generation_id]
            self.available += back
            self.months[periods.month(generation_id)] += back


class Archive:
    """Upstream's ledger; sometimes it cannot be asked."""

    def __init__(self) -> None:
        self.billed: dict[str, NanoUsd] = {}
        self.reachable = True

    def usage(self, upstream_generation_id: str) -> Usage | None:
        if not self.reachable:
            raise ProviderError("unreachable", cost_is_zero=False)
        cost = self.billed.get(upstream_generation_id)
        return None if cost is None else Usage(cost_nano_usd=cost)


class LedgerMachine(RuleBasedStateMachine):
    """Random stories of one account."""

    requests = Bundle("requests")
    client: ClassVar[Any]

    @initialize(scarce=st.sampled_from(sorted(SCARCE)), credit=AMOUNTS)
    def open(self, scarce: str, credit: int) -> None:
        self.tables: Tables = new_tables(self.client)
        self.ledger = self.tables.ledger()
        self.archive = Archive()
        # A minute before the year ends, so that a small step crosses every kind of period.
        self.now_ms = NOON_MS + 43 * 86_400_000 + 43_200_000 - MINUTE_MS
        limits = SCARCE[scarce]
        credit += 0 if scarce == "credit" else 100_000
        self.model = Model(credit=credit, limits=limits, available=credit)
        assert self.ledger.open_account(ACME, credit_nano_usd=credit, limits=limits)

    @rule(
        target=requests,
        estimate=AMOUNTS,
        tokens=st.sampled_from([0, 5, 10]),
        count=st.sampled_from([1, 3]),
    )
    def reserve(self, estimate: int, tokens: int, count: int) -> Any:
        """Requests that arrive together; each is admitted or refused as the model predicts."""
        asked = [self._request(estimate, tokens) for _ in range(count)]
        return multiple(*(hold for hold in asked if hold))

    @rule(hold=requests)
    def repeat_reserve(self, hold: Hold) -> None:
        """A retry of a write whose answer was lost."""
        if hold.generation_id in self.model.holds:
            assert self._reserve(hold, 1) == 200

    @rule(hold=requests, cost=AMOUNTS)
    def checkpoint(self, hold: Hold, cost: int) -> None:
        upstream_id = f"up-{hold.generation_id}"
        if hold.generation_id not in self.model.costs:
            self.archive.billed.setdefault(upstream_id, NanoUsd(cost))
            self.ledger.checkpoint(ACME, hold=hold, upstream_generation_id=upstream_id)

    @rule(hold=requests, cost=AMOUNTS)
    def finish(self, hold: Hold, cost: int) -> None:
        """A request ends: perhaps twice, perhaps after the sweep, perhaps with another cost."""
        stored = self._record(hold, cost)
        assert stored.usage.cost_nano_usd == self.model.costs[hold.generation_id]
        self._settle(hold, stored)

    @rule(hold=requests, cost=AMOUNTS, swept=st.booleans())
    def crash_between_record_and_settle(
        self,
        hold: Hold,
        cost: int,
        swept: bool,  # noqa: FBT001 - drawn by name
    ) -> None:
        self._record(hold, cost)
        if swept:
            self.sweep_when_all_are_due()

    @rule(hold=requests, first=AMOUNTS, second=AMOUNTS)
    def two_finish_at_once(self, hold: Hold, first: int, second: int) -> None:
        """Both record before either settles, and the late one settles first."""
        self._record(hold, first)
        late = self._record(hold, second)
        self._settle(hold, late)
        self._settle(hold, late)

    @rule(amount=st.integers(1, 1_000), reference=st.sampled_from("pqr"))
    def grant(self, amount: int, reference: str) -> None:
        added = self.ledger.grant(ACME, amount_nano_usd=amount, reference=reference)

        assert added == (reference not in self.model.grants)
        if added:
            self.model.grants.add(reference)
            self.model.credit += amount
            self.model.available += amount

    @rule(target=requests, status=st.sampled_from(AccountStatus), estimate=AMOUNTS)
    def set_status(self, status: AccountStatus, estimate: int) -> Any:
        """The operator suspends the account or makes it active; the next request feels it."""
        assert self.ledger.set_status(ACME, status=status)
        self.model.active = status is AccountStatus.ACTIVE

        hold = self._request(estimate, 0)
        return multiple(*([hold] if hold else []))

    @rule(step_ms=st.sampled_from([500, 20_000, 61_000, HOLD_LIFE_MS, 20 * 86_400_000]))
    def wait(self, step_ms: int) -> None:
        self.now_ms += step_ms

    @rule(reachable=st.booleans())
    def archive_comes_and_goes(self, reachable: bool) -> None:  # noqa: FBT001 - drawn by name
        self.archive.reachable = reachable

    @rule()
    def sweep(self) -> None:
        (account,) = self.tables.snapshot().accounts()
        due = [hold for hold in account.holds.values() if self._is_due(hold)]

        # Another process sweeps: it remembers nothing of this one.
        report = self._sweep()

        postponed = 0
        for hold in due:
            upstream_id = hold.upstream_generation_id
            if upstream_id and not self.archive.reachable:
                postponed += 1
                continue
            billed = self.archive.billed.get(upstream_id or "", 0)
            self.model.costs.setdefault(hold.generation_id, billed)
            self.model.settle(hold.generation_id)
        assert (report.settled, report.postponed) == (len(due) - postponed, postponed)
        assert self._sweep() == replace(report, settled=0, unknown=0)

    @rule()
    def sweep_when_all_are_due(self) -> None:
        self.archive.reachable = True
        self.now_ms += HOLD_LIFE_MS
        self.sweep()
        assert audit(self.tables.snapshot(), swept=True).violations == ()

    @invariant()
    def nothing_is_wrong(self) -> None:
        if not hasattr(self, "model"):
            return
        ledger = self.tables.snapshot()
        assert audit(ledger).violations == ()
        self._compare(*ledger.accounts())
        costs = {r.generation_id: r.usage.cost_nano_usd for r in ledger.records()}
        assert costs == self.model.costs

    def _compare(self, account: Account) -> None:
        model = self.model
        assert account.credit_nano_usd == model.credit
        assert account.available_nano_usd == model.available
        assert account.remaining_by_month == model.months
        assert account.in_flight <= model.limits.in_flight
        assert {key: hold.estimate_nano_usd for key, hold in account.holds.items()} == model.holds
        # Older counters may be there or not; the current minute's must be.
        minute = periods.minute(self.now_ms)
        counted = (
            account.requests_by_minute.get(minute, 0),
            account.tokens_by_minute.get(minute, 0),
        )
        assert counted == model.minutes.get(minute, (0, 0))

    def _request(self, estimate: int, tokens: int) -> Hold | None:
        hold = make_hold(estimate=estimate, now_ms=self.now_ms)
        minute = periods.minute(self.now_ms)
        expected = self.model.expected_status(
            estimate, month=periods.month(hold.generation_id), minute=minute
        )

        assert self._reserve(hold, tokens) == expected

        if expected != 200:
            return None
        self.model.reserve(hold, minute=minute, tokens=tokens)
        return hold

    def _reserve(self, hold: Hold, tokens: int) -> int:
        reservation = Reservation(hold=hold, tokens=tokens, now_ms=self.now_ms)
        try:
            account = self.ledger.reserve(ACME, reservation=reservation)
        except WeirError as refused:
            return refused.status
        assert hold.generation_id in account.holds
        return 200

    def _record(self, hold: Hold, cost: int) -> UsageRecord:
        self.model.costs.setdefault(hold.generation_id, cost)
        return self.ledger.record(ACME, record=make_record(hold, cost=cost))

    def _settle(self, hold: Hold, stored: UsageRecord) -> None:
        cost = stored.usage.cost_nano_usd
        was_open = hold.generation_id in self.model.holds
        settled = self.ledger.settle(ACME, hold=hold, cost_nano_usd=cost, now_ms=self.now_ms)
        assert settled == was_open
        self.model.settle(hold.generation_id)

    def _sweep(self) -> SweepReport:
        return sweep(
            self.tables.ledger(),
            archive=self.archive,
            now_ms=self.now_ms,
            hold_life_ms=HOLD_LIFE_MS,
        )

    def _is_due(self, hold: Hold) -> bool:
        created_ms = generations.created_s(hold.generation_id) * 1_000
        return self.now_ms - created_ms >= HOLD_LIFE_MS
