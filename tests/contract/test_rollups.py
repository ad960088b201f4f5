"""The ports of metering, over their fakes and over DynamoDB."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.support.honest_books import HonestBooks, make_row
from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from tests.support.ledger_values import ACME, NOON_MS
from tests.support.opened_tenants import open_lanes
from tests.support.rollup_fakes import (
    FakeRollups,
    FakeUsage,
    new_rollups,
    rollups_name,
    stored_buckets,
)
from weir.adapters.dynamodb.budgets import AccountReader
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.adapters.dynamodb.usage_queries import UsageQueries
from weir.domain.accounts import key_account, tenant_account
from weir.domain.alerts import Alert, reached
from weir.domain.closes import Close
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.rollups import Bucket, Cell, DayFigure, Family, Sums, bucket_of
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord

OTHER = TenantId("other")
NOON = Bucket(tenant_id=ACME, lane=0, start_s=NOON_MS // 1_000)
DAY_S = 24 * 60 * 60
CELL = Cell(family=Family.KEY, key_id="0123abcd", model="maker/model-1")
SUMS = Sums(
    rows=2,
    requests=1,
    cost_nano_usd=NanoUsd(3),
    price_nano_usd=NanoUsd(10**17 + 1),
    prompt_tokens=5,
    completion_tokens=6,
    reasoning_tokens=7,
    cached_tokens=8,
)

AnyRollups = FakeRollups | DynamoDBRollups


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as found:
        yield found


@pytest.fixture
def tables(client: Any) -> Tables:
    return new_tables(client)


@pytest.fixture(params=["fake", "dynamodb"])
def rollups(request: pytest.FixtureRequest, tables: Tables) -> AnyRollups:
    return FakeRollups() if request.param == "fake" else new_rollups(tables)


@pytest.mark.parametrize(
    "cell",
    [
        CELL,
        replace(CELL, provider="Maker"),
        replace(CELL, model="a#b/ü:free", provider="#"),
        Cell(family=Family.END_USER, key_id="k", model="m", end_user="ann#1"),
    ],
)
def test_cell_of_a_bucket_is_read_as_it_was_stored(rollups: AnyRollups, cell: Cell) -> None:
    bucket = replace(NOON, lane=12)

    assert rollups.put_bucket(bucket, cell=cell, sums=SUMS)

    found = stored_buckets(rollups, ACME, first="2026-11-18", last="2026-11-18")
    assert found == {(bucket, cell): SUMS}


def test_cells_that_differ_in_anything_are_kept_apart(rollups: AnyRollups) -> None:
    cells = [
        CELL,
        replace(CELL, key_id="k"),
        replace(CELL, model="m"),
        replace(CELL, provider="p"),
        replace(CELL, provider="q"),
        replace(CELL, family=Family.END_USER, end_user="ann"),
        replace(CELL, family=Family.END_USER, end_user="bob"),
    ]
    buckets = [NOON, replace(NOON, lane=1), replace(NOON, start_s=NOON.start_s + 600)]

    for bucket in buckets:
        for cell in cells:
            rollups.put_bucket(bucket, cell=cell, sums=SUMS)

    found = stored_buckets(rollups, ACME, first="2026-11-18", last="2026-11-18")
    assert found.keys() == {(bucket, cell) for bucket in buckets for cell in cells}


@pytest.mark.parametrize(("rows", "is_stored"), [(1, False), (2, True), (3, True)])
def test_cell_is_replaced_unless_it_has_fewer_rows(
    rollups: AnyRollups, rows: int, *, is_stored: bool
) -> None:
    later = Sums(rows=rows)
    figure = DayFigure(day="2026-11-18", cell=CELL, sums=SUMS)
    rollups.put_bucket(NOON, cell=CELL, sums=SUMS)
    rollups.put_day(ACME, figure=figure)

    assert rollups.put_bucket(NOON, cell=CELL, sums=later) is is_stored
    assert rollups.put_day(ACME, figure=replace(figure, sums=later)) is is_stored

    expected = later if is_stored else SUMS
    day = {"first": "2026-11-18", "last": "2026-11-18"}
    assert list(stored_buckets(rollups, ACME, **day).values()) == [expected]
    assert [f.sums for f in rollups.days(ACME, family=Family.KEY, **day)] == [expected]


def test_ranges_include_both_ends_and_cross_months(rollups: AnyRollups) -> None:
    days = ["2026-11-29", "2026-11-30", "2026-12-01", "2026-12-02"]
    for n, day in enumerate(days):
        start_s = NOON.start_s + (11 + n) * DAY_S
        last_s = start_s - start_s % DAY_S + DAY_S - 600
        rollups.put_bucket(replace(NOON, start_s=last_s), cell=CELL, sums=SUMS)
        rollups.put_day(ACME, figure=DayFigure(day=day, cell=CELL, sums=SUMS))
        rollups.put_close(Close(tenant_id=ACME, day=day, total=SUMS))

    asked = {"first": "2026-11-30", "last": "2026-12-01"}

    assert {b.day for b, _ in stored_buckets(rollups, ACME, **asked)} == set(days[1:3])
    assert [f.day for f in rollups.days(ACME, family=Family.KEY, **asked)] == days[1:3]
    assert [close.day for close in rollups.closes(ACME, **asked)] == days[1:3]


def test_another_tenant_or_family_sees_nothing(rollups: AnyRollups) -> None:
    day = {"first": "2026-11-18", "last": "2026-11-18"}
    rollups.put_bucket(NOON, cell=CELL, sums=SUMS)
    rollups.put_day(ACME, figure=DayFigure(day="2026-11-18", cell=CELL, sums=SUMS))
    rollups.put_close(Close(tenant_id=ACME, day="2026-11-18", total=SUMS))

    assert not list(rollups.days(ACME, family=Family.END_USER, **day))
    assert not list(rollups.days(OTHER, family=Family.KEY, **day))
    assert not stored_buckets(rollups, OTHER, **day)
    assert not list(rollups.closes(OTHER, **day))
    assert not rollups.is_closed(OTHER, day="2026-11-18")


def test_first_close_stands(rollups: AnyRollups) -> None:
    unknown = tuple(make_row().generation_id for _ in range(2))
    first = Close(tenant_id=ACME, day="2026-11-18", total=SUMS, unknown=unknown, unknown_requests=5)

    assert not rollups.is_closed(ACME, day="2026-11-18")
    assert rollups.put_close(first)
    assert not rollups.put_close(replace(first, unknown=()))
    assert rollups.is_closed(ACME, day="2026-11-18")
    assert list(rollups.closes(ACME, first="2026-11-18", last="2026-11-18")) == [first]


def make_alert(spent: int = 500) -> Alert:
    books = HonestBooks(limits=AccountLimits(spend_nano_usd=NanoUsd(1_000)))
    record = books.add(price=spent)
    return reached(books.accounts, records=[record], thresholds=(50,))[0]


def test_alert_is_marked_by_its_identity(rollups: AnyRollups) -> None:
    alert = make_alert()

    assert not rollups.is_marked(alert)
    rollups.mark(alert)
    rollups.mark(alert)
    assert rollups.is_marked(make_alert(spent=600))
    assert not rollups.is_marked(replace(alert, threshold_percent=80))
    assert not rollups.is_marked(replace(alert, period="m2612"))


def test_nothing_but_digests_and_bounded_text_is_in_a_key(tables: Tables) -> None:
    rollups = new_rollups(tables)
    rollups.put_bucket(NOON, cell=replace(CELL, model="m" * 200, provider="p" * 200), sums=SUMS)

    (item,) = tables.items(rollups_name(tables))

    assert len(item["sk"]["S"]) < 64
    assert item["pk"] == {"S": "acme#2026-11"}


@pytest.fixture(params=["fake", "dynamodb"])
def usage(request: pytest.FixtureRequest, tables: Tables) -> "UsageStore":
    return UsageStore(tables, is_fake=request.param == "fake")


class UsageStore:
    """A usage table with rows in it, and what reads parts of it."""

    def __init__(self, tables: Tables, *, is_fake: bool) -> None:
        self.fake = FakeUsage()
        self._ledger = tables.ledger()
        self.queries = self.fake if is_fake else UsageQueries(tables.db, table=tables.usage)

    def put(self, *rows: UsageRecord) -> None:
        for row in rows:
            self.fake.rows.append(row)
            self._ledger.record(row)


def test_bucket_has_its_records_and_no_others(usage: UsageStore) -> None:
    inside = [make_row(), make_row(now_ms=NOON_MS + 599_999)]
    outside = [
        make_row(now_ms=NOON_MS - 1),
        make_row(now_ms=NOON_MS + 600_000),
        make_row(lane=1),
        make_row(tenant_id=OTHER),
    ]
    usage.put(*inside, *outside)

    assert _sorted(usage.queries.bucket(bucket_of(inside[0]))) == _sorted(inside)


def test_day_has_its_records_and_no_others(usage: UsageStore) -> None:
    half_day_ms = DAY_S * 500
    inside = [make_row(now_ms=NOON_MS - half_day_ms), make_row(now_ms=NOON_MS + half_day_ms - 1)]
    outside = [
        make_row(now_ms=NOON_MS - half_day_ms - 1),
        make_row(now_ms=NOON_MS + half_day_ms),
        make_row(lane=1),
        make_row(tenant_id=OTHER),
    ]
    usage.put(*inside, *outside)

    assert _sorted(usage.queries.day(ACME, day="2026-11-18", lane=0)) == _sorted(inside)


def _sorted(rows: Iterator[UsageRecord] | Sequence[UsageRecord]) -> list[UsageRecord]:
    return sorted(rows, key=lambda row: row.generation_id)


def test_row_that_is_no_record_is_left_out_and_logged(
    tables: Tables, caplog: pytest.LogCaptureFixture
) -> None:
    usage = UsageStore(tables, is_fake=False)
    good = make_row()
    usage.put(good)
    key = {"pk": {"S": "acme#2026-11-18#0"}, "sk": {"S": f"{good.generation_id}-odd"}}
    tables.client.put_item(TableName=tables.usage, Item=key)

    assert list(usage.queries.day(ACME, day="2026-11-18", lane=0)) == [good]
    assert "is no usage record" in caplog.text


def test_accounts_are_read_with_all_their_lanes(tables: Tables) -> None:
    ledger, reader = tables.ledger(), AccountReader(tables.db, table=tables.accounts)
    ledger.open_account(key_account(ACME, "0123abcd"), limits=AccountLimits(in_flight=3))
    open_lanes(tables.db, table=tables.accounts, tenant_id=ACME, credit_nano_usd=7, lanes=3)

    assert [a.lane for a in reader.lanes(tenant_account(ACME))] == [0, 1, 2]
    assert [a.limits.in_flight for a in reader.lanes(key_account(ACME, "0123abcd"))] == [3]
    assert not reader.lanes(key_account(ACME, "absent"))
