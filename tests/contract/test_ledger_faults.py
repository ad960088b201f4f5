"""Every call of a request under every fault: the sweep leaves one record and true balances.

The request has an account of its key below its tenant's. One fault at a time always; every pair of
them, in the request or in the sweep that repairs it, with `make chaos`.
"""

from collections.abc import Iterator
from functools import partial
from itertools import combinations, product
from typing import Any

import pytest
from botocore.retries.standard import ExponentialBackoff

from tests.support.faults import ENDINGS, Faults
from tests.support.ledger_books import LedgerBooks
from tests.support.ledger_steps import ACCOUNT, finish, reserve, take
from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from tests.support.ledger_values import (
    ACME,
    NOON_MS,
    make_hold,
    make_record,
    make_reservation,
)
from weir.domain.accounts import key_account
from weir.domain.errors import ForbiddenError
from weir.domain.holds import Hold, Level
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.price_plans import PricePlan
from weir.domain.tenants import TenantId
from weir.domain.usage import ArchivedGeneration, RecordSource, Usage
from weir.services.audit import audit
from weir.services.settlement import settle_record
from weir.services.sweep import Sweeping, SweepReport

HOLD_LIFE_MS = 960_000
UPSTREAM_ID = "gen-1795003201-UpstreamUpstreamUpst"
KEY_ACCOUNT = key_account(ACME, "0123abcd")
COST, PRICE = NanoUsd(400), NanoUsd(500)
REQUEST = ("reserve", "reserve on key", "checkpoint", "record", "settle on key", "settle")
REFUSED = ("reserve", "reserve on key", "release")
# The sweep lists tenants, reads the lane and the key's hold, and settles.
SWEEP = ("tenants", "lane", "held", "record", "settle on key", "settle")
NOTHING = SweepReport(settled=0, unknown=0, postponed=0, failed=0)
# Of pairs, what adds something: an attempt that is lost once is simply repeated, and to a request,
# which catches nothing, a crash is what no answer is.
PAIRED = tuple(kind for kind in ENDINGS if kind != "lost once")
IN_REQUEST = tuple(kind for kind in PAIRED if not kind.startswith("crash"))
# What the records cost in the end, where it is not what upstream billed.
COSTS = {
    ("reserve", "lost"): [],
    ("reserve", "crash before"): [],
    # A hold was taken, but nothing was sent: unknown, and rightly zero.
    ("reserve", "answer lost"): [0],
    ("reserve", "crash after"): [0],
    ("reserve on key", "lost"): [0],
    ("reserve on key", "crash before"): [0],
    ("reserve on key", "answer lost"): [0],
    ("reserve on key", "crash after"): [0],
    # The only undercharge: upstream accepted the request, and its id was not written down.
    ("checkpoint", "lost"): [0],
    ("checkpoint", "crash before"): [0],
}


class Upstream:
    """Upstream's ledger, with one generation once it was begun, and the tenant's price for it."""

    def __init__(self) -> None:
        self.billed: dict[str, NanoUsd] = {}

    def generation(self, upstream_generation_id: str) -> ArchivedGeneration | None:
        cost = self.billed.get(upstream_generation_id)
        return None if cost is None else ArchivedGeneration(usage=Usage(cost_nano_usd=cost))

    def plan(self, tenant_id: TenantId, *, version: int) -> PricePlan:
        return PricePlan(version=version, multiplier_ppm=1_250_000)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made:
        yield made


@pytest.fixture
def made(client: Any, monkeypatch: pytest.MonkeyPatch) -> Tables:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)
    return new_tables(client)


def opened(made: Tables, *, key_limit: int = 10_000) -> LedgerBooks:
    ledger = made.ledger()
    ledger.open_tenant_account(ACME, credit_nano_usd=10_000)
    limits = AccountLimits(spend_nano_usd=NanoUsd(key_limit))
    ledger.open_account(KEY_ACCOUNT, limits=limits)
    return ledger


def new_request() -> Hold:
    return make_hold(levels=frozenset({Level.KEY}), plan_version=1)


def request(ledger: LedgerBooks, hold: Hold, upstream: Upstream) -> None:
    """The calls of `REQUEST`."""
    holds = {
        account_id: take(ledger, make_reservation(hold), account_id=account_id)
        for account_id in (ACCOUNT, KEY_ACCOUNT)
    }
    upstream.billed[UPSTREAM_ID] = COST
    ledger.checkpoint(ACME, hold=holds[ACCOUNT], upstream_generation_id=UPSTREAM_ID)
    record = make_record(hold, cost=COST, price_nano_usd=PRICE, upstream_generation_id=UPSTREAM_ID)
    settle_record(ledger, record, holds=holds, now_ms=NOON_MS)


def refused(ledger: LedgerBooks, hold: Hold) -> None:
    """The calls of `REFUSED`: the key's limit does not admit it."""
    reservation = make_reservation(hold)
    taken = take(ledger, reservation)
    with pytest.raises(ForbiddenError):
        take(ledger, reservation, account_id=KEY_ACCOUNT)
    ledger.release(ACCOUNT, hold=taken, reservation=reservation)


def sweep(made: Tables, upstream: Upstream) -> SweepReport:
    ledger = made.ledger()
    sweeping = Sweeping(
        ledger=ledger,
        tenants=ledger,
        archive=upstream,
        plans=upstream,
        hold_life_ms=HOLD_LIFE_MS,
    )
    return sweeping.sweep(now_ms=NOON_MS + HOLD_LIFE_MS)


