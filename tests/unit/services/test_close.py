"""The daily close: what agrees is summed up and folded, what does not is a finding."""

from dataclasses import replace
from itertools import count

import pytest

from tests.support.honest_books import HonestBooks
from tests.support.ledger_values import ACME, NOON_MS
from tests.support.rollup_fakes import FakeFolds, FakeRollups, FakeUsage
from weir.domain.accounts import Account, key_account, tenant_account
from weir.domain.closes import MAX_UNKNOWN, CloseMismatch
from weir.domain.errors import StoreUnavailableError
from weir.domain.holds import Level
from weir.domain.money import NanoUsd
from weir.domain.rollups import summed
from weir.domain.tenants import TenantId
from weir.domain.usage import RecordStatus
from weir.services.close import CloseReport, close_days

DAY, NAME = "2026-11-18", "261118"
MIDNIGHT_MS = NOON_MS + 12 * 60 * 60 * 1_000
LIFE_MS = 960_000
KEY = frozenset({Level.KEY})


class Stage:
    """Honest books, the tables they are in, and the close over them."""

    def __init__(self, books: HonestBooks) -> None:
        self.folds = FakeFolds(list(books.accounts))
        self.usage = FakeUsage(list(books.records))
        self.rollups = FakeRollups()

    def close(self, *, now_ms: int = MIDNIGHT_MS + LIFE_MS) -> CloseReport:
        return close_days(
            self.folds,
            folds=self.folds,
            usage=self.usage,
            rollups=self.rollups,
            now_ms=now_ms,
            hold_life_ms=LIFE_MS,
        )

    def change(self, index: int, **changes: object) -> Account:
        account = replace(self.folds.all_accounts[index], **changes)  # type: ignore[arg-type]  # a builder's changes
        self.folds.all_accounts[index] = account
        return account

    @property
    def is_folded(self) -> bool:
        return not any(NAME in account.requests_by_day for account in self.folds.all_accounts)


def make_books() -> HonestBooks:
    """A day of a tenant with two lanes, a key and an end user with accounts of their own."""
    books = HonestBooks()
    books.add(cost=10, price=12)
    books.add(cost=20, lane=1)
    books.add(cost=30, levels=KEY)
    books.add(cost=40, levels=frozenset({Level.KEY, Level.END_USER}), end_user="ann")
    return books


def test_day_is_closed_with_the_sums_of_its_records() -> None:
    books = make_books()
    stage = Stage(books)

    report = stage.close()

    assert (report.closed, report.folded, report.accounts) == (1, 4, 4)
    assert not report.mismatches
    assert not report.violations
    assert stage.is_folded
    (close,) = stage.rollups.stored_closes.values()
    assert (close.tenant_id, close.day) == (ACME, DAY)
    assert (close.total.requests, close.total.cost_nano_usd) == (4, 100)
    assert close.total.price_nano_usd == 102
    assert stage.rollups.stored_days == {
        (ACME, DAY, cell): sums for cell, sums in summed(books.records).items()
    }


def test_nothing_is_left_to_do_when_the_day_is_closed() -> None:
    stage = Stage(make_books())
    stage.close()

    report = stage.close()

    assert (report.closed, report.folded, report.waiting) == (0, 0, 0)
    assert not report.mismatches


@pytest.mark.parametrize(("early_ms", "closed"), [(1, 0), (0, 1)])
def test_day_is_closed_when_no_request_of_it_can_be_alive(early_ms: int, closed: int) -> None:
    stage = Stage(make_books())

    assert stage.close(now_ms=MIDNIGHT_MS + LIFE_MS - early_ms).closed == closed


def test_records_on_both_sides_of_midnight_are_closed_with_their_own_day() -> None:
    books = HonestBooks()
    books.add(cost=10, now_ms=MIDNIGHT_MS - 1)
    books.add(cost=20, now_ms=MIDNIGHT_MS)
    stage = Stage(books)

    report = stage.close()

    assert report.closed == 1
    (close,) = stage.rollups.stored_closes.values()
    assert close.total.cost_nano_usd == 10
    (account,) = stage.folds.all_accounts
    assert account.spent_by_day == {"261119": 20}


def test_every_finished_day_is_closed() -> None:
    books = HonestBooks()
    for day in range(3):
        books.add(now_ms=NOON_MS - day * 24 * 60 * 60 * 1_000)
    stage = Stage(books)

    # An account is folded as it was read, so each of its days but the first waits for a run.
    assert sum(stage.close().closed for _ in range(3)) == 3
    assert {day for _, day in stage.rollups.stored_closes} == {
        "2026-11-16",
        "2026-11-17",
        "2026-11-18",
    }
    assert stage.is_folded


def test_tenants_are_closed_each_by_themselves() -> None:
    books = make_books()
    books.add(cost=50, tenant_id=TenantId("other"))
    stage = Stage(books)

    assert stage.close().closed == 2
    assert stage.rollups.stored_closes[TenantId("other"), DAY].total.cost_nano_usd == 50


