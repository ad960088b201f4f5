"""Reconciliation resolves what nobody knew, once; and finds where upstream's books differ."""

from dataclasses import replace

import pytest

from tests.support.ledger_values import ACME, NOON_MS, new_id
from tests.support.reconciling import DAY_MS, LONG_AGO, TODAY, Stage
from weir.domain import generations
from weir.domain.errors import StoreUnavailableError
from weir.domain.price_plans import PricePlan
from weir.domain.reconciliation import BooksState, Outcome, Pair
from weir.domain.tenants import TenantId
from weir.domain.usage import RecordSource, RecordStatus, UsageRecord
from weir.services import reconcile, resolve


def pair(record: UsageRecord, upstream_id: str) -> Pair:
    return Pair(generation_id=record.generation_id, upstream_generation_id=upstream_id)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_unknown_cost_is_charged_once_by_the_plan_of_the_request(stage: Stage) -> None:
    lost = replace(stage.lose(400), plan_version=2, end_user="ann")
    stage.ledger._records[lost.generation_id] = lost
    stage.plans.plans[2] = PricePlan(version=2, multiplier_ppm=1_500_000)

    first, second = stage.run(), stage.run()

    (adjustment,) = stage.adjustments()
    assert (first.resolved, first.unknown, second.resolved, second.unknown) == (1, 0, 0, 0)
    assert (adjustment.status, adjustment.source) == (
        RecordStatus.ADJUSTMENT,
        RecordSource.RECONCILIATION,
    )
    assert (adjustment.usage.cost_nano_usd, adjustment.price_nano_usd) == (400, 600)
    assert (adjustment.adjusts, adjustment.end_user) == (lost.generation_id, "ann")
    assert (adjustment.provider, adjustment.finish_reason) == ("P", "stop")
    assert (adjustment.model, adjustment.estimate_nano_usd) == (lost.model, 0)
    assert adjustment.upstream_generation_id == lost.upstream_generation_id
    assert stage.ledger.account(ACME).spent_nano_usd == 600


def test_adjustment_is_of_its_own_day_and_of_the_requests_lane(stage: Stage) -> None:
    stage.ledger.open_lane(ACME, credit_nano_usd=10**9, lane=1)
    lost = stage.lose(400, days_ago=3)
    other_lane = replace(lost, generation_id=new_id(now_ms=NOON_MS - 3 * DAY_MS, lane=1))
    stage.ledger._records = {other_lane.generation_id: other_lane}

    stage.run()

    (adjustment,) = stage.adjustments()
    assert generations.day(adjustment.generation_id) == TODAY
    assert generations.lane(adjustment.generation_id) == 1


def test_unknown_cost_is_charged_once_when_two_reconcile_at_once(stage: Stage) -> None:
    stage.lose(400)
    asked, archive = stage.upstream.generation, stage.upstream

    def race(upstream_generation_id: str) -> object:
        archive.generation = asked  # type: ignore[method-assign]
        assert stage.run().resolved == 1
        return asked(upstream_generation_id)

    archive.generation = race  # type: ignore[method-assign,assignment]

    report = stage.run()

    assert (report.resolved, report.unknown) == (0, 0)
    assert len(stage.adjustments()) == 1
    assert stage.ledger.account(ACME).spent_nano_usd == 400


@pytest.mark.parametrize("days_ago", [0, 2, 7, 20, 30])
def test_unknown_cost_of_a_closed_day_is_charged(stage: Stage, days_ago: int) -> None:
    stage.lose(400, days_ago=days_ago)
    stage.close(days_ago)

    assert stage.run().resolved == 1


def test_unknown_cost_is_looked_for_no_more_when_it_is_too_old(stage: Stage) -> None:
    stage.lose(400, days_ago=31)
    stage.close(31)

    report = stage.run()

    assert (report.resolved, report.unknown, stage.upstream.asked) == (0, 0, [])


def test_records_are_read_when_a_close_names_too_few_unknown_ones(stage: Stage) -> None:
    stage.lose(400, days_ago=9)
    stage.lose(500, days_ago=9)
    stage.close(9)
    key = ACME, stage.day(9)
    stage.rollups.stored_closes[key] = replace(stage.rollups.stored_closes[key], unknown=())

    assert stage.run().resolved == 2


def test_only_days_without_a_close_are_read_record_by_record(stage: Stage) -> None:
    stage.close(1, 3)
    stage.rows.read.clear()

    stage.run()

    assert stage.rows.read == [stage.day(n) for n in (7, 6, 5, 4, 2, 0)]


def test_close_may_name_a_record_that_is_gone(stage: Stage) -> None:
    lost = stage.lose(400, days_ago=9)
    stage.close(9)
    del stage.ledger._records[lost.generation_id]

    assert stage.run().unknown == 0


def test_request_stays_unknown_when_upstream_does_not_know_it_or_nobody_knows_its_id(
    stage: Stage,
) -> None:
    hidden = stage.lose(400)
    stage.lose(500, known_id=False)
    assert hidden.upstream_generation_id
    stage.upstream.hidden.add(hidden.upstream_generation_id)

    report = stage.run()

    assert (report.resolved, report.unknown, report.postponed) == (0, 2, 0)
    stage.upstream.hidden.clear()
    assert (stage.run().resolved, stage.run().unknown) == (1, 1)


