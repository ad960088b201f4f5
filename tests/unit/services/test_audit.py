"""The audit reports what the ledger adds up to, and what is wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from tests.support.honest_books import HonestBooks
from tests.support.rollup_fakes import FakeRollups, FakeUsage
from weir.domain.accounts import Account
from weir.domain.errors import StoreUnavailableError
from weir.domain.holds import Level
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId
from weir.domain.usage import RecordStatus, UsageRecord
from weir.services.audit import TenantSums, audit
from weir.services.rollups import refresh


@dataclass
class Ledger:
    """A `LedgerReader` of given accounts and records."""

    all_accounts: list[Account]
    all_records: list[UsageRecord]

    def accounts(self) -> Iterator[Account]:
        yield from self.all_accounts

    def records(self) -> Iterator[UsageRecord]:
        yield from self.all_records


def make_ledger() -> Ledger:
    """One tenant with two lanes and a key account, another with one request."""
    books = HonestBooks()
    books.add(cost=400, price=500, upstream_generation_id="gen-up", levels=frozenset({Level.KEY}))
    books.add(cost=0, status=RecordStatus.UNKNOWN, lane=1)
    books.adjust(books.add(cost=0, status=RecordStatus.UNKNOWN, lane=1), cost=30)
    books.add(cost=7, tenant_id=TenantId("zeta"))
    books.hold(lane=1)
    return Ledger(books.accounts, books.records)


def test_sums_are_reported_when_the_ledger_is_sound() -> None:
    report = audit(make_ledger(), upstream={"gen-up": NanoUsd(400)})

    assert report.violations == ()
    assert (report.accounts, report.records) == (4, 5)
    assert (report.unknown, report.cost_nano_usd) == (1, 437)
    assert list(report.tenants) == ["acme", "zeta"]
    assert report.tenants[TenantId("acme")] == TenantSums(
        lanes=2,
        credit_nano_usd=NanoUsd(200_000),
        available_nano_usd=NanoUsd(198_470),
        held_nano_usd=NanoUsd(1_000),
        spent_nano_usd=NanoUsd(530),
        open_holds=1,
        records=4,
        unknown=1,
        cost_nano_usd=NanoUsd(430),
    )


def test_records_are_summed_when_their_tenant_has_no_account() -> None:
    ledger = make_ledger()
    ledger.all_accounts.pop()

    report = audit(ledger)

    assert report.violations == ("I1 there are usage records of zeta#0, which is no account",)
    assert report.tenants[TenantId("zeta")].cost_nano_usd == 7


def test_only_what_could_be_asked_is_counted_as_checked() -> None:
    ledger = make_ledger()
    always = {"I1": 9, "I2": 4, "I3": 4, "I4": 9, "I7": 4, "I9": 4, "I10": 9}

    assert audit(ledger).checked == always
    everything = audit(
        ledger, upstream={}, limits_unchanged=True, rollups=rollups_of(ledger.all_records)
    )
    assert everything.checked == {**always, "I5": 3, "I6": 0, "I8": 4}


def test_violations_are_reported_when_something_is_wrong() -> None:
    ledger = make_ledger()
    ledger.all_accounts[0] = replace(ledger.all_accounts[0], in_flight=7)
    rollups = rollups_of(ledger.all_records[1:])

    report = audit(ledger, upstream={}, swept=True, rollups=rollups)

    assert [sentence.split()[0] for sentence in report.violations] == ["I2", "I9", "I6", "I5"]


@pytest.mark.parametrize("part", ["accounts", "records"])
def test_unreadable_item_is_a_violation_when_a_table_holds_one(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable() -> Iterator[Account | UsageRecord]:
        raise ValueError("avail of acme#0 is no integer: 1.5")

    ledger = make_ledger()
    monkeypatch.setattr(ledger, part, unreadable)

    report = audit(ledger)

    assert report.violations == ("I10 avail of acme#0 is no integer: 1.5",)
    assert report.checked == {"I10": 1}
    assert (report.tenants, report.accounts, report.records) == ({}, 0, 0)


def test_error_is_raised_when_the_ledger_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable() -> Iterator[Account]:
        raise StoreUnavailableError("down")

    ledger = make_ledger()
    monkeypatch.setattr(ledger, "accounts", unavailable)

    with pytest.raises(StoreUnavailableError):
        audit(ledger)


def rollups_of(records: list[UsageRecord]) -> FakeRollups:
    """The rollups as they are when all records have gone through the stream."""
    rollups = FakeRollups()
    refresh(records, usage=FakeUsage(rows=records), rollups=rollups)
    return rollups
