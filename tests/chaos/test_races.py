"""Whoever repairs, counts or changes the books does it once, however many try at once."""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest

from tests.support.ledger_tables import Tables
from tests.support.ledger_values import ACME, NOON_MS, make_adjustment
from tests.support.storm_processes import Site, site
from tests.support.storm_requests import ESTIMATE, Sandbox, key_of, open_key_account, tenant
from weir.domain import generations
from weir.domain.accounts import AccountId
from weir.domain.api_keys import ApiKey
from weir.domain.generations import new_generation_id
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.price_plans import AT_COST, PricePlan
from weir.domain.tenants import TenantId
from weir.domain.usage import (
    ArchivedGeneration,
    RecordSource,
    RecordStatus,
    Usage,
    UsageRecord,
)
from weir.services.admit import Admitted
from weir.services.audit import audit
from weir.services.sweep import Sweeping, SweepReport

pytestmark = pytest.mark.chaos

DAY_MS = 24 * 60 * 60 * 1_000
LIFE_MS = 15 * 60 * 1_000
LANES = 2
CREDIT = 10**9

Work = Callable[[Tables], Counter[str]]


@pytest.fixture
def place() -> Iterator[Site]:
    with site() as opened:
        yield opened


class Archive:
    """Upstream's ledger: every generation that is asked for cost the same."""

    def generation(self, upstream_generation_id: str) -> ArchivedGeneration | None:
        assert upstream_generation_id
        return ArchivedGeneration(usage=Usage(cost_nano_usd=NanoUsd(300)))


class Plans:
    """There is one plan."""

    def plan(self, tenant_id: TenantId, *, version: int) -> PricePlan:
        assert (tenant_id, version) == (ACME, 0)
        return AT_COST


def sweep(tables: Tables) -> SweepReport:
    """Sweep when every request of noon is too old to be alive."""
    ledger = tables.ledger()
    sweeping = Sweeping(
        ledger=ledger, tenants=ledger, archive=Archive(), plans=Plans(), hold_life_ms=LIFE_MS
    )
    return sweeping.sweep(now_ms=NOON_MS + LIFE_MS + 60_000)


