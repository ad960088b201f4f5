"""Credit is moved to the lanes that lack it, and none is made or lost on the way."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_steps import reserve
from tests.support.ledger_values import ACME
from weir.domain.accounts import Account, AccountId
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId
from weir.services.audit import audit
from weir.services.rebalance import TRANSFER_ID_BYTES, moves, rebalance

_serial = itertools.count()


def random(size: int) -> bytes:
    assert size == TRANSFER_ID_BYTES
    return next(_serial).to_bytes(size)


def lanes(*available: int, tenant_id: TenantId = ACME) -> FakeLedger:
    ledger = FakeLedger()
    for lane, amount in enumerate(available):
        ledger.open_lane(tenant_id, credit_nano_usd=amount, lane=lane)
    return ledger


def run(ledger: FakeLedger) -> int:
    return rebalance(ledger, tenants=ledger, transfers=ledger, random=random)


def left(ledger: FakeLedger) -> list[int]:
    return [account.available_nano_usd for account in ledger.accounts()]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([900, 0, 0], [300, 300, 300]),
        ([0, 500], [250, 250]),
        ([7, 0], [4, 3]),
        ([1_000, 10, 600, 390], [500, 500, 500, 500]),
    ],
)
def test_every_lane_has_the_mean_when_one_was_short(
    before: Sequence[int], after: Sequence[int]
) -> None:
    ledger = lanes(*before)

    assert run(ledger) > 0

    assert left(ledger) == after
    assert audit(ledger).violations == ()


@pytest.mark.parametrize("available", [[400, 500, 600], [500], [0, 0], [5, 4]])
def test_nothing_is_moved_when_the_lanes_are_close_to_each_other(available: Sequence[int]) -> None:
    ledger = lanes(*available)

    assert run(ledger) == 0

    assert left(ledger) == available


def test_an_overspent_lane_is_filled_when_another_has_credit() -> None:
    ledger = lanes(1_000, 0)
    overspent = replace(
        ledger.account(ACME, lane=1),
        available_nano_usd=NanoUsd(-200),
        credit_nano_usd=NanoUsd(-200),
    )
    ledger._put(overspent)

    run(ledger)

    assert left(ledger) == [400, 400]


def test_held_credit_stays_when_its_lane_gives() -> None:
    ledger = lanes(3_000, 0)
    reserve(ledger, estimate=1_000)

    run(ledger)

    assert left(ledger) == [1_000, 1_000]
    assert audit(ledger).violations == ()


def test_a_transfer_is_not_counted_when_the_source_spent_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger = lanes(1_000, 0)
    stale = list(ledger.accounts())
    reserve(ledger, estimate=900)
    monkeypatch.setattr(ledger, "lanes", lambda _tenant: iter(stale))

    assert run(ledger) == 0

    assert left(ledger) == [100, 0]


def test_every_tenant_is_balanced_when_there_are_several() -> None:
    ledger = lanes(400, 0)
    other = TenantId("other")
    for lane, amount in enumerate((0, 0, 900)):
        ledger.open_lane(other, credit_nano_usd=amount, lane=lane)

    run(ledger)

    assert left(ledger) == [200, 200, 300, 300, 300]


def test_nothing_is_moved_when_no_lane_can_be_read() -> None:
    no_lanes: list[Account] = []

    assert list(moves(no_lanes)) == []


def test_moves_add_up_when_they_are_applied() -> None:
    ledger = lanes(*range(0, 10_000, 617))
    before = sum(left(ledger))

    run(ledger)

    after = left(ledger)
    assert sum(after) == before
    assert max(after) - min(after) <= len(after)
    assert ledger.account(AccountId(ACME), lane=0).available_nano_usd > 0
