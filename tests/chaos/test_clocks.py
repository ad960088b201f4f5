"""Sandboxes whose clocks differ, while a day, a week and a month end: every account stays exact."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from tests.support.ledger_tables import Tables
from tests.support.ledger_values import ACME
from tests.support.storm_processes import Site, site
from tests.support.storm_requests import (
    ESTIMATE,
    Refused,
    Sandbox,
    key_of,
    open_key_account,
    tenant,
)
from weir.domain import periods
from weir.domain.accounts import AccountId, end_user_account, key_account, tenant_account
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.services.admit import Admitted
from weir.services.audit import audit

pytestmark = pytest.mark.chaos

MIDNIGHT_MS = 1_801_440_000_000
"""2027-02-01T00:00:00Z, a Monday: a day, a week and a month begin."""

SANDBOXES, STEPS, SKEW_MS = 16, 30, 90_000
TENANTS, KEYS, END_USERS = 100, 80, 30
"""How many requests each account has credit for in each of its periods."""


@pytest.fixture
def place() -> Iterator[Site]:
    with site() as opened:
        yield opened


def test_limits_hold_in_both_periods_when_clocks_differ(place: Site) -> None:
    of_key = allowance(KEYS, LimitPeriod.WEEKLY)
    of_end_user = allowance(END_USERS, LimitPeriod.DAILY)
    owner = tenant(limit_period=LimitPeriod.MONTHLY, end_user_limits=of_end_user)
    key = key_of(owner, limits=of_key)
    place.tables.ledger().open_tenant_account(
        ACME, credit_nano_usd=10**9, limits=allowance(TENANTS, LimitPeriod.MONTHLY)
    )
    open_key_account(place.tables, key, limits=of_key)

    def live(worker: int, tables: Tables) -> Counter[str]:
        """Ask from two minutes before midnight to two minutes after it, by a clock of its own.

        Each request ends some steps later: many a one in the next day, week and month.
        """
        skew_ms = -SKEW_MS + worker * 2 * SKEW_MS // (SANDBOXES - 1)
        sandbox, chance = Sandbox(tables, key), random.Random(worker)
        in_flight, told = list[Admitted](), Counter[str]()
        for step in range(STEPS):
            now_ms = MIDNIGHT_MS + skew_ms + (step - STEPS // 2) * 8_000
            answer = sandbox.admit(now_ms=now_ms, end_user="ann" if step % 2 else None)
            if isinstance(answer, Refused):
                told[f"{answer.status} {answer.source}"] += 1
            else:
                in_flight.append(answer)
            while in_flight and chance.random() < 0.4:
                sandbox.finish(in_flight.pop(0), cost=ESTIMATE, now_ms=now_ms)
        for admitted in in_flight:
            sandbox.finish(admitted, cost=ESTIMATE, now_ms=MIDNIGHT_MS + skew_ms + 120_000)
        return told

    began = time.monotonic()
    refused = sum(place.at_once([partial(live, n) for n in range(SANDBOXES)]), Counter[str]())

    admitted = admitted_by_day(place)
    print(
        f"\n{SANDBOXES} sandboxes, clocks within ±{SKEW_MS // 1_000} s: {dict(admitted)} admitted, "
        f"{dict(refused)} refused; {time.monotonic() - began:.1f} s"
    )
    assert admitted == {"270131": KEYS, "270201": KEYS}
    assert left(place) == {
        tenant_account(ACME): dict.fromkeys(("m2701", "m2702"), TENANTS - KEYS),
        key_account(ACME, key.key_id): {"w270125": 0, "w270201": 0},
        end_user_account(ACME, "ann"): {"d270131": 0, "d270201": 0},
    }
    assert_sound(place)
    fold_the_day_that_ended(place)
    assert left(place) == {
        tenant_account(ACME): {"m2702": TENANTS - KEYS},
        key_account(ACME, key.key_id): {"w270201": 0},
        end_user_account(ACME, "ann"): {"d270201": 0},
    }
    assert_sound(place)


def admitted_by_day(place: Site) -> Counter[str]:
    records = place.tables.ledger().records()
    return Counter(periods.day(record.generation_id) for record in records)


def allowance(requests: int, period: LimitPeriod) -> AccountLimits:
    return AccountLimits(spend_nano_usd=NanoUsd(requests * ESTIMATE), period=period)


def left(place: Site) -> dict[AccountId, dict[str, int]]:
    """For how many more requests each account has credit, by period."""
    return {
        account.account_id: {
            name: remainder // ESTIMATE for name, remainder in account.remaining_by_period.items()
        }
        for account in place.tables.ledger().accounts()
    }


def assert_sound(place: Site) -> None:
    ledger = place.tables.ledger()
    assert audit(ledger, swept=True, limits_unchanged=True).violations == ()


def fold_the_day_that_ended(place: Site) -> None:
    ledger = place.tables.ledger()
    for account in list(ledger.accounts()):
        assert ledger.fold(account, day="270131", now_ms=MIDNIGHT_MS + 6 * 60 * 60 * 1_000)
