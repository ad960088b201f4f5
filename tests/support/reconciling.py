"""A stage for reconciliations: these books, upstream's, and a clock, all in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from tests.support.fake_ledger import FakeLedger
from tests.support.fakes import FakeClock
from tests.support.ledger_values import ACME, NOON_MS, make_hold, make_record
from tests.support.rollup_fakes import FakeRollups
from weir.domain import generations
from weir.domain.closes import DayBook
from weir.domain.errors import ProviderError, StoreUnavailableError
from weir.domain.generations import GenerationId
from weir.domain.money import NanoUsd
from weir.domain.price_plans import AT_COST, PricePlan
from weir.domain.reconciliation import Baseline, Pair, utc_day
from weir.domain.tenants import TenantId
from weir.domain.usage import NO_USAGE, ArchivedGeneration, RecordStatus, Usage, UsageRecord
from weir.services.compare import Comparing
from weir.services.reconcile import ReconcileReport, Reconciliation
from weir.services.resolve import Resolving
from weir.services.survey import Surveying

DAY_MS = 86_400_000
TODAY = "2026-11-18"
LONG_AGO = Baseline(
    started_day="2026-10-01",
    first_day="2026-10-01",
    ours_nano_usd=0,
    upstream_nano_usd=NanoUsd(0),
)


@dataclass
class FakeUpstream:
    """`GenerationArchive` and `UpstreamBooks`: what upstream charged, by its id.

    Attributes:
        hidden: Generations that are billed and not told yet.
        is_down: Whether it can be asked at all.
        has_key: Whether its sums may be read.
    """

    bills: dict[str, tuple[str, int]] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    is_down: bool = False
    has_key: bool = True
    asked: list[str] = field(default_factory=list)

    def generation(self, upstream_generation_id: str) -> ArchivedGeneration | None:
        self.asked.append(upstream_generation_id)
        self._reach()
        if upstream_generation_id not in self.bills or upstream_generation_id in self.hidden:
            return None
        _, cost = self.bills[upstream_generation_id]
        usage = Usage(cost_nano_usd=NanoUsd(cost), prompt_tokens=3, completion_tokens=5)
        return ArchivedGeneration(usage=usage, provider="P", finish_reason="stop")

    def are_open(self) -> bool:
        return self.has_key

    def day_cost(self, day: str) -> NanoUsd:
        self._reach()
        return NanoUsd(sum(cost for billed, cost in self.bills.values() if billed == day))

    def total_cost(self) -> NanoUsd:
        self._reach()
        return NanoUsd(sum(cost for _, cost in self.bills.values()))

    def _reach(self) -> None:
        if self.is_down:
            raise ProviderError("down", cost_is_zero=False)


@dataclass
class FakeBaselines:
    stored: Baseline | None = LONG_AGO

    def load(self) -> Baseline | None:
        return self.stored

    def store(self, baseline: Baseline, *, previous: Baseline | None) -> bool:
        if self.stored != previous:
            return False
        self.stored = baseline
        return True


@dataclass
class LedgerRows:
    """`UsageRecords` and `UsagePartitions` over the fake ledger; `read` tells which days."""

    ledger: FakeLedger
    read: list[str] = field(default_factory=list)

    def find(self, tenant_id: TenantId, generation_id: GenerationId) -> UsageRecord | None:
        record = self.ledger.stored(generation_id)
        return record if record and record.tenant_id == tenant_id else None

    def day(self, tenant_id: TenantId, *, day: str, lane: int) -> Iterator[UsageRecord]:
        self.read.append(day)
        for record in self.ledger.records():
            place = generations.day(record.generation_id), generations.lane(record.generation_id)
            if record.tenant_id == tenant_id and place == (day, lane):
                yield record

    def bucket(self, bucket: object) -> Iterator[UsageRecord]:
        raise NotImplementedError


@dataclass
class FakePlans:
    plans: dict[int, PricePlan] = field(default_factory=dict)
    is_down: bool = False

    def plan(self, tenant_id: TenantId, *, version: int) -> PricePlan:
        if self.is_down:
            raise StoreUnavailableError("down")
        return self.plans.get(version, AT_COST)


class Stage:
    """The books of the tenant `ACME`, compared since long ago; it is noon of `TODAY`."""

    def __init__(self) -> None:
        self.clock = FakeClock(ms=NOON_MS)
        self.ledger = FakeLedger()
        self.ledger.open_tenant_account(ACME, credit_nano_usd=10**9)
        self.rollups = FakeRollups()
        self.rows = LedgerRows(self.ledger)
        self.upstream = FakeUpstream()
        self.baselines = FakeBaselines()
        self.plans = FakePlans()
        self._serial = 0

    def day(self, days_ago: int) -> str:
        return utc_day(self.clock.ms - days_ago * DAY_MS)

    def spend(self, cost: int, *, days_ago: int = 0) -> UsageRecord:
        """A request that both sides know."""
        return self._enter(cost, days_ago=days_ago, bill=True)

    def lose(self, cost: int, *, days_ago: int = 0, known_id: bool = True) -> UsageRecord:
        """A request whose cost only upstream knows."""
        record = self._enter(cost, days_ago=days_ago, bill=True, is_unknown=True)
        if known_id:
            return record
        nameless = replace(record, upstream_generation_id=None)
        self.ledger._records[record.generation_id] = nameless
        return nameless

    def bill(self, cost: int, *, days_ago: int = 0) -> None:
        """Something upstream charged for that is not in these books."""
        self.upstream.bills[self._upstream_id()] = self.day(days_ago), cost

    def close(self, *days_ago: int) -> None:
        for day in map(self.day, days_ago):
            book = DayBook(ACME, day)
            book.add(self.rows.day(ACME, day=day, lane=0))
            self.rollups.put_close(book.close())

    def run(self, *pairs: Pair, ends_ms: int | None = None) -> ReconcileReport:
        return self.reconciliation().reconcile(
            pairs=pairs, ends_ms=self.clock.ms + 1 if ends_ms is None else ends_ms
        )

    def reconciliation(self) -> Reconciliation:
        return Reconciliation(
            surveying=Surveying(
                tenants=self.ledger,
                rollups=self.rollups,
                partitions=self.rows,
                records=self.rows,
            ),
            resolving=Resolving(
                archive=self.upstream,
                adjustments=self.ledger,
                plans=self.plans,
                random=self._random,
                clock=self.clock,
            ),
            comparing=Comparing(books=self.upstream, baselines=self.baselines),
            clock=self.clock,
        )

    def adjustments(self) -> Sequence[UsageRecord]:
        return [record for record in self.ledger.records() if record.is_adjustment]

    def _enter(
        self, cost: int, *, days_ago: int, bill: bool, is_unknown: bool = False
    ) -> UsageRecord:
        hold = make_hold(now_ms=self.clock.ms - days_ago * DAY_MS)
        record = make_record(hold, cost=cost, upstream_generation_id=self._upstream_id())
        if is_unknown:
            record = replace(
                record,
                status=RecordStatus.UNKNOWN,
                usage=NO_USAGE,
                price_nano_usd=NanoUsd(0),
            )
        if bill:
            assert record.upstream_generation_id
            self.upstream.bills[record.upstream_generation_id] = self.day(days_ago), cost
        return self.ledger.record(record)

    def _upstream_id(self) -> str:
        self._serial += 1
        return f"up-{self._serial}"

    def _random(self, count: int) -> bytes:
        # Unlike those of the builders, which count from 1.
        self._serial += 1
        return b"\x01" + self._serial.to_bytes(count - 1)
