"""Compare: these books beside upstream's own sums, by day and since the first comparison.

Nothing is corrected: a drift is a finding for the operator. What upstream served for somebody
else's use of the same account shows here, and so does whatever this gateway lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from weir.domain.errors import ProviderError
from weir.domain.money import NanoUsd
from weir.domain.reconciliation import (
    Baseline,
    Baselines,
    BooksState,
    DayDrift,
    UpstreamBooks,
    day_before,
    utc_day,
)
from weir.domain.rollups import days_between

COMPARED_DAYS = 7
# Upstream's sums of a day are complete a while after its end.
UPSTREAM_LAG_MS = 2 * 60 * 60 * 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnBooks:
    """What these books say.

    Attributes:
        costs: UTC day → upstream's cost of its requests in nano-USD; all days since the baseline.
        unknown: UTC day → number of its requests whose cost nobody knows.
        open_days: Days that may still get records.
        final_until: The costs of the days before this one will not change any more.
    """

    costs: Mapping[str, int]
    unknown: Mapping[str, int]
    open_days: frozenset[str]
    final_until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Both books.

    Attributes:
        state: Whether there was anything to compare with.
        days: The days that are over, closed and complete on both sides, in order.
        since_baseline_nano_usd: What upstream charged more since the first comparison. Requests in
            flight, and the moment upstream needs to count one, are in it; None without upstream.
    """

    state: BooksState
    days: tuple[DayDrift, ...] = ()
    since_baseline_nano_usd: int | None = None

    @property
    def drift_nano_usd(self) -> int:
        """Return what upstream charged more in all these days; a midnight's two sides cancel."""
        return sum(day.drift_nano_usd for day in self.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing:
    """What a comparison works with."""

    books: UpstreamBooks
    baselines: Baselines

    def compare(self, own: OwnBooks, *, baseline: Baseline | None, now_ms: int) -> Comparison:
        """Compare the books; the first comparison only notes where both stand.

        Args:
            own: These books.
            baseline: As it was read before them.
            now_ms: Epoch milliseconds.

        Raises:
            StoreUnavailableError: The baseline cannot be stored.
        """
        try:
            if not self.books.are_open():
                return Comparison(state=BooksState.NO_KEY)
            total = self.books.total_cost()
            known = baseline or _begun(own, total, today=utc_day(now_ms))
            days = tuple(self._day(own, day) for day in _complete(own, known, now_ms=now_ms))
        except ProviderError:
            return Comparison(state=BooksState.OUT_OF_REACH)
        moved = known.moved_on(own.costs, first_day=own.final_until)
        if moved != baseline:
            # Beside another run, whoever comes first is right for both.
            self.baselines.store(moved, previous=baseline)
        return Comparison(
            state=BooksState.COMPARED,
            days=days,
            since_baseline_nano_usd=known.drift_nano_usd(own.costs, upstream_nano_usd=total),
        )

    def _day(self, own: OwnBooks, day: str) -> DayDrift:
        return DayDrift(
            day=day,
            ours_nano_usd=NanoUsd(own.costs.get(day, 0)),
            upstream_nano_usd=self.books.day_cost(day),
            unknown=own.unknown.get(day, 0),
        )


def _begun(own: OwnBooks, total: NanoUsd, *, today: str) -> Baseline:
    return Baseline(
        started_day=today,
        first_day=today,
        ours_nano_usd=own.costs.get(today, 0),
        upstream_nano_usd=total,
    )


def _complete(own: OwnBooks, baseline: Baseline, *, now_ms: int) -> Sequence[str]:
    today, counted = utc_day(now_ms), utc_day(now_ms - UPSTREAM_LAG_MS)
    return [
        day
        for day in days_between(day_before(today, COMPARED_DAYS), day_before(today, 1))
        if baseline.started_day < day < counted and day not in own.open_days
    ]
