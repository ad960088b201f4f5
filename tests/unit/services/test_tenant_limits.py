"""What a changed limit of a tenant goes on from."""

import pytest

from tests.support.ledger_steps import finish, reserve
from tests.support.ledger_values import ACME, NOON_MS
from tests.support.tenant_stage import CAP, Stage
from tests.support.usage_figures import cell, put_closed, put_open
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_raised_limit_goes_on_counting_in_its_period(stage: Stage) -> None:
    stage.create(limits=CAP)
    spend(stage, price=400)

    stage.change(limits={"spend_nano_usd": NanoUsd(1_500)})

    assert stage.left == [1_100]


@pytest.mark.parametrize(
    ("period", "spent"),
    [
        (LimitPeriod.TOTAL, 400),
        (LimitPeriod.DAILY, 400),
        (LimitPeriod.WEEKLY, 400 + 30),
        (LimitPeriod.MONTHLY, 400 + 30 + 2),
    ],
)
def test_a_limit_of_another_period_counts_what_was_spent_in_it(
    stage: Stage, period: LimitPeriod, spent: int
) -> None:
    other = LimitPeriod.MONTHLY if period is not LimitPeriod.MONTHLY else LimitPeriod.DAILY
    stage.create(limits={**CAP, "period": other})
    spend(stage, price=400)
    put_closed(stage.rollups, "2026-11-02", cell(), 2)
    put_closed(stage.rollups, "2026-11-17", cell(), 30)
    put_open(stage.rollups, "2026-11-18", cell(), 5)
    before = stage.left

    stage.change(limits={"period": period})

    assert stage.left == [before[0] + 1_000 - spent]


def test_what_was_spent_is_shared_out_over_the_lanes(stage: Stage) -> None:
    stage.create(profile={"lanes": 2}, limits=CAP)
    put_closed(stage.rollups, "2026-11-17", cell(), 30)

    stage.change(limits={"period": LimitPeriod.WEEKLY})

    assert stage.left == [485, 485]


def spend(stage: Stage, *, price: int) -> None:
    """Settle a request of this price."""
    ledger = stage.register.ledger
    ledger.grant(ACME, amount_nano_usd=10_000, reference="r", lanes=1, now_ms=NOON_MS)
    assert finish(ledger, reserve(ledger, estimate=500), cost=price)