def test_two_sweepers_and_late_requests_settle_each_request_once(place: Site) -> None:
    limits = AccountLimits(spend_nano_usd=NanoUsd(CREDIT))
    key = key_of(tenant(), limits=limits)
    ledger = place.tables.ledger()
    ledger.open_tenant_account(ACME, credit_nano_usd=CREDIT)
    open_key_account(place.tables, key, limits=limits)
    admitted = reserved(place.tables, key, count=120)

    def finish(worker: int, tables: Tables) -> SweepReport | None:
        sandbox = Sandbox(tables, key)
        # Against the order of the sweepers: they meet in the middle.
        for one in reversed(admitted[worker::3]):
            sandbox.finish(one, cost=ESTIMATE // 2)
        return None

    began = time.monotonic()
    works: list[Callable[[Tables], SweepReport | None]] = [sweep, sweep]
    works += [partial(finish, worker) for worker in range(3)]
    first, second, *_ = place.at_once(works)

    records = list(ledger.records())
    sources = Counter(record.source for record in records)
    print(
        f"\n{len(admitted)} late requests and two sweepers: "
        f"{dict(Counter(f'{r.source} {r.status}' for r in records))}; "
        f"{first}, {second}; {time.monotonic() - began:.1f} s"
    )
    assert {record.generation_id for record in records} == {
        one.hold.generation_id for one in admitted
    }
    assert min(sources[RecordSource.REQUEST], sources[RecordSource.SWEEP]) > 0
    assert sweep(place.tables) == SweepReport(settled=0, unknown=0, postponed=0, failed=0)
    assert audit(ledger, swept=True, limits_unchanged=True).violations == ()


def reserved(tables: Tables, key: ApiKey, *, count: int) -> list[Admitted]:
    """Requests in flight; every other one has told its hold upstream's id."""
    sandbox, found = Sandbox(tables, key), list[Admitted]()
    for number in range(count):
        admitted = sandbox.admit()
        assert isinstance(admitted, Admitted)
        if number % 2:
            sandbox.ledger.checkpoint(
                ACME, hold=admitted.hold, upstream_generation_id=f"gen-{number}"
            )
        found.append(admitted)
    return found


def test_books_balance_when_everything_changes_one_account_at_once(place: Site) -> None:
    key, ledger = key_of(tenant(lanes=LANES)), place.tables.ledger()
    ledger.open_tenant_account(ACME, credit_nano_usd=CREDIT, lanes=LANES)
    unknown = yesterdays_requests(place.tables, key, count=24)
    closed = Counter({account.lane: account.spent_nano_usd for account in ledger.accounts()})
    works: list[Work] = [
        *(partial(ask_and_end, key, worker) for worker in range(4)),
        *(partial(adjust, unknown, worker) for worker in range(2)),
        *[grant] * 2,
        *[transfer] * 2,
        *[fold] * 2,
        *[change_limits] * 2,
    ]

    began = time.monotonic()
    done = sum(place.at_once(works), Counter[str]())

    accounts = list(ledger.accounts())
    print(
        f"\n{len(works)} processes on one account: {dict(done)}; {time.monotonic() - began:.1f} s"
    )
    assert (done["adjusted"], done["granted"], done["folded"]) == (len(unknown), 10, LANES)
    assert done["transferred"] == 10
    assert sum(account.credit_nano_usd for account in accounts) == CREDIT + 10 * 101
    assert {account.lane: account.folded_nano_usd for account in accounts} == closed
    assert {record.adjusted_by is None for record in ledger.records() if is_unknown(record)} == {
        False
    }
    assert audit(ledger, swept=True).violations == ()


def is_unknown(record: UsageRecord) -> bool:
    return record.status is RecordStatus.UNKNOWN


def yesterdays_requests(tables: Tables, key: ApiKey, *, count: int) -> list[UsageRecord]:
    """Requests of yesterday, on all lanes; returns those that ended unknown."""
    found = []
    for number in range(count):
        sandbox = Sandbox(tables, key, lane=number)
        admitted = sandbox.admit(now_ms=NOON_MS - DAY_MS)
        assert isinstance(admitted, Admitted)
        if number % 3:
            sandbox.finish(admitted, cost=number, now_ms=NOON_MS - DAY_MS)
        else:
            changes = {"status": RecordStatus.UNKNOWN, "source": RecordSource.SWEEP}
            found.append(sandbox.finish(admitted, cost=0, now_ms=NOON_MS - DAY_MS, **changes))
    return found


def ask_and_end(key: ApiKey, worker: int, tables: Tables) -> Counter[str]:
    sandbox, done = Sandbox(tables, key, lane=worker), Counter[str]()
    for number in range(30):
        admitted = sandbox.admit()
        assert isinstance(admitted, Admitted)
        sandbox.finish(admitted, cost=number)
        done["requests"] += 1
    return done


def adjust(unknown: list[UsageRecord], worker: int, tables: Tables) -> Counter[str]:
    """Charge what every other reconciliation finds out as well, in another order."""
    chance, done = random.Random(worker), Counter[str]()
    for record in chance.sample(unknown, len(unknown)):
        named = new_generation_id(
            now_ms=NOON_MS,
            lane=generations.lane(record.generation_id),
            random=os.urandom(generations.RANDOM_BYTES),
        )
        found = make_adjustment(record, cost=77, generation_id=named)
        done["adjusted"] += tables.ledger().adjust(found)
    return done


def grant(tables: Tables) -> Counter[str]:
    done = Counter[str]()
    for number in range(10):
        done["granted"] += tables.ledger().grant(
            ACME, amount_nano_usd=101, reference=f"p{number}", lanes=LANES, now_ms=NOON_MS
        )
    return done


def transfer(tables: Tables) -> Counter[str]:
    done = Counter[str]()
    for number in range(10):
        source = number % LANES
        done["transferred"] += tables.ledger().transfer(
            ACME,
            transfer_id=f"m{number}",
            source=source,
            target=1 - source,
            amount=NanoUsd(1_000),
        )
    return done


def fold(tables: Tables) -> Counter[str]:
    """Fold yesterday until it is gone; requests, grants and adjustments go on beside it."""
    done = Counter[str]()
    for _ in range(10):
        for account in list(tables.ledger().accounts()):
            done["folded"] += tables.ledger().fold(account, day="261117", now_ms=NOON_MS)
    return done


def change_limits(tables: Tables) -> Counter[str]:
    """Raise and lower the spending limit of both lanes; it stays far away."""
    done = Counter[str]()
    for number in range(10):
        limits = replace(AccountLimits(), spend_nano_usd=NanoUsd(CREDIT + number))
        for lane in range(LANES):
            done["limits"] += tables.ledger().set_limits(
                AccountId(ACME), limits=limits, now_ms=NOON_MS, lane=lane
            )
    return done