def check(made: Tables, upstream: Upstream) -> list[int]:
    """Sweep without faults until nothing is left; return what the records cost."""
    sweep(made, upstream)
    assert sweep(made, upstream) == NOTHING
    report = audit(made.snapshot(), upstream=upstream.billed, swept=True, limits_unchanged=True)
    assert report.violations == ()
    return [record.usage.cost_nano_usd for record in made.snapshot().records()]


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("call", REQUEST)
def test_ledger_is_exact_after_the_sweep_when_one_call_fails(
    made: Tables, call: str, kind: str
) -> None:
    ledger, upstream, hold = opened(made), Upstream(), new_request()
    faults = Faults({REQUEST.index(call): kind})

    ended = faults.play(made.client, lambda: request(ledger, hold, upstream))
    before_the_sweep = audit(made.snapshot())
    costs = check(made, upstream)

    assert ended == ENDINGS[kind]
    assert faults.met, "the fault was met"
    assert before_the_sweep.violations == ()
    assert costs == COSTS.get((call, kind), [COST])


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("call", REFUSED)
def test_ledger_is_exact_after_the_sweep_when_a_refused_request_fails(
    made: Tables, call: str, kind: str
) -> None:
    ledger, upstream, hold = opened(made, key_limit=999), Upstream(), new_request()
    faults = Faults({REFUSED.index(call): kind})

    ended = faults.play(made.client, lambda: refused(ledger, hold))
    costs = check(made, upstream)

    assert ended == ENDINGS[kind]
    assert not any(costs)
    if ended == "done":
        assert costs == []
        assert {account.sequence for account in made.snapshot().accounts()} == {0}


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("call", SWEEP)
def test_next_sweep_repairs_when_one_call_of_a_sweep_fails(
    made: Tables, call: str, kind: str
) -> None:
    ledger, upstream = opened(made), Upstream()
    crash = Faults({REQUEST.index("record"): "crash before"})
    crash.play(made.client, lambda: request(ledger, new_request(), upstream))
    faults = Faults({SWEEP.index(call): kind})

    faults.play(made.client, lambda: sweep(made, upstream))

    assert faults.met, "the fault was met"
    assert check(made, upstream) == [COST]


@pytest.mark.chaos
@pytest.mark.parametrize("kinds", list(product(IN_REQUEST, PAIRED)), ids="-".join)
@pytest.mark.parametrize("first", range(len(REQUEST)))
def test_ledger_is_exact_after_the_sweeps_when_two_calls_fail(
    client: Any, monkeypatch: pytest.MonkeyPatch, first: int, kinds: tuple[str, str]
) -> None:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)
    for second in range(first + 1, len(REQUEST + SWEEP)):
        made = new_tables(client)
        ledger, upstream, hold = opened(made), Upstream(), new_request()
        faults = Faults({first: kinds[0], second: kinds[1]})

        faults.play(client, partial(request, ledger, hold, upstream))
        assert audit(made.snapshot()).violations == ()
        faults.play(client, partial(sweep, made, upstream))

        assert check(made, upstream) in ([], [0], [COST])
        made.drop()
        if second not in faults.met:
            break  # the story has fewer calls than that


@pytest.mark.chaos
@pytest.mark.parametrize("kinds", list(product(PAIRED, repeat=2)), ids="-".join)
@pytest.mark.parametrize("calls", list(combinations(range(len(SWEEP)), 2)), ids=str)
def test_later_sweeps_repair_when_two_calls_of_sweeps_fail(
    made: Tables, calls: tuple[int, int], kinds: tuple[str, str]
) -> None:
    ledger, upstream = opened(made), Upstream()
    crash = Faults({REQUEST.index("record"): "crash before"})
    crash.play(made.client, partial(request, ledger, new_request(), upstream))
    faults = Faults(dict(zip(calls, kinds, strict=True)))

    for _ in range(2):
        faults.play(made.client, partial(sweep, made, upstream))

    assert check(made, upstream) == [COST]
    made.drop()


def test_hold_is_taken_once_when_the_answer_of_reserve_is_lost(made: Tables) -> None:
    ledger, hold = made.ledger(), make_hold(estimate=6_000)
    ledger.open_tenant_account(ACME, credit_nano_usd=10_000)
    faults, accounts = Faults({0: "answer lost once"}), []

    def story() -> None:
        accounts.append(ledger.reserve(ACCOUNT, reservation=make_reservation(hold)))

    assert faults.play(made.client, story) == "done"
    assert faults.met[0] == 2
    assert accounts == list(ledger.accounts())
    assert (accounts[0].available_nano_usd, accounts[0].in_flight) == (4_000, 1)


def test_own_record_is_returned_when_the_answer_of_record_is_lost(made: Tables) -> None:
    ledger = made.ledger()
    record, stored = make_record(make_hold(), source=RecordSource.REQUEST), []

    def story() -> None:
        stored.append(ledger.record(record))

    assert Faults({0: "answer lost once"}).play(made.client, story) == "done"
    assert stored == [record] == list(ledger.records())


def test_price_is_charged_once_when_the_answer_of_settle_is_lost(made: Tables) -> None:
    ledger = made.ledger()
    ledger.open_tenant_account(ACME, credit_nano_usd=10_000)
    hold, answers = reserve(ledger), []

    def story() -> None:
        answers.append(finish(ledger, hold, cost=400))

    Faults({1: "answer lost once"}).play(made.client, story)

    assert answers == [False], "the second attempt finds it settled, which is success"
    assert audit(ledger, swept=True).violations == ()
