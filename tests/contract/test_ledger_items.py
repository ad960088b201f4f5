"""The items the ledger writes: their size, their counters, and that no fraction gets in."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.item_size import item_size
from tests.support.ledger_steps import ACCOUNT, Ledger, finish
from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from tests.support.ledger_values import (
    ACME,
    NOON_MS,
    make_hold,
    make_record,
    make_reservation,
    new_id,
)
from weir.adapters.dynamodb.account_items import decode_hold
from weir.adapters.dynamodb.counters import StaleCounters
from weir.adapters.dynamodb.schema import MalformedItemError, held_id, integer
from weir.domain.accounts import Account, AccountId, tenant_account
from weir.domain.generations import new_generation_id
from weir.domain.holds import Level
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId
from weir.domain.usage import Usage
from weir.services.audit import audit

MINUTE_MS = 60_000
DAY_MS = 86_400_000
ONE_WRITE_UNIT = 1024


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made_client:
        yield made_client


@pytest.fixture
def made(client: Any) -> Tables:
    return new_tables(client)


def request(found: Tables, *, now_ms: int, settled_ms: int | None = None) -> Account:
    ledger, reservation = found.ledger(), make_reservation(now_ms=now_ms)
    account = ledger.reserve(ACCOUNT, reservation=reservation)
    if settled_ms is not None:
        finish(ledger, reservation.hold, cost=400, now_ms=settled_ms)
    return account


def busy_days(ledger: Ledger, tenant_id: TenantId) -> None:
    """Spend on the day that is folded, and on two that are not yet."""
    account_id = tenant_account(tenant_id)
    for day, cost in enumerate((123_456_789_012, 1_234_567_891, 1_234_567_891)):
        now_ms = NOON_MS + (day - 1) * DAY_MS
        hold = make_hold(now_ms=now_ms)
        ledger.reserve(account_id, reservation=make_reservation(hold, now_ms=now_ms))
        price = NanoUsd(cost)
        ledger.settle(account_id, hold=hold, price_nano_usd=price, now_ms=now_ms + DAY_MS)
    account = ledger.account(account_id)
    assert ledger.fold(account, day="261117", now_ms=NOON_MS + DAY_MS // 2)


def test_account_fits_one_write_unit_when_eight_requests_are_checkpointed(made: Tables) -> None:
    ledger, tenant_id = made.ledger(), TenantId("acme-production")
    account_id = tenant_account(tenant_id)
    limits = AccountLimits(
        requests_per_minute=6_000,
        tokens_per_minute=2_000_000,
        in_flight=64,
        spend_nano_usd=NanoUsd(5_000_000_000_000),
    )
    ledger.open_tenant_account(tenant_id, credit_nano_usd=2_345_678_901_234, limits=limits)
    busy_days(ledger, tenant_id)
    for place in range(8):
        # Two a minute: as many minutes as are kept, on both sides of midnight.
        now_ms = NOON_MS + DAY_MS // 2 - 2 * MINUTE_MS + (place // 2) * MINUTE_MS
        random = bytes([255 - place]) * 14
        hold = make_hold(
            generation_id=new_generation_id(now_ms=now_ms, lane=0, random=random),
            estimate=987_654_321,
            model="mistralai/devstral-small",
            levels=frozenset({Level.KEY}),
        )
        ledger.reserve(
            account_id, reservation=make_reservation(hold, now_ms=now_ms, tokens=123_456)
        )
        upstream = str(new_generation_id(now_ms=now_ms + 12_000, lane=61, random=random))
        ledger.checkpoint(tenant_id, hold=hold, upstream_generation_id=upstream)

    (item,) = made.items(made.accounts)

    assert len(item["holds"]["M"]) == 8
    assert item_size(item) <= ONE_WRITE_UNIT


def test_usage_record_fits_one_write_unit_when_every_field_is_long(made: Tables) -> None:
    tenant_id = TenantId("t" * 64)
    hold = make_hold(model="m" * 128, upstream_generation_id="gen-1795003203-AbCdEfGhIjKlMnOpQrSt")
    million = 10**6 - 1
    record = make_record(
        hold,
        tenant_id=tenant_id,
        usage=Usage(
            cost_nano_usd=NanoUsd(10**12 - 1),
            prompt_tokens=million,
            completion_tokens=million,
            reasoning_tokens=million,
            cached_tokens=million,
        ),
        provider="p" * 64,
        finish_reason="content_filter",
        streamed=True,
        http_status=200,
        latency_ms=899_999,
        generation_ms=899_999,
        price_nano_usd=NanoUsd(10**12 + 1),
        plan_version=999,
        end_user="u" * 64,
        levels=frozenset(Level),
        adjusts=new_id(),
        adjusted_by=new_id(),
    )

    made.ledger().record(record)

    (item,) = made.items(made.usage)
    assert item_size(item) <= ONE_WRITE_UNIT


def test_minute_counters_are_removed_when_their_minute_is_over(made: Tables) -> None:
    made.ledger().open_tenant_account(ACME, credit_nano_usd=10**9)
    for place in range(5):
        # A pause of any length: nobody could guess the minute of the request before.
        now_ms = NOON_MS + place**3 * 7 * MINUTE_MS
        request(made, now_ms=now_ms, settled_ms=now_ms + 1_000)

    (account,) = made.ledger().accounts()

    assert list(account.requests_by_minute) == [(NOON_MS + 64 * 7 * MINUTE_MS) // MINUTE_MS]
    assert account.requests_by_minute.keys() == account.tokens_by_minute.keys()
    assert audit(made.ledger(), swept=True).violations == ()


def test_minute_counters_of_crashed_requests_go_when_the_next_one_settles(made: Tables) -> None:
    made.ledger().open_tenant_account(ACME, credit_nano_usd=10**9)
    for place in range(4):
        request(made, now_ms=NOON_MS + place * 10 * MINUTE_MS)
    now_ms = NOON_MS + 99 * MINUTE_MS

    before = request(made, now_ms=now_ms, settled_ms=now_ms)

    (after,) = made.ledger().accounts()
    assert len(before.requests_by_minute) == 5
    assert list(after.requests_by_minute) == [now_ms // MINUTE_MS]


def test_minute_counters_stay_when_another_clock_may_still_be_in_that_minute(
    made: Tables,
) -> None:
    made.ledger().open_tenant_account(ACME, credit_nano_usd=10**9)
    slowest_ms, fastest_ms = NOON_MS, NOON_MS + 180_000

    request(made, now_ms=slowest_ms, settled_ms=fastest_ms)

    (account,) = made.ledger().accounts()
    assert account.requests_by_minute == {NOON_MS // MINUTE_MS: 1}


def test_memory_of_minutes_is_bounded_when_a_process_serves_many_tenants(made: Tables) -> None:
    made.ledger().open_tenant_account(ACME, credit_nano_usd=10**9)
    account, stale = request(made, now_ms=NOON_MS), StaleCounters()

    for place in range(300):
        stale.note(replace(account, account_id=AccountId(f"tenant-{place}")))

    later_ms = NOON_MS + 9 * MINUTE_MS
    forgotten = [
        place
        for place in range(300)
        if not stale.names(AccountId(f"tenant-{place}"), lane=0, now_ms=later_ms)
    ]
    assert forgotten == list(range(44))


@pytest.mark.parametrize("value", ["1.5", "1E+3", "NaN"])
@pytest.mark.parametrize("name", ["avail", "w21Whk", "c261118"])
def test_account_is_refused_when_a_number_is_not_whole(made: Tables, name: str, value: str) -> None:
    ledger = made.ledger()
    ledger.open_tenant_account(ACME, credit_nano_usd=1_000)
    (item,) = made.items(made.accounts)
    # The embedded DynamoDB normalises numbers, so the transport's answer is altered instead.
    answer = {"Items": [{**item, name: {"N": value}}]}
    ledger._db = Answers(answer)

    report = audit(ledger)

    assert len(report.violations) == 1
    assert report.violations[0].startswith(f"I10 {name} of acme#0 is no integer: {value}")


class Answers:
    """A transport with one answer to everything."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer

    def call(self, operation: str, payload: object) -> dict[str, Any]:
        return self.answer

    def pages(self, operation: str, payload: object) -> Iterator[dict[str, Any]]:
        yield self.answer


