"""The sweep repairs what crashed requests left behind, and nothing else."""

from typing import Any

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_values import ACME, NOON_MS, make_record, make_reservation
from tests.support.sweeping import (
    BOTH,
    GENERATION,
    LIFE_MS,
    NOTHING,
    USAGE,
    Archive,
    abandon,
    run,
)
from weir.domain.accounts import AccountId, charged_accounts, end_user_account, key_account
from weir.domain.errors import ProviderError, UpstreamTimeoutError
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId
from weir.domain.usage import RecordSource, RecordStatus, UsageRecord
from weir.services.audit import audit
from weir.services.sweep import SweepReport


@pytest.fixture
def ledger() -> FakeLedger:
    made = FakeLedger()
    made.open_tenant_account(ACME, credit_nano_usd=10_000)
    return made


def test_real_cost_is_recorded_when_upstream_knows_the_generation(ledger: FakeLedger) -> None:
    hold, archive = abandon(ledger), Archive(GENERATION)

    report = run(ledger, archive)

    assert report == SweepReport(settled=1, unknown=0, postponed=0, failed=0)
    assert archive.asked == ["gen-up"]
    assert list(ledger.records()) == [
        UsageRecord(
            tenant_id=ACME,
            generation_id=hold.generation_id,
            status=RecordStatus.INTERRUPTED,
            source=RecordSource.SWEEP,
            usage=USAGE,
            price_nano_usd=NanoUsd(400),
            estimate_nano_usd=hold.estimate_nano_usd,
            key_id=hold.key_id,
            model="maker/model-2",
            provider="Maker",
            finish_reason="stop",
            upstream_generation_id="gen-up",
        )
    ]
    assert ledger.account(ACME).spent_nano_usd == 400
    assert audit(ledger, upstream={"gen-up": NanoUsd(400)}, swept=True).violations == ()


@pytest.mark.parametrize("upstream_id", ["gen-up", None], ids=["not known", "no checkpoint"])
def test_cost_is_unknown_when_nobody_can_tell_it(
    ledger: FakeLedger, upstream_id: str | None
) -> None:
    hold = abandon(ledger, upstream_id=upstream_id)
    archive = Archive(known=None)

    report = run(ledger, archive)

    assert report == SweepReport(settled=1, unknown=1, postponed=0, failed=0)
    assert archive.asked == ([upstream_id] if upstream_id else [])
    (record,) = ledger.records()
    assert (record.status, record.usage.cost_nano_usd) == (RecordStatus.UNKNOWN, 0)
    assert (record.upstream_generation_id, record.model) == (upstream_id, hold.model)
    assert ledger.account(ACME).available_nano_usd == 10_000
    assert audit(ledger, swept=True).violations == ()


def test_the_plan_of_the_hold_prices_when_the_tenant_has_another_by_now(
    ledger: FakeLedger,
) -> None:
    abandon(ledger, plan_version=2)

    run(ledger, Archive(GENERATION))

    (record,) = ledger.records()
    assert (record.usage.cost_nano_usd, record.price_nano_usd, record.plan_version) == (400, 800, 2)
    assert ledger.account(ACME).spent_nano_usd == 800


@pytest.mark.parametrize("taken", [1, 2, 3])
def test_accounts_below_are_settled_when_they_were_held_before_the_crash(
    ledger: FakeLedger, taken: int
) -> None:
    hold = abandon(ledger, end_user="alice", levels=BOTH, taken=taken)
    below = (key_account(ACME, hold.key_id), end_user_account(ACME, "alice"))

    report = run(ledger, Archive(GENERATION))

    assert report.settled == 1
    (record,) = ledger.records()
    assert (len(record.levels), record.end_user) == (taken - 1, "alice")
    for account_id in below[: taken - 1]:
        assert ledger.account(account_id).spent_nano_usd == 400
    assert not any(account.holds for account in ledger.accounts())
    assert audit(ledger, swept=True).violations == ()


