"""The daily close over DynamoDB: of a ledger that was used, and after a crash at any write."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from typing_extensions import override

from tests.support.ledger_books import LedgerBooks
from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from tests.support.ledger_values import (
    ACME,
    NOON_MS,
    make_hold,
    make_record,
    make_reservation,
    new_id,
)
from tests.support.rollup_fakes import new_rollups
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.adapters.dynamodb.usage_queries import UsageQueries
from weir.adapters.dynamodb.wire import Item, Payload
from weir.domain.accounts import charged_accounts, key_account
from weir.domain.errors import StoreUnavailableError
from weir.domain.holds import Hold, Level
from weir.domain.invariants import violations
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.rollups import DayFigure, Family, summed
from weir.domain.usage import RecordSource, RecordStatus, Usage, UsageRecord
from weir.services.close import CloseReport, close_days

DAY = "2026-11-18"
LIFE_MS = 960_000
DAY_MS = 24 * 60 * 60 * 1_000
NEXT_NOON_MS = NOON_MS + DAY_MS
KEY = frozenset({Level.KEY})


class Failing(BotoDynamoDB):
    """A transport that breaks off at one of the writes."""

    def __init__(self, client: Any, *, at: int) -> None:
        super().__init__(lambda: client)
        self.left = at

    @override
    def call(self, operation: str, payload: Payload) -> Item:
        if operation in {"PutItem", "UpdateItem"}:
            self.left -= 1
            if self.left < 0:
                raise StoreUnavailableError("crashed")
        return super().call(operation, payload)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as found:
        yield found


@pytest.fixture
def tables(client: Any) -> Tables:
    return new_tables(client)


def books_over(tables: Tables, db: BotoDynamoDB) -> LedgerBooks:
    return LedgerBooks(
        db,
        accounts=tables.accounts,
        usage=tables.usage,
        control=tables.control,
        ephemeral=tables.ephemeral,
        now_ms=lambda: NOON_MS,
    )


def request(books: LedgerBooks, *, price: int = 400, **changes: Any) -> UsageRecord:
    """Reserve, record and settle a request on all its accounts."""
    hold = make_hold(**changes)
    now_ms = changes.get("now_ms", NOON_MS)
    holds: dict[Any, Hold] = {}
    for account_id in charged_accounts(ACME, hold):
        account = books.reserve(account_id, reservation=make_reservation(hold, now_ms=now_ms))
        holds[account_id] = account.holds[hold.generation_id]
    record = make_record(
        hold,
        cost=price // 2,
        price_nano_usd=NanoUsd(price),
        levels=hold.levels,
        end_user=hold.end_user,
    )
    books.record(record)
    for account_id in reversed(holds):
        assert books.settle(
            account_id, hold=holds[account_id], price_nano_usd=NanoUsd(price), now_ms=now_ms
        )
    return record


def used(tables: Tables) -> LedgerBooks:
    """A tenant with two lanes and a key's account, after requests on two days."""
    books = tables.ledger()
    books.open_tenant_account(ACME, credit_nano_usd=10**6, lanes=2)
    books.open_account(key_account(ACME, "0123abcd"), limits=AccountLimits())
    request(books, price=11)
    request(books, price=22, lane=1, end_user="ann")
    request(books, price=33, levels=KEY)
    request(books, price=44, now_ms=NEXT_NOON_MS)
    return books


def close(
    tables: Tables, books: LedgerBooks, rollups: DynamoDBRollups, db: BotoDynamoDB | None = None
) -> CloseReport:
    return close_days(
        books,
        folds=books,
        usage=UsageQueries(db or tables.db, table=tables.usage),
        rollups=rollups,
        now_ms=NEXT_NOON_MS,
        hold_life_ms=LIFE_MS,
    )


def figures(rollups: DynamoDBRollups) -> list[DayFigure]:
    return [
        figure
        for family in Family
        for figure in rollups.days(ACME, family=family, first=DAY, last=DAY)
    ]


def is_closed_and_folded(tables: Tables, rollups: DynamoDBRollups) -> bool:
    snapshot = tables.snapshot()
    mine = [r for r in snapshot.all_records if r.price_nano_usd != 44]
    found = {figure.cell: figure.sums for figure in figures(rollups)}
    days = {day for account in snapshot.all_accounts for day in account.spent_by_day}
    return found == summed(mine) and days == {"261119"}


def test_used_ledger_is_closed_and_keeps_its_invariants(tables: Tables) -> None:
    books, rollups = used(tables), new_rollups(tables)

    report = close(tables, books, rollups)

    assert (report.closed, report.folded, report.accounts) == (1, 3, 3)
    assert not report.mismatches
    assert not report.violations
    assert is_closed_and_folded(tables, rollups)
    snapshot = tables.snapshot()
    assert not violations(snapshot.all_accounts, snapshot.all_records)
    assert close(tables, books, rollups) == replace(report, closed=0, folded=0)


@pytest.mark.parametrize("at", range(6))
def test_next_run_finishes_what_a_crash_at_any_write_left(tables: Tables, at: int) -> None:
    used(tables)
    rollups = new_rollups(tables)
    db = Failing(tables.client, at=at)

    broken = DynamoDBRollups(db, table=f"{tables.usage}-rollups")
    with pytest.raises(StoreUnavailableError):
        close(tables, books_over(tables, db), broken, db)
    close(tables, tables.ledger(), rollups)

    assert is_closed_and_folded(tables, rollups)
    snapshot = tables.snapshot()
    assert not violations(snapshot.all_accounts, snapshot.all_records)


def test_adjustment_of_a_closed_day_leaves_it_closed(tables: Tables) -> None:
    books, rollups = used(tables), new_rollups(tables)
    hold = make_hold(estimate=900)
    books.reserve(charged_accounts(ACME, hold)[0], reservation=make_reservation(hold))
    unknown = make_record(hold, cost=0, price_nano_usd=NanoUsd(0), status=RecordStatus.UNKNOWN)
    books.record(unknown)
    books.settle(
        charged_accounts(ACME, hold)[0], hold=hold, price_nano_usd=NanoUsd(0), now_ms=NOON_MS
    )
    close(tables, books, rollups)
    before = figures(rollups)

    assert books.adjust(
        replace(
            unknown,
            generation_id=new_id(now_ms=NEXT_NOON_MS),
            status=RecordStatus.ADJUSTMENT,
            source=RecordSource.RECONCILIATION,
            usage=Usage(cost_nano_usd=NanoUsd(70)),
            price_nano_usd=NanoUsd(70),
            adjusts=unknown.generation_id,
        )
    )
    report = close(tables, books, rollups)

    assert (report.closed, report.mismatches, report.violations) == (0, (), ())
    assert figures(rollups) == before
    (closed,) = rollups.closes(ACME, first=DAY, last=DAY)
    assert closed.unknown == (unknown.generation_id,)
