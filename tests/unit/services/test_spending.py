"""A key's spending: rollups for what is past, its own account for what just happened."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from typing_extensions import override

from tests.support.fake_ledger import FakeLedger
from tests.support.fakes import make_key
from tests.support.ledger_values import ACME, NOON_MS
from tests.support.rollup_fakes import FakeRollups
from tests.support.usage_figures import cell, close, put_closed, put_open
from weir.domain.accounts import Account, key_account
from weir.domain.api_keys import ApiKey
from weir.domain.closes import Close
from weir.domain.limits import AccountLimits
from weir.domain.spending import Spending
from weir.domain.tenants import TenantId
from weir.services.spending import SpendingBook

DAY_MS = 86_400_000
KEY = make_key(key_hash="0123abcd" * 8, created_ms=NOON_MS - 100 * DAY_MS)
OTHER = make_key(key_hash="ffff0000" * 8, created_ms=NOON_MS)
TODAY = "2026-11-18"


@dataclass
class CountedRollups(FakeRollups):
    """Notes the first day of every question for closes."""

    asked: list[str] = field(default_factory=list)

    @override
    def closes(self, tenant_id: TenantId, *, first: str, last: str) -> Iterator[Close]:
        self.asked.append(first)
        return super().closes(tenant_id, first=first, last=last)


def spent(
    rollups: FakeRollups, *keys: ApiKey, accounts: Mapping[str, Account] | None = None
) -> Mapping[str, Spending]:
    return SpendingBook(rollups).of(keys, accounts=accounts or {}, now_ms=NOON_MS)


def own_account(**by_day: int) -> Account:
    ledger = FakeLedger()
    account_id = key_account(ACME, KEY.key_id)
    ledger.open_account(account_id, limits=AccountLimits())
    (account,) = ledger.accounts()
    counters = {day.removeprefix("d"): amount for day, amount in by_day.items()}
    return Account(
        **{name: getattr(account, name) for name in Account.__slots__ if name != "spent_by_day"},
        spent_by_day=counters,
    )


def test_every_key_gets_its_own_figures_of_all_its_days() -> None:
    rollups = FakeRollups()
    put_closed(rollups, "2026-08-12", cell(), 1)
    put_closed(rollups, "2026-10-31", cell(), 10)
    put_closed(rollups, "2026-11-01", cell(), 100)
    put_closed(rollups, "2026-11-16", cell(model="b"), 1_000)
    put_open(rollups, TODAY, cell(), 10_000)
    put_open(rollups, TODAY, cell(key_id=OTHER.key_id), 7)

    found = spent(rollups, KEY, OTHER)

    assert found[KEY.key_id] == Spending(total=11_111, daily=10_000, weekly=11_000, monthly=11_100)  # type: ignore[arg-type]  # test data
    assert found[OTHER.key_id] == Spending(total=7, daily=7, weekly=7, monthly=7)  # type: ignore[arg-type]  # test data


def test_the_keys_account_counts_where_the_rollups_are_behind() -> None:
    rollups = FakeRollups()
    put_open(rollups, TODAY, cell(), 50)

    found = spent(rollups, KEY, accounts={KEY.key_id: own_account(d261118=80)})

    assert found[KEY.key_id].daily == 80


def test_the_rollups_count_where_the_account_was_opened_later() -> None:
    rollups = FakeRollups()
    put_closed(rollups, "2026-11-17", cell(), 1_000)
    put_open(rollups, TODAY, cell(), 50)

    found = spent(rollups, KEY, accounts={KEY.key_id: own_account(d261118=20)})

    assert (found[KEY.key_id].daily, found[KEY.key_id].total) == (50, 1_050)


def test_a_month_is_read_once_when_it_is_closed_for_good() -> None:
    rollups = CountedRollups()
    put_closed(rollups, "2026-08-12", cell(), 1)
    put_closed(rollups, "2026-09-01", cell(), 10)
    put_open(rollups, "2026-09-30", cell(), 100)
    book = SpendingBook(rollups)

    first = book.of([KEY], accounts={}, now_ms=NOON_MS)
    rollups.asked.clear()
    close(rollups, "2026-09-30")
    again = book.of([KEY], accounts={}, now_ms=NOON_MS)

    assert first[KEY.key_id].total == 111
    # The day of September that was open is closed without figures now: it was read anew.
    assert again[KEY.key_id].total == 11
    assert rollups.asked == ["2026-09-01", "2026-11-01"]


def test_a_month_is_read_again_when_records_of_it_may_still_arrive() -> None:
    rollups = CountedRollups()
    book = SpendingBook(rollups)
    second_of_december = NOON_MS + 14 * DAY_MS

    for _ in range(2):
        rollups.asked.clear()
        book.of([OTHER], accounts={}, now_ms=second_of_december)

    assert rollups.asked == ["2026-11-01", "2026-11-30", "2026-12-01"]
