"""The audit reports what the ledger adds up to, and what is wrong with it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_values import ACME, NOON_MS, make_hold, make_record, make_reservation
from weir.domain.accounts import Account
from weir.domain.errors import StoreUnavailableError
from weir.domain.money import NanoUsd
from weir.domain.usage import RecordStatus, UsageRecord
from weir.services.audit import AccountSums, audit


@pytest.fixture
def ledger() -> FakeLedger:
    made = FakeLedger()
    made.open_account(ACME, credit_nano_usd=10_000)
    made.open_account(ACME, credit_nano_usd=500, lane=1)
    hold = make_hold()
    made.reserve(ACME, reservation=make_reservation(hold))
    made.record(ACME, record=make_record(hold, cost=400, upstream_generation_id="gen-up"))
    made.settle(ACME, hold=hold, cost_nano_usd=NanoUsd(400), now_ms=NOON_MS)
    unsettled = make_hold()
    made.reserve(ACME, reservation=make_reservation(unsettled))
    made.record(ACME, record=make_record(unsettled, cost=0, status=RecordStatus.UNKNOWN))
    return made


def test_sums_are_reported_when_the_ledger_is_sound(ledger: FakeLedger) -> None:
    report = audit(ledger, upstream={"gen-up": NanoUsd(400)})

    assert report.violations == ()
    assert (report.records, report.unknown, report.cost_nano_usd) == (2, 1, 400)
    assert report.accounts == {
        "acme#0": AccountSums(
            credit_nano_usd=NanoUsd(10_000),
            available_nano_usd=NanoUsd(8_600),
            held_nano_usd=NanoUsd(1_000),
            spent_nano_usd=NanoUsd(400),
            open_holds=1,
            sequence=2,
        ),
        "acme#1": AccountSums(
            credit_nano_usd=NanoUsd(500),
            available_nano_usd=NanoUsd(500),
            held_nano_usd=NanoUsd(0),
            spent_nano_usd=NanoUsd(0),
            open_holds=0,
            sequence=0,
        ),
    }


def test_violations_are_reported_when_something_is_wrong(ledger: FakeLedger) -> None:
    account = ledger.account(ACME)
    ledger._put(replace(account, in_flight=0))

    report = audit(ledger, upstream={}, swept=True)

    assert [sentence.split()[0] for sentence in report.violations] == ["I2", "I9", "I6"]


@pytest.mark.parametrize("part", ["accounts", "records"])
def test_unreadable_item_is_a_violation_when_a_table_holds_one(
    ledger: FakeLedger, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable() -> Iterator[Account | UsageRecord]:
        raise ValueError("avail of acme#0 is no integer: 1.5")

    monkeypatch.setattr(ledger, part, unreadable)

    report = audit(ledger)

    assert report.violations == ("I10 avail of acme#0 is no integer: 1.5",)
    assert (report.accounts, report.records, report.unknown) == ({}, 0, 0)
    assert report.cost_nano_usd == 0


def test_error_is_raised_when_the_ledger_cannot_be_read(
    ledger: FakeLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable() -> Iterator[Account]:
        raise StoreUnavailableError("down")

    monkeypatch.setattr(ledger, "accounts", unavailable)

    with pytest.raises(StoreUnavailableError):
        audit(ledger)
