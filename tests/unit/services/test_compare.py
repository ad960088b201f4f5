"""The comparison finds where upstream's books differ from these, in exact numbers, by day."""

from datetime import UTC, datetime

import pytest
from typing_extensions import override

from tests.support.fakes import FakeClock
from tests.support.reconciling import DAY_MS, TODAY, FakeBaselines, Stage
from weir.domain.money import NanoUsd
from weir.domain.reconciliation import Baseline, BooksState, DayDrift


class OvertakenBaselines(FakeBaselines):
    """Another run replaces the baseline as soon as it is read."""

    @override
    def load(self) -> Baseline | None:
        self.stored, found = None, self.stored
        return found


def at(text: str) -> FakeClock:
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return FakeClock(ms=int(moment.timestamp()) * 1_000)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_sums_are_equal_after_everything_is_resolved(stage: Stage) -> None:
    for days_ago in range(10):
        stage.spend(1_000 + days_ago, days_ago=days_ago)
        stage.lose(50, days_ago=days_ago)
    stage.close(*range(1, 10))

    report = stage.run()

    assert report.resolved == 10
    assert [day.day for day in report.comparison.days] == [stage.day(n) for n in range(7, 0, -1)]
    assert {day.drift_nano_usd for day in report.comparison.days} == {0}
    assert report.comparison.since_baseline_nano_usd == 0
    assert stage.run().comparison == report.comparison


def test_adjustment_counts_on_the_day_of_its_request_for_as_long_as_it_is_compared(
    stage: Stage,
) -> None:
    stage.spend(1_000, days_ago=1)
    stage.lose(50, days_ago=25)
    stage.close(1, 25)
    stage.run()

    for _ in range(12):
        stage.clock.ms += DAY_MS
        stage.spend(10, days_ago=1)
        stage.close(1)
        report = stage.run()
        assert report.comparison.drift_nano_usd == 0
        assert report.comparison.since_baseline_nano_usd == 0


def test_drift_is_found_when_upstream_bills_what_these_books_do_not_know(stage: Stage) -> None:
    stage.spend(1_000, days_ago=2)
    stage.spend(2_000, days_ago=1)
    stage.bill(7, days_ago=2)
    stage.lose(30, days_ago=1, known_id=False)
    stage.close(1, 2)

    comparison = stage.run().comparison

    drifts = [day for day in comparison.days if day.drift_nano_usd]
    assert drifts == [
        DayDrift(
            day=stage.day(2),
            ours_nano_usd=NanoUsd(1_000),
            upstream_nano_usd=NanoUsd(1_007),
            unknown=0,
        ),
        DayDrift(
            day=stage.day(1),
            ours_nano_usd=NanoUsd(2_000),
            upstream_nano_usd=NanoUsd(2_030),
            unknown=1,
        ),
    ]
    assert (comparison.drift_nano_usd, comparison.since_baseline_nano_usd) == (37, 37)


def test_drift_is_negative_when_upstream_billed_less(stage: Stage) -> None:
    record = stage.spend(1_000, days_ago=1)
    stage.close(1)
    assert record.upstream_generation_id
    del stage.upstream.bills[record.upstream_generation_id]

    assert stage.run().comparison.drift_nano_usd == -1_000


def test_both_sides_of_a_midnight_cancel(stage: Stage) -> None:
    record = stage.spend(1_000, days_ago=2)
    stage.close(2)
    assert record.upstream_generation_id
    stage.upstream.bills[record.upstream_generation_id] = stage.day(1), 1_000

    comparison = stage.run().comparison

    assert [day.drift_nano_usd for day in comparison.days][-2:] == [-1_000, 1_000]
    assert comparison.drift_nano_usd == 0


def test_day_is_compared_when_it_is_closed_and_not_before(stage: Stage) -> None:
    stage.spend(1_000, days_ago=1)

    before = stage.run().comparison
    stage.close(1)
    after = stage.run().comparison

    assert stage.day(1) not in [day.day for day in before.days]
    assert stage.day(1) in [day.day for day in after.days]
    assert before.drift_nano_usd == after.drift_nano_usd == 0


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2026-11-18T00:00:00", "2026-11-16"),
        ("2026-11-18T01:59:59", "2026-11-16"),
        ("2026-11-18T02:00:00", "2026-11-17"),
        ("2026-11-18T23:59:59", "2026-11-17"),
        ("2027-01-01T02:00:00", "2026-12-31"),
    ],
)
def test_yesterday_is_compared_when_upstream_has_had_its_time(
    stage: Stage, now: str, last: str
) -> None:
    stage.clock = at(now)

    assert stage.run().comparison.days[-1].day == last


def test_nothing_is_compared_when_there_is_no_management_key(stage: Stage) -> None:
    stage.lose(400)
    stage.bill(7, days_ago=1)
    stage.upstream.has_key = False

    report = stage.run()

    assert (report.resolved, report.comparison.state) == (1, BooksState.NO_KEY)
    assert (report.comparison.days, report.comparison.since_baseline_nano_usd) == ((), None)


def test_first_comparison_only_notes_where_both_stand(stage: Stage) -> None:
    stage.baselines = FakeBaselines(stored=None)
    stage.spend(1_000)
    stage.bill(77, days_ago=1)
    stage.bill(77, days_ago=100)

    first = stage.run().comparison
    stage.spend(500)
    stage.bill(3)
    second = stage.run().comparison

    assert (first.state, first.days, first.since_baseline_nano_usd) == (BooksState.COMPARED, (), 0)
    assert (second.days, second.since_baseline_nano_usd) == ((), 3)


def test_whole_days_are_compared_from_the_day_after_the_first(stage: Stage) -> None:
    stage.baselines = FakeBaselines(stored=None)
    stage.run()

    stage.clock.ms += 3 * DAY_MS

    assert [day.day for day in stage.run().comparison.days] == ["2026-11-19", "2026-11-20"]


def test_sum_since_the_first_comparison_is_kept_for_ever(stage: Stage) -> None:
    stage.baselines = FakeBaselines(stored=None)
    stage.spend(1_000)
    stage.run()

    for _ in range(60):
        stage.spend(10)
        stage.lose(1)
        stage.bill(2)
        report = stage.run()
        stage.close(0)
        stage.clock.ms += DAY_MS

    baseline = stage.baselines.load()
    assert report.comparison.since_baseline_nano_usd == 60 * 2
    assert baseline is not None
    assert (baseline.started_day, baseline.first_day) == (TODAY, "2026-12-10")


def test_both_are_right_when_two_runs_move_the_baseline_at_once(stage: Stage) -> None:
    stage.bill(9)

    stage.baselines = OvertakenBaselines()

    assert stage.run().comparison.since_baseline_nano_usd == 9
    assert stage.baselines.stored is None