def test_account_is_refused_when_an_attribute_is_missing(made: Tables) -> None:
    made.ledger().open_tenant_account(ACME, credit_nano_usd=1_000)
    (item,) = made.items(made.accounts)
    made.client.put_item(
        TableName=made.accounts, Item={name: item[name] for name in item if name != "seq"}
    )

    with pytest.raises(MalformedItemError, match="seq of acme#0 is missing"):
        list(made.ledger().accounts())


@pytest.mark.parametrize(
    "encoded", ["", "m12;k;;m", "m1.5.2;k;;;m", "12;k;;;m", "mx12;k;;;m", "m12.;k;;;m"]
)
def test_hold_is_refused_when_its_text_is_unreadable(encoded: str) -> None:
    with pytest.raises(MalformedItemError, match="unreadable"):
        decode_hold(make_hold().generation_id, encoded)


@pytest.mark.parametrize("value", [1.0, True, "1", None])
def test_number_is_refused_when_it_is_no_int(value: object) -> None:
    with pytest.raises(TypeError, match="not an integer"):
        integer(value)  # type: ignore[arg-type]  # the point of the test


def test_price_takes_no_room_when_it_equals_the_cost(made: Tables) -> None:
    hold = make_hold()

    made.ledger().record(make_record(hold, cost=400))

    (item,) = made.items(made.usage)
    assert not item.keys() & {"p", "v", "u", "l", "a", "aj"}