def test_nothing_is_lost_when_upstream_is_down(stage: Stage) -> None:
    for _ in range(5):
        stage.lose(400)
    stage.upstream.is_down = True

    report = stage.run()

    assert (report.resolved, report.unknown, report.postponed) == (0, 5, 5)
    assert len(stage.upstream.asked) == resolve.MAX_FAILURES_IN_A_ROW
    assert report.comparison.state is BooksState.OUT_OF_REACH
    assert stage.baselines.stored == LONG_AGO
    stage.upstream.is_down = False
    assert stage.run().resolved == 5


def test_others_are_charged_when_the_ledger_fails_for_one(stage: Stage) -> None:
    for _ in range(3):
        stage.lose(400)
    stage.ledger.fail_next("adjust")

    report = stage.run()

    assert (report.resolved, report.unknown, report.postponed) == (2, 1, 1)
    assert stage.run().resolved == 1


def test_request_is_postponed_when_its_price_plan_cannot_be_read(stage: Stage) -> None:
    stage.lose(400)
    stage.plans.is_down = True

    assert stage.run().postponed == 1


def test_charge_is_not_repeated_when_its_answer_was_lost(stage: Stage) -> None:
    stage.lose(400)
    stage.ledger.fail_next("adjust", applied=True)

    first, second = stage.run(), stage.run()

    assert (first.postponed, second.resolved, second.unknown) == (1, 0, 0)
    assert stage.ledger.account(ACME).spent_nano_usd == 400


def test_rest_is_postponed_when_the_time_is_over(stage: Stage) -> None:
    stage.lose(400)

    report = stage.run(ends_ms=stage.clock.ms)

    assert (report.unknown, report.postponed, stage.upstream.asked) == (1, 1, [])


def test_every_request_is_asked_for_in_turn_when_there_are_too_many(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "MAX_ASKED", 2)
    ids = {stage.lose(400).upstream_generation_id for _ in range(5)}
    stage.upstream.hidden = {found for found in ids if found}

    reports = []
    for _ in range(3):
        reports.append(stage.run())
        stage.clock.ms += 3_600_000

    assert [(report.unknown, report.postponed) for report in reports] == [(5, 3)] * 3
    assert len(stage.upstream.asked) == 6
    assert set(stage.upstream.asked) == ids


def test_pair_of_an_operator_is_charged(stage: Stage) -> None:
    lost = stage.lose(400, known_id=False)
    (upstream_id,) = stage.upstream.bills

    report = stage.run(pair(lost, upstream_id))

    assert report.pairs == {lost.generation_id: Outcome.RESOLVED}
    assert (report.resolved, report.unknown) == (1, 0)
    assert stage.run(pair(lost, upstream_id)).pairs == {lost.generation_id: Outcome.SETTLED}
    assert stage.ledger.account(ACME).spent_nano_usd == 400


def test_pair_is_found_whichever_tenant_it_belongs_to(stage: Stage) -> None:
    stage.ledger.open_tenant_account(TenantId("zoo"), credit_nano_usd=10**9)
    lost = replace(stage.lose(400, known_id=False), tenant_id=TenantId("zoo"))
    stage.ledger._records[lost.generation_id] = lost
    (upstream_id,) = stage.upstream.bills

    assert stage.run(pair(lost, upstream_id)).resolved == 1
    assert stage.ledger.account(TenantId("zoo")).spent_nano_usd == 400


def test_pair_is_refused_when_it_cannot_be_right(stage: Stage) -> None:
    known, lost, old = stage.spend(5), stage.lose(400), stage.lose(7, days_ago=31)
    nobodys = replace(lost, generation_id=new_id())

    report = stage.run(
        pair(known, "up-x"), pair(lost, "up-x"), pair(old, "up-x"), pair(nobodys, "up-x")
    )

    assert list(report.pairs.values()) == [
        Outcome.SETTLED,
        Outcome.OTHER_ID,
        Outcome.TOO_OLD,
        Outcome.NO_RECORD,
    ]


@pytest.mark.parametrize(("is_down", "outcome"), [(False, "unknown"), (True, "postponed")])
def test_pair_may_be_tried_again_when_upstream_cannot_tell(
    stage: Stage,
    is_down: bool,  # noqa: FBT001
    outcome: str,
) -> None:
    lost = stage.lose(400, known_id=False)
    stage.upstream.is_down = is_down

    report = stage.run(pair(lost, "up-unheard-of"))

    assert (report.pairs[lost.generation_id], report.unknown) == (outcome, 1)


@pytest.mark.parametrize("broken", ["tenants", "closes"], ids=["the tenants", "the closes"])
def test_run_fails_when_the_books_cannot_be_read(
    stage: Stage, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise StoreUnavailableError("away")

    monkeypatch.setattr(stage.ledger if broken == "tenants" else stage.rollups, broken, fail)

    with pytest.raises(StoreUnavailableError):
        stage.run()