@pytest.mark.parametrize("lane", [0, 1])
def test_day_waits_when_a_request_of_it_is_in_flight(lane: int) -> None:
    books = make_books()
    books.hold(lane=lane)
    stage = Stage(books)

    report = stage.close()

    assert (report.closed, report.waiting) == (0, 1)
    assert not report.mismatches
    assert not stage.rollups.stored_days
    assert not stage.is_folded


def test_day_does_not_wait_for_requests_of_another_day() -> None:
    books = make_books()
    books.hold(now_ms=MIDNIGHT_MS)

    assert Stage(books).close().closed == 1


@pytest.mark.parametrize(
    ("counters", "requests", "price"),
    [
        ({"requests_by_day": {NAME: 4}}, 4, 82),
        ({"spent_by_day": {NAME: 81}}, 3, 81),
        ({"requests_by_day": {}}, 0, 82),
    ],
)
def test_day_is_not_closed_when_counters_and_records_differ(
    counters: dict[str, dict[str, int]], requests: int, price: int
) -> None:
    stage = Stage(make_books())
    changed = stage.change(0, **counters)

    report = stage.close()

    assert report.mismatches == (
        CloseMismatch(
            account_id=tenant_account(ACME),
            lane=0,
            day=DAY,
            counted_requests=requests,
            recorded_requests=3,
            counted_nano_usd=NanoUsd(price),
            recorded_nano_usd=NanoUsd(82),
        ),
    )
    assert report.closed == 0
    assert changed in stage.folds.all_accounts
    assert not stage.rollups.stored_closes


def test_what_an_account_alone_shows_to_be_wrong_is_reported() -> None:
    stage = Stage(make_books())
    stage.change(0, in_flight=7)

    (violation,) = stage.close().violations

    assert violation.startswith("I2 acme#0")


def test_lane_without_counters_is_a_mismatch_when_it_has_records() -> None:
    stage = Stage(make_books())
    stage.change(1, requests_by_day={}, spent_by_day={})

    report = stage.close()

    assert [found.lane for found in report.mismatches] == [1]
    assert report.closed == 0


def test_account_below_stays_as_it_is_when_it_alone_differs() -> None:
    stage = Stage(make_books())
    below = [account.account_id for account in stage.folds.all_accounts].index(
        key_account(ACME, "0123abcd")
    )
    changed = stage.change(below, requests_by_day={NAME: 9})

    report = stage.close()

    assert [found.account_id for found in report.mismatches] == [changed.account_id]
    assert report.closed == 1
    assert changed in stage.folds.all_accounts


def test_account_below_is_folded_when_its_tenant_is_folded_already() -> None:
    stage = Stage(make_books())
    below = next(a for a in stage.folds.all_accounts if "/" in a.account_id)
    place = stage.folds.all_accounts.index(below)
    stage.change(place, requests_by_day={NAME: 9})
    stage.close()
    stage.folds.all_accounts[place] = below

    report = stage.close()

    assert (report.closed, report.folded) == (0, 1)
    assert stage.is_folded


def test_adjustment_counts_its_price_on_its_own_day() -> None:
    books = HonestBooks()
    unknown = books.add(cost=0, status=RecordStatus.UNKNOWN, now_ms=NOON_MS - 24 * 60 * 60 * 1_000)
    books.adjust(unknown, cost=70)
    stage = Stage(books)

    assert stage.close().closed + stage.close().closed == 2
    before, after = (stage.rollups.stored_closes[ACME, day] for day in ("2026-11-17", DAY))
    assert (before.total.requests, before.total.cost_nano_usd) == (1, 0)
    assert before.unknown == (unknown.generation_id,)
    assert (after.total.requests, after.total.cost_nano_usd) == (0, 70)


def test_close_names_so_many_unknown_requests_as_fit_and_counts_all() -> None:
    books = HonestBooks()
    for _ in range(MAX_UNKNOWN + 1):
        books.add(cost=0, status=RecordStatus.UNKNOWN)
    stage = Stage(books)

    stage.close()

    (close,) = stage.rollups.stored_closes.values()
    assert (len(close.unknown), close.unknown_requests) == (MAX_UNKNOWN, MAX_UNKNOWN + 1)


@pytest.mark.parametrize("writes", range(12))
def test_next_run_finishes_when_a_run_breaks_off_after_any_write(writes: int) -> None:
    books = make_books()
    stage = Stage(books)
    counter = count()
    stage.rollups.fails = stage.folds.fails = lambda: next(counter) == writes

    try:
        stage.close()
    except StoreUnavailableError:
        stage.close()

    assert stage.is_folded
    assert stage.rollups.stored_days == {
        (ACME, DAY, cell): sums for cell, sums in summed(books.records).items()
    }
    assert len(stage.rollups.stored_closes) == 1


def test_fold_that_finds_other_counters_is_left_to_the_next_run() -> None:
    stage = Stage(make_books())
    as_read = list(stage.folds.all_accounts)
    stage.folds.accounts = lambda: iter(as_read)  # type: ignore[method-assign]  # a stale reading
    stage.change(0, in_flight=7)

    assert stage.close().folded == 3