@pytest.mark.parametrize("name", ["", "1sT9", "1sT9Kx" + "é" * 21, "@@@@@@" + "0" * 20])
def test_hold_is_refused_when_its_name_is_none(name: str) -> None:
    with pytest.raises(ValueError):
        held_id(name)


def test_grant_is_kept_under_a_digest_of_its_reference_when_it_was_added(made: Tables) -> None:
    ledger = made.ledger()
    ledger.open_tenant_account(ACME, credit_nano_usd=0)

    ledger.grant(ACME, amount_nano_usd=500, reference="pi_1", lanes=1, now_ms=NOON_MS)

    (row, _) = sorted(made.items(made.control), key=lambda item: str(item["sk"]))
    assert (row["pk"], row["ref"]) == ({"S": "T#acme"}, {"S": "pi_1"})
    assert (row["amt"], row["at"]) == ({"N": "500"}, {"N": str(NOON_MS)})
    assert re.fullmatch("GRANT#[0-9a-f]{64}", row["sk"]["S"])


def test_proof_of_a_transfer_expires_when_a_day_has_passed(made: Tables) -> None:
    ledger = made.ledger()
    ledger.open_tenant_account(ACME, credit_nano_usd=2_000, lanes=2)

    ledger.transfer(ACME, transfer_id="x", source=0, target=1, amount=NanoUsd(1))

    (proof,) = made.items(made.ephemeral)
    assert proof == {"pk": {"S": "MOVE#acme#x"}, "ttl": {"N": str(NOON_MS // 1_000 + 86_400)}}


@pytest.mark.parametrize("lanes", [0, 97])
def test_account_is_refused_when_its_lanes_are_out_of_range(made: Tables, lanes: int) -> None:
    with pytest.raises(ValueError, match="lanes"):
        made.ledger().open_tenant_account(ACME, credit_nano_usd=1, lanes=lanes)