def test_the_tenants_hold_is_settled_last_when_the_sweep_itself_crashes(
    ledger: FakeLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = abandon(ledger, end_user="alice", levels=BOTH)
    settled: list[AccountId] = []
    settle = ledger.settle

    def noted(account_id: AccountId, **named: Any) -> bool:
        settled.append(account_id)
        return settle(account_id, **named)

    monkeypatch.setattr(ledger, "settle", noted)
    ledger.fail_next("settle")

    assert run(ledger, Archive(GENERATION)).failed == 1
    assert run(ledger, Archive(GENERATION)).settled == 1

    assert settled[1:] == list(reversed(charged_accounts(ACME, hold)))
    assert audit(ledger, swept=True).violations == ()


@pytest.mark.parametrize(
    "error",
    [
        ProviderError("bad gateway", cost_is_zero=False),
        UpstreamTimeoutError("late", cost_is_zero=False),
    ],
    ids=["failure", "timeout"],
)
def test_hold_is_left_for_the_next_sweep_when_upstream_cannot_be_asked(
    ledger: FakeLedger, error: ProviderError
) -> None:
    hold = abandon(ledger)
    other = abandon(ledger, upstream_id=None)

    report = run(ledger, Archive(error=error))

    assert report == SweepReport(settled=1, unknown=1, postponed=1, failed=0)
    assert list(ledger.account(ACME).holds) == [hold.generation_id]
    assert [record.generation_id for record in ledger.records()] == [other.generation_id]
    assert run(ledger, Archive(GENERATION)).settled == 1


def test_nothing_changes_when_it_is_swept_again(ledger: FakeLedger) -> None:
    abandon(ledger)
    run(ledger, Archive(GENERATION))
    before = ledger.account(ACME), list(ledger.records())

    assert run(ledger, Archive(GENERATION)) == NOTHING

    assert (ledger.account(ACME), list(ledger.records())) == before


def test_hold_is_not_touched_when_its_request_may_still_live(ledger: FakeLedger) -> None:
    abandon(ledger)

    assert run(ledger, Archive(GENERATION), now_ms=NOON_MS + LIFE_MS - 1) == NOTHING

    assert ledger.account(ACME).in_flight == 1


def test_stored_price_is_settled_when_the_request_had_recorded_before_it_crashed(
    ledger: FakeLedger,
) -> None:
    hold = abandon(ledger)
    recorded = ledger.record(make_record(hold, cost=200, price_nano_usd=NanoUsd(250)))

    report = run(ledger, Archive(GENERATION))

    assert report == SweepReport(settled=1, unknown=0, postponed=0, failed=0)
    assert list(ledger.records()) == [recorded]
    assert ledger.account(ACME).spent_nano_usd == 250


@pytest.mark.parametrize(("wakes_before", "cost"), [("record", 250), ("settle", 400)])
def test_first_record_wins_and_is_settled_once_when_a_late_request_finishes_too(
    ledger: FakeLedger, wakes_before: str, cost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold, swept = abandon(ledger), getattr(ledger, wakes_before)

    def wake(*arguments: Any, **named: Any) -> Any:
        monkeypatch.undo()
        stored = ledger.record(make_record(hold, cost=250))
        assert ledger.settle(
            AccountId(ACME), hold=hold, price_nano_usd=stored.price_nano_usd, now_ms=NOON_MS
        )
        return swept(*arguments, **named)

    monkeypatch.setattr(ledger, wakes_before, wake)

    report = run(ledger, Archive(GENERATION))

    assert report == NOTHING, "the late request settled, the sweep did not"
    assert [record.usage.cost_nano_usd for record in ledger.records()] == [cost]
    assert ledger.account(ACME).spent_nano_usd == cost
    assert audit(ledger, swept=True).violations == ()


def test_every_tenant_and_lane_is_swept_when_there_are_several(ledger: FakeLedger) -> None:
    other = TenantId("other")
    for tenant_id, lane in ((ACME, 1), (other, 0)):
        ledger.open_lane(tenant_id, credit_nano_usd=10_000, lane=lane)
        ledger.reserve(AccountId(tenant_id), reservation=make_reservation(lane=lane))

    report = run(ledger, Archive())

    assert report.settled == 2
    assert {record.tenant_id for record in ledger.records()} == {ACME, other}
    assert audit(ledger, swept=True).violations == ()
