"""Rollups are compared with the records they stand for, bucket by bucket and day by day."""

from dataclasses import replace

import pytest

from tests.support.honest_books import HonestBooks
from tests.support.ledger_values import ACME, NOON_MS
from tests.support.rollup_fakes import FakeRollups, FakeUsage
from weir.domain.closes import DayBook
from weir.domain.rollups import DayFigure, Sums, cells_of
from weir.domain.usage import RecordStatus, UsageRecord
from weir.services.rollup_audits import audit_rollups
from weir.services.rollups import refresh

DAY_MS = 86_400_000
DAY = "2026-11-18"


@pytest.fixture
def records() -> list[UsageRecord]:
    """Two closed requests of one day, one of an end user; and two of the next, one adjusted."""
    books = HonestBooks()
    books.add(cost=400, end_user="ann", provider="Maker")
    books.add(cost=300, lane=3)
    unknown = books.add(cost=0, status=RecordStatus.UNKNOWN, now_ms=NOON_MS + DAY_MS)
    books.adjust(unknown, cost=9, now_ms=NOON_MS + DAY_MS)
    return books.records


@pytest.fixture
def rollups(records: list[UsageRecord]) -> FakeRollups:
    """Them as the stream and the close of the first day have left them."""
    made = FakeRollups()
    refresh(records, usage=FakeUsage(rows=records), rollups=made)
    book = DayBook(ACME, DAY)
    book.add(records[:2])
    for figure in book.figures():
        made.put_day(ACME, figure=figure)
    made.put_close(book.close())
    return made


def test_nothing_is_violated_when_every_rollup_is_its_records_sum(
    records: list[UsageRecord], rollups: FakeRollups
) -> None:
    findings = audit_rollups(rollups, records)

    assert findings.violations == ()
    # Buckets: two lanes, one end user, one of the next day. Day cells: three. The close: one.
    assert findings.checked == 8


def test_nothing_is_compared_when_there_are_no_records(rollups: FakeRollups) -> None:
    assert audit_rollups(rollups, []).checked == 0


def test_bucket_is_named_when_it_misses_a_record(
    records: list[UsageRecord], rollups: FakeRollups
) -> None:
    (bucket, cell), sums = next(iter(rollups.stored_buckets.items()))
    rollups.stored_buckets[bucket, cell] = replace(sums, requests=0)

    (violation,) = audit_rollups(rollups, records).violations

    assert violation.startswith("I5 acme 2026-11-18T12:00#0 ")
    assert "holds Sums(rows=1, requests=0" in violation
    assert "its records add up to Sums(rows=1, requests=1" in violation


def test_bucket_is_named_when_it_is_missing_or_of_no_record(
    records: list[UsageRecord], rollups: FakeRollups
) -> None:
    (bucket, cell), sums = rollups.stored_buckets.popitem()
    rollups.stored_buckets[replace(bucket, lane=9), cell] = sums

    missing, foreign = audit_rollups(rollups, records).violations

    assert missing.startswith("I5 acme 2026-11-19T12:00#0 K/-/0123abcd/maker/model-1/- holds None")
    assert foreign.startswith("I5 acme 2026-11-19T12:00#9 ")


def test_closed_day_is_named_when_its_cells_or_its_total_are_wrong(
    records: list[UsageRecord], rollups: FakeRollups
) -> None:
    cell = cells_of(records[1])[0]
    rollups.stored_days[ACME, DAY, cell] = Sums(rows=2)
    close = rollups.stored_closes[ACME, DAY]
    rollups.stored_closes[ACME, DAY] = replace(close, total=Sums(rows=3))

    total, day = audit_rollups(rollups, records).violations

    assert total.startswith("I5 acme 2026-11-18 holds Sums(rows=3")
    assert day.startswith("I5 acme 2026-11-18 K/-/0123abcd/maker/model-1/- holds Sums(rows=2")


def test_cells_of_a_day_are_left_out_when_its_close_broke_off(
    records: list[UsageRecord], rollups: FakeRollups
) -> None:
    cell = cells_of(records[2])[0]
    rollups.put_day(ACME, figure=DayFigure(day="2026-11-19", cell=cell, sums=Sums(rows=5)))

    assert audit_rollups(rollups, records).violations == ()
