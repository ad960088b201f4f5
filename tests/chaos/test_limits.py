"""Limits and budgets are exact when 64 processes ask at once, on a DynamoDB that runs them so."""

import random
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.support.ledger_tables import Tables
from tests.support.ledger_values import ACME, make_hold, make_record, make_reservation
from tests.support.storm_processes import Site, site
from tests.support.storm_requests import (
    ESTIMATE,
    TOKENS,
    Refused,
    Sandbox,
    Tally,
    key_of,
    open_key_account,
    tally,
    tenant,
)
from weir.domain.accounts import end_user_account, key_account, tenant_account
from weir.domain.api_keys import ApiKey
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.services.admit import Admitted
from weir.services.audit import audit
from weir.services.settlement import settle_record

pytestmark = pytest.mark.chaos

SANDBOXES, PLACES = 64, 10
PLENTY = 10**12
SPEND = NanoUsd(PLACES * ESTIMATE)


@pytest.fixture
def place() -> Iterator[Site]:
    with site() as opened:
        yield opened


def storm(
    place: Site,
    key: ApiKey,
    *,
    what: str,
    sandboxes: int = SANDBOXES,
    end_user: str | None = None,
) -> Tally:
    """Let every sandbox ask once, all at once; print and return what they were told."""

    def ask(lane: int, tables: Tables) -> Admitted | Refused:
        return Sandbox(tables, key, lane=lane).admit(end_user=end_user)

    began = time.monotonic()
    told = tally(place.at_once([partial(ask, lane) for lane in range(sandboxes)]))
    print(f"\n{what}: {sandboxes} processes: {told}; {time.monotonic() - began:.1f} s")
    return told


def assert_sound(place: Site) -> None:
    ledger = place.tables.ledger()
    assert audit(ledger, limits_unchanged=True).violations == ()


def settle_all(place: Site, key: ApiKey, told: Tally) -> None:
    """End every admitted request, at once again."""

    def finish(admitted: Admitted, tables: Tables) -> None:
        Sandbox(tables, key).finish(admitted)

    place.at_once([partial(finish, admitted) for admitted in told.admitted])


def test_credit_for_ten_admits_ten(place: Site) -> None:
    key = key_of(tenant())
    place.tables.ledger().open_tenant_account(ACME, credit_nano_usd=SPEND)

    told = storm(place, key, what="credit for 10")

    assert len(told.admitted) == PLACES
    assert set(told.refused) == {Refused(402, "openrouter_in_flight_budget")}
    settle_all(place, key, told)
    assert place.tables.ledger().account(ACME).available_nano_usd == 0
    assert_sound(place)


@pytest.mark.parametrize(
    ("limits", "admitted"),
    [
        (AccountLimits(requests_per_minute=PLACES), PLACES),
        # The request that passes the limit is admitted, because only what was before it counts.
        (AccountLimits(tokens_per_minute=PLACES * TOKENS), PLACES),
        (AccountLimits(tokens_per_minute=PLACES * TOKENS + 1), PLACES + 1),
        (AccountLimits(tokens_per_minute=PLACES * TOKENS - TOKENS + 1), PLACES),
        (AccountLimits(in_flight=PLACES), PLACES),
    ],
    ids=["requests", "tokens", "tokens-over", "tokens-under", "in-flight"],
)
def test_rate_limit_admits_exactly_its_number(
    place: Site, request: pytest.FixtureRequest, limits: AccountLimits, admitted: int
) -> None:
    key = key_of(tenant())
    place.tables.ledger().open_tenant_account(ACME, credit_nano_usd=PLENTY, limits=limits)

    told = storm(place, key, what=request.node.callspec.id)

    assert len(told.admitted) == admitted
    assert {why.status for why in told.refused} == {429}
    assert_sound(place)
    settle_all(place, key, told)
    again = storm(place, key, what="after all have ended", sandboxes=16)
    assert len(again.admitted) == (PLACES if limits.in_flight == PLACES else 0)
    assert_sound(place)


@pytest.mark.parametrize(
    "limits",
    [
        AccountLimits(spend_nano_usd=SPEND, period=LimitPeriod.DAILY),
        AccountLimits(requests_per_minute=PLACES),
        AccountLimits(in_flight=PLACES),
    ],
    ids=["spend", "requests", "in-flight"],
)
def test_tenant_keeps_no_hold_of_what_its_key_refuses(
    place: Site, request: pytest.FixtureRequest, limits: AccountLimits
) -> None:
    key = key_of(tenant(), limits=limits)
    place.tables.ledger().open_tenant_account(ACME, credit_nano_usd=PLENTY)
    open_key_account(place.tables, key, limits=limits)

    told = storm(place, key, what=f"limit of a key: {request.node.callspec.id}")

    assert len(told.admitted) == PLACES
    ledger = place.tables.ledger()
    own = ledger.account(tenant_account(ACME))
    below = ledger.account(key_account(ACME, key.key_id))
    assert own.holds.keys() == below.holds.keys()
    assert (own.in_flight, own.sequence) == (below.in_flight, below.sequence) == (PLACES, PLACES)
    assert [*own.requests_by_minute.values()] == [PLACES]
    assert [*own.tokens_by_minute.values()] == [PLACES * TOKENS]
    assert_sound(place)


