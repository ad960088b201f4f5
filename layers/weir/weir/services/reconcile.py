"""Reconcile: resolve what nobody knew, then compare these books with upstream's own."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from weir.domain import generations
from weir.domain.generations import GenerationId
from weir.domain.ports import Clock
from weir.domain.reconciliation import Outcome, Pair, day_before, utc_day
from weir.domain.usage import RecordStatus, UsageRecord
from weir.services.compare import COMPARED_DAYS, Comparing, Comparison, OwnBooks
from weir.services.resolve import Resolution, Resolving
from weir.services.survey import Surveying

LOOKBACK_DAYS = 30
# How many generations upstream is asked for in one run; the next run begins behind them.
MAX_ASKED = 1_000

_RUN_MS = 60 * 60 * 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileReport:
    """What a reconciliation found and did.

    Attributes:
        resolved: Requests charged by this run.
        unknown: Requests whose cost is still not known, the postponed among them.
        postponed: Left for the next run: upstream or the ledger failed, or there were too many.
        pairs: What became of an operator's pairs.
    """

    resolved: int
    unknown: int
    postponed: int
    pairs: Mapping[GenerationId, Outcome]
    comparison: Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What a reconciliation works with."""

    surveying: Surveying
    resolving: Resolving
    comparing: Comparing
    clock: Clock

    def reconcile(self, *, pairs: Sequence[Pair] = (), ends_ms: int) -> ReconcileReport:
        """Resolve unknown costs, an operator's pairs first, and compare the sums.

        Args:
            pairs: Requests of which only the log knows upstream's id.
            ends_ms: Epoch milliseconds from which on upstream is asked for no further generation.

        Raises:
            StoreUnavailableError: The books cannot be read; what is charged is charged, and the
                next run goes on.
        """
        return _Run(self).report(pairs, ends_ms=ends_ms)


class _Run:
    """One reconciliation."""

    def __init__(self, ports: Reconciliation) -> None:
        self._ports = ports
        self._now_ms = ports.clock.now_ms()
        self._resolver = ports.resolving.start()
        self._today = utc_day(self._now_ms)
        # The oldest day whose unknown costs are still looked for.
        self._first_day = day_before(self._today, LOOKBACK_DAYS)
        # No adjustment that a compared day may have names a request before this day.
        self._final_until = day_before(self._first_day, COMPARED_DAYS)

    def report(self, pairs: Sequence[Pair], *, ends_ms: int) -> ReconcileReport:
        given = {pair.generation_id: self._given(pair) for pair in pairs}
        outcomes, unknown = Counter(given.values()), Counter[str]()
        baseline = self._ports.comparing.baselines.load()
        survey = self._ports.surveying.survey(
            first=min(self._final_until, baseline.first_day if baseline else self._today),
            recent=day_before(self._today, COMPARED_DAYS),
            last=self._today,
        )
        costs = Counter(survey.costs)
        for record, resolution in self._resolved(survey.unknown, ends_ms=ends_ms):
            day = generations.day(record.generation_id)
            outcomes[resolution.outcome] += 1
            costs[day] += resolution.cost_nano_usd
            unknown[day] += resolution.outcome in {Outcome.UNKNOWN, Outcome.POSTPONED}
        own = OwnBooks(
            costs=costs,
            unknown=unknown,
            open_days=survey.open_days,
            final_until=self._final_until,
        )
        return ReconcileReport(
            resolved=outcomes[Outcome.RESOLVED],
            unknown=unknown.total(),
            postponed=outcomes[Outcome.POSTPONED],
            pairs=given,
            comparison=self._ports.comparing.compare(own, baseline=baseline, now_ms=self._now_ms),
        )

    def _given(self, pair: Pair) -> Outcome:
        upstream_id = pair.upstream_generation_id
        if generations.day(pair.generation_id) < self._first_day:
            return Outcome.TOO_OLD
        record = self._found(pair.generation_id)
        if record is None:
            return Outcome.NO_RECORD
        if record.status is not RecordStatus.UNKNOWN or record.adjusted_by is not None:
            return Outcome.SETTLED
        if record.upstream_generation_id not in {None, upstream_id}:
            return Outcome.OTHER_ID
        return self._resolver.resolve(record, upstream_generation_id=upstream_id).outcome

    def _found(self, generation_id: GenerationId) -> UsageRecord | None:
        """Look for a request in every tenant's books: a log line does not name the tenant."""
        for tenant in self._ports.surveying.tenants.tenants():
            record = self._ports.surveying.records.find(tenant.tenant_id, generation_id)
            if record is not None:
                return record
        return None

    def _resolved(
        self, unknown: Sequence[UsageRecord], *, ends_ms: int
    ) -> Iterator[tuple[UsageRecord, Resolution]]:
        left = MAX_ASKED
        for record in self._in_turn(unknown):
            upstream_id = record.upstream_generation_id
            if upstream_id is None:
                yield record, Resolution(outcome=Outcome.UNKNOWN)
            elif left == 0 or self._ports.clock.now_ms() >= ends_ms:
                yield record, Resolution(outcome=Outcome.POSTPONED)
            else:
                left -= 1
                yield record, self._resolver.resolve(record, upstream_generation_id=upstream_id)

    def _in_turn(self, unknown: Sequence[UsageRecord]) -> Sequence[UsageRecord]:
        """Return what is young enough; each run begins where the one before it ended."""
        young = [
            record for record in unknown if generations.day(record.generation_id) >= self._first_day
        ]
        if len(young) <= MAX_ASKED:
            return young
        start = self._now_ms // _RUN_MS * MAX_ASKED % len(young)
        return [*young[start:], *young[:start]]
