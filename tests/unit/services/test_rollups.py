"""Rollups: refreshed from what is stored, read by day."""

import pytest

from tests.support.honest_books import make_row
from tests.support.ledger_values import ACME, NOON_MS
from tests.support.rollup_fakes import FakeRollups, FakeUsage, expected_buckets
from weir.domain.closes import Close
from weir.domain.rollups import DayFigure, Family, Sums, bucket_of, cells_of, summed
from weir.domain.usage import UsageRecord
from weir.services.rollups import daily_figures, refresh

DAY_MS = 24 * 60 * 60 * 1_000
TEN_MINUTES_MS = 600_000


def several() -> list[UsageRecord]:
    """Records of two buckets, two lanes and two families."""
    return [
        make_row(cost=10),
        make_row(cost=20, end_user="ann"),
        make_row(cost=30, now_ms=NOON_MS + TEN_MINUTES_MS),
        make_row(cost=40, lane=1),
    ]


def test_rollups_are_the_sums_of_the_records_when_all_have_arrived() -> None:
    rows, rollups = several(), FakeRollups()

    failed = refresh(rows, usage=FakeUsage(rows), rollups=rollups)

    assert not failed
    assert rollups.stored_buckets == expected_buckets(rows)


def test_rollups_do_not_change_when_records_arrive_again() -> None:
    rows, rollups = several(), FakeRollups()
    usage = FakeUsage(rows)

    for batch in (rows, rows[:1] * 3, rows[::-1]):
        refresh(batch, usage=usage, rollups=rollups)

    assert rollups.stored_buckets == expected_buckets(rows)


def test_only_cells_of_arrived_records_are_written() -> None:
    rows, rollups = [make_row(), make_row(model="maker/other")], FakeRollups()

    refresh(rows[:1], usage=FakeUsage(rows), rollups=rollups)

    assert {cell for _, cell in rollups.stored_buckets} == set(cells_of(rows[0]))


def test_nothing_is_written_when_the_record_is_gone_from_the_table() -> None:
    rollups = FakeRollups()

    assert not refresh([make_row()], usage=FakeUsage(), rollups=rollups)
    assert not rollups.stored_buckets


def test_records_of_other_buckets_are_counted_when_one_bucket_fails() -> None:
    rows, rollups = several(), FakeRollups()
    failing = iter([True, False, False])

    failed = refresh(rows, usage=FakeUsage(rows, fails=lambda: next(failing)), rollups=rollups)

    assert failed == {rows[0].generation_id, rows[1].generation_id}
    assert rollups.stored_buckets == expected_buckets(rows[2:])


def test_records_fail_when_their_cell_cannot_be_written() -> None:
    rows = [make_row()]

    failed = refresh(rows, usage=FakeUsage(rows), rollups=FakeRollups(fails=lambda: True))

    assert failed == {rows[0].generation_id}


def closed(rollups: FakeRollups, rows: list[UsageRecord]) -> None:
    """Close the day of some records."""
    day = bucket_of(rows[0]).day
    for cell, sums in summed(rows).items():
        rollups.put_day(ACME, figure=DayFigure(day=day, cell=cell, sums=sums))
    rollups.put_close(Close(tenant_id=ACME, day=day, total=Sums()))


@pytest.mark.parametrize("closed_days", [(), (0,), (1,), (0, 1, 2)])
def test_days_add_up_to_their_records_whether_closed_or_not(closed_days: tuple[int, ...]) -> None:
    days = [
        [make_row(cost=n, now_ms=NOON_MS + day * DAY_MS), make_row(now_ms=NOON_MS + day * DAY_MS)]
        for day, n in enumerate((10, 20, 30))
    ]
    rows, rollups = [row for day in days for row in day], FakeRollups()
    refresh(rows, usage=FakeUsage(rows), rollups=rollups)
    for day in closed_days:
        closed(rollups, days[day])

    figures = daily_figures(rollups, ACME, family=Family.KEY, first="2026-11-18", last="2026-11-20")

    assert {figure.day: figure.sums.cost_nano_usd for figure in figures} == {
        "2026-11-18": 410,
        "2026-11-19": 420,
        "2026-11-20": 430,
    }


def test_day_cells_count_for_nothing_until_the_close_is_stored() -> None:
    rows, rollups = [make_row(cost=10), make_row(cost=20)], FakeRollups()
    refresh(rows, usage=FakeUsage(rows), rollups=rollups)
    (cell,) = cells_of(rows[0])
    rollups.put_day(ACME, figure=DayFigure(day="2026-11-18", cell=cell, sums=Sums(rows=1)))
    rollups.put_close(Close(tenant_id=ACME, day="2026-11-17", total=Sums()))

    (figure,) = daily_figures(
        rollups, ACME, family=Family.KEY, first="2026-11-17", last="2026-11-18"
    )

    assert figure.sums == summed(rows)[cell]


def test_end_users_are_a_family_of_their_own() -> None:
    rows, rollups = [make_row(cost=10), make_row(cost=20, end_user="ann")], FakeRollups()
    refresh(rows, usage=FakeUsage(rows), rollups=rollups)

    (figure,) = daily_figures(
        rollups, ACME, family=Family.END_USER, first="2026-11-18", last="2026-11-18"
    )

    assert (figure.cell.end_user, figure.sums.cost_nano_usd) == ("ann", 20)