def test_end_users_account_is_opened_once_and_admits_ten(place: Site) -> None:
    limits = AccountLimits(spend_nano_usd=SPEND, period=LimitPeriod.WEEKLY)
    key = key_of(tenant(end_user_limits=limits))
    place.tables.ledger().open_tenant_account(ACME, credit_nano_usd=PLENTY)

    told = storm(place, key, end_user="ann", what="end user without an account yet")

    assert len(told.admitted) == PLACES
    ledger = place.tables.ledger()
    assert ledger.account(end_user_account(ACME, "ann")).in_flight == PLACES
    assert ledger.account(tenant_account(ACME)).in_flight == PLACES
    settle_all(place, key, told)
    assert_sound(place)


def test_lanes_admit_ten_in_all_when_each_sandbox_starts_anywhere(place: Site) -> None:
    key = key_of(tenant(lanes=4))
    for lane, places in enumerate((4, 3, 2, 1)):
        place.tables.ledger().open_lane(ACME, credit_nano_usd=places * ESTIMATE, lane=lane)

    told = storm(place, key, what="4 lanes with credit for 4 + 3 + 2 + 1")

    assert len(told.admitted) == PLACES
    lanes = list(place.tables.ledger().accounts())
    assert sorted(lane.in_flight for lane in lanes) == [1, 2, 3, 4]
    assert_sound(place)


def test_credit_is_spent_to_its_end_and_never_over_it_when_requests_come_and_go(
    place: Site,
) -> None:
    key, credit = key_of(tenant()), 200 * ESTIMATE + 1
    place.tables.ledger().open_tenant_account(ACME, credit_nano_usd=credit)

    def work(seed: int, tables: Tables) -> int:
        """Ask and end until nothing is left that a request in flight could give back."""
        sandbox, chance, done = Sandbox(tables, key), random.Random(seed), 0
        while True:
            told = sandbox.admit()
            if isinstance(told, Admitted):
                sandbox.finish(told, cost=chance.randint(ESTIMATE // 2, ESTIMATE))
                done += 1
            elif told == Refused(402, "openrouter_credits"):
                return done

    began = time.monotonic()
    done = place.at_once([partial(work, seed) for seed in range(16)])

    account = place.tables.ledger().account(ACME)
    left = account.available_nano_usd
    seconds = time.monotonic() - began
    print(f"\n16 processes: {sum(done)} requests spent {credit} but {left}; {seconds:.1f} s")
    assert 0 <= left < ESTIMATE
    assert account.sequence == sum(done) == len(list(place.tables.ledger().records()))
    assert_sound(place)


def test_one_request_in_eight_processes_has_one_hold_and_one_record(place: Site) -> None:
    hold = make_hold(estimate=ESTIMATE)
    place.tables.ledger().open_tenant_account(ACME, credit_nano_usd=PLENTY)

    def reserve(tables: Tables) -> int:
        return (
            tables.ledger()
            .reserve(tenant_account(ACME), reservation=make_reservation(hold))
            .in_flight
        )

    def finish(cost: int, tables: Tables) -> tuple[bool, int]:
        settled = settle_record(
            tables.ledger(),
            make_record(hold, cost=cost),
            holds={},
            now_ms=make_reservation().now_ms,
        )
        return settled.was_open, settled.record.price_nano_usd

    reserving: list[Callable[[Tables], int]] = [reserve] * 8
    assert place.at_once(reserving) == [1] * 8
    assert place.tables.ledger().account(ACME).sequence == 1
    settled = place.at_once([partial(finish, cost) for cost in range(1, 9)])

    (record,) = place.tables.ledger().records()
    print(f"\none request in 8 processes: settled {settled}, stored {record.price_nano_usd}")
    assert sum(was_open for was_open, _ in settled) == 1
    assert {price for _, price in settled} == {record.price_nano_usd}
    assert place.tables.ledger().account(ACME).spent_nano_usd == record.price_nano_usd
    assert audit(place.tables.ledger(), swept=True).violations == ()
