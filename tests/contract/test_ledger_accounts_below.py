"""Accounts of keys and end users, below a tenant's: kept by the fake and by DynamoDB alike."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_steps import Ledger, finish, only_account, reserve, take
from tests.support.ledger_tables import embedded_dynamodb, new_tables
from tests.support.ledger_values import ACME, NOON_MS, make_hold, make_reservation
from weir.domain.accounts import charged_accounts, end_user_account, key_account
from weir.domain.errors import ForbiddenError
from weir.domain.holds import Level
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.services.audit import audit


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made:
        yield made


@pytest.fixture(params=["fake", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "fake":
        return FakeLedger()
    return new_tables(request.getfixturevalue("client")).ledger()


def test_request_is_held_and_charged_on_every_account_when_it_has_levels(ledger: Ledger) -> None:
    hold = make_hold(
        end_user="J. Doe; 100% é",
        levels=frozenset({Level.KEY, Level.END_USER}),
        plan_version=12,
    )
    path = charged_accounts(ACME, hold)
    ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
    for account_id in path[1:]:
        assert ledger.open_account(account_id, limits=AccountLimits(in_flight=1))

    for account_id in path:
        take(ledger, make_reservation(hold), account_id=account_id)

    assert [ledger.held(account_id, hold.generation_id) for account_id in path] == [hold] * 3
    assert finish(ledger, hold, cost=400)
    assert {account.spent_nano_usd for account in ledger.accounts()} == {400}
    assert audit(ledger, swept=True).violations == ()


def test_limits_bind_when_an_account_below_has_its_own(ledger: Ledger) -> None:
    account_id = key_account(ACME, "0123abcd")
    limits = AccountLimits(spend_nano_usd=NanoUsd(1_000), period=LimitPeriod.MONTHLY)
    ledger.open_account(account_id, limits=limits)
    reserve(ledger, account_id=account_id, estimate=600)

    with pytest.raises(ForbiddenError, match="Key limit"):
        reserve(ledger, account_id=account_id, estimate=600)


def test_one_lane_below_carries_the_request_when_the_tenant_has_several(ledger: Ledger) -> None:
    account_id = end_user_account(ACME, "ann")
    ledger.open_account(account_id, limits=AccountLimits())

    hold = reserve(ledger, account_id=account_id, lane=61)

    assert ledger.held(account_id, hold.generation_id) == hold
    assert ledger.settle(account_id, hold=hold, price_nano_usd=NanoUsd(1), now_ms=NOON_MS)


def test_account_below_stays_as_it_is_when_it_is_open_already(ledger: Ledger) -> None:
    account_id = end_user_account(ACME, "ann")
    ledger.open_account(account_id, limits=AccountLimits(in_flight=3))
    reserve(ledger, account_id=account_id)
    before = only_account(ledger)

    assert not ledger.open_account(account_id, limits=AccountLimits())

    assert only_account(ledger) == before
