"""A queued record is settled once, however often and however late its message comes."""

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.fakes import FakeJournal
from tests.support.ledger_steps import finish
from tests.support.ledger_values import ACME, NOON_MS, make_hold, make_record, make_reservation
from weir.domain.accounts import charged_accounts
from weir.domain.holds import Hold, Level
from weir.domain.limits import AccountLimits
from weir.domain.usage import RecordSource, RecordStatus
from weir.services.audit import audit
from weir.services.late_settlement import LateSettlement
from weir.services.settlement import settle_record


@pytest.fixture
def ledger() -> FakeLedger:
    made = FakeLedger()
    made.open_tenant_account(ACME, credit_nano_usd=10_000)
    return made


@pytest.fixture
def hold(ledger: FakeLedger) -> Hold:
    made = make_hold(levels=frozenset({Level.KEY, Level.END_USER}), end_user="alice")
    for account_id in charged_accounts(ACME, made):
        ledger.open_account(account_id, limits=AccountLimits())
        ledger.reserve(account_id, reservation=make_reservation(made))
    return made


def settle(ledger: FakeLedger, hold: Hold, journal: FakeJournal | None = None) -> bool:
    late = LateSettlement(
        ledger=ledger, adjustments=ledger, journal=journal or FakeJournal(), random=bytes
    )
    return late.settle(make_record(hold, cost=400), now_ms=NOON_MS)


def sweep_as_unknown(ledger: FakeLedger, hold: Hold) -> None:
    """Settle a request as the sweeper does when nobody can tell it the cost."""
    unknown = make_record(hold, cost=0, status=RecordStatus.UNKNOWN, source=RecordSource.SWEEP)
    holds = dict.fromkeys(charged_accounts(ACME, hold), hold)
    settle_record(ledger, unknown, holds=holds, now_ms=NOON_MS)


def test_every_account_is_charged_when_the_holds_are_still_open(
    ledger: FakeLedger, hold: Hold
) -> None:
    journal = FakeJournal()

    assert settle(ledger, hold, journal)

    assert [name for name, _ in journal.lines] == ["settled"]
    for account_id in charged_accounts(ACME, hold):
        assert ledger.account(account_id).spent_nano_usd == 400
    assert audit(ledger, swept=True).violations == ()


def test_nothing_is_charged_or_told_when_the_message_comes_again(
    ledger: FakeLedger, hold: Hold
) -> None:
    settle(ledger, hold)
    before, journal = list(ledger.accounts()), FakeJournal()

    assert settle(ledger, hold, journal)

    assert list(ledger.accounts()) == before
    assert journal.lines == []


def test_the_first_record_counts_when_somebody_else_was_there_before(
    ledger: FakeLedger, hold: Hold
) -> None:
    finish(ledger, hold, cost=150)

    assert settle(ledger, hold)

    assert ledger.account(ACME).spent_nano_usd == 150
    assert audit(ledger, swept=True).violations == ()


def test_the_cost_is_charged_after_all_when_the_sweeper_did_not_know_it(
    ledger: FakeLedger, hold: Hold
) -> None:
    sweep_as_unknown(ledger, hold)
    journal = FakeJournal()

    assert settle(ledger, hold, journal)
    assert settle(ledger, hold, journal)

    assert journal.lines == [("settled", RecordStatus.ADJUSTMENT)]
    for account_id in charged_accounts(ACME, hold):
        assert ledger.account(account_id).spent_nano_usd == 400
    assert audit(ledger, swept=True).violations == ()


def test_nothing_is_adjusted_when_the_request_did_not_know_its_cost_either(
    ledger: FakeLedger, hold: Hold
) -> None:
    sweep_as_unknown(ledger, hold)
    unknown = make_record(hold, cost=0, status=RecordStatus.UNKNOWN)
    late = LateSettlement(ledger=ledger, adjustments=ledger, journal=FakeJournal(), random=bytes)

    assert late.settle(unknown, now_ms=NOON_MS)

    assert "adjust" not in ledger.calls


def test_the_adjustment_is_told_once_when_reconciliation_was_faster(
    ledger: FakeLedger, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep_as_unknown(ledger, hold)
    monkeypatch.setattr(ledger, "adjust", lambda _adjustment: False)
    journal = FakeJournal()

    assert settle(ledger, hold, journal)

    assert journal.lines == []


@pytest.mark.parametrize("applied", [False, True])
def test_the_message_must_come_again_when_its_adjustment_fails(
    ledger: FakeLedger, hold: Hold, *, applied: bool
) -> None:
    sweep_as_unknown(ledger, hold)
    ledger.fail_next("adjust", applied=applied)

    assert not settle(ledger, hold)
    assert settle(ledger, hold)

    assert ledger.account(ACME).spent_nano_usd == 400
    assert audit(ledger, swept=True).violations == ()


@pytest.mark.parametrize("method", ["record", "held", "settle"])
@pytest.mark.parametrize("applied", [False, True])
def test_the_message_must_come_again_when_the_ledger_fails(
    ledger: FakeLedger, hold: Hold, method: str, *, applied: bool
) -> None:
    ledger.fail_next(method, applied=applied)
    journal = FakeJournal()

    assert not settle(ledger, hold, journal)
    assert settle(ledger, hold)

    assert [name for name, _ in journal.lines] == ["degraded"]
    assert ledger.account(ACME).spent_nano_usd == 400
    assert audit(ledger, swept=True).violations == ()
