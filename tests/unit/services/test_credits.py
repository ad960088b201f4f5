"""Credits are summed over lanes, between which credit may move while they are read."""

from collections.abc import Sequence
from dataclasses import replace

from tests.support.fake_ledger import FakeLedger
from tests.support.fakes import TENANT
from tests.support.ledger_steps import finish, reserve
from tests.support.ledger_values import ACME
from tests.support.rollup_fakes import FakeBudgets
from weir.domain.accounts import Account
from weir.domain.money import NanoUsd
from weir.services.credits import Credits, credits_of

LANES = replace(TENANT, lanes=2)


def accounts(*, lanes: int) -> list[Account]:
    ledger = FakeLedger()
    ledger.open_tenant_account(ACME, credit_nano_usd=10_000, lanes=lanes)
    finish(ledger, reserve(ledger, lane=lanes - 1), cost=300)
    return list(ledger.accounts())


def test_credits_are_those_of_all_lanes() -> None:
    for lanes, tenant in ((1, TENANT), (2, LANES)):
        found = credits_of(tenant, budgets=FakeBudgets([accounts(lanes=lanes)]))

        assert found == Credits(granted_nano_usd=NanoUsd(10_000), used_nano_usd=NanoUsd(300))


def test_credit_that_moves_between_lanes_is_not_counted_twice() -> None:
    good = accounts(lanes=2)
    torn = [replace(good[0], credit_nano_usd=NanoUsd(9_000)), good[1]]

    found = credits_of(LANES, budgets=FakeBudgets([torn, good, good]))

    assert found.granted_nano_usd == 10_000


def test_the_last_reading_counts_when_no_two_agree() -> None:
    good = accounts(lanes=2)
    restless: list[Sequence[Account]] = [
        [replace(good[0], credit_nano_usd=NanoUsd(credit)), good[1]] for credit in range(1, 9)
    ]

    found = credits_of(LANES, budgets=FakeBudgets(restless))

    assert found.granted_nano_usd == 5_000 + 4


def test_a_tenant_without_an_account_has_no_credits() -> None:
    found = credits_of(TENANT, budgets=FakeBudgets([[]]))

    assert found == Credits(granted_nano_usd=NanoUsd(0), used_nano_usd=NanoUsd(0))
