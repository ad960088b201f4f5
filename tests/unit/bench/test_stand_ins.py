"""The stand-ins must answer as the real services do, or the bench measures another program."""

import json
from collections.abc import Iterator
from decimal import Decimal

from bench import events, upstream
from bench.aws_stub import CannedTables
from bench.packages import pinned_packages
from bench.tenant import ACCOUNTS_TABLE, API_KEY, CONTROL_TABLE, TENANT, USAGE_TABLE
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.dynamodb.wire import Item, Payload
from weir.adapters.upstream.catalogue import parse_price
from weir.domain.accounts import tenant_account
from weir.domain.api_keys import is_well_formed, key_hash
from weir.domain.generations import new_generation_id
from weir.domain.holds import Hold, Reservation
from weir.domain.money import NanoUsd
from weir.http.body_translation import BodyTranslation
from weir.http.stream_translation import StreamTranslation

NOW_MS = 1_763_812_345_000
GENERATION_ID = new_generation_id(now_ms=NOW_MS, lane=0, random=bytes(14))


class CannedDynamoDB:
    def __init__(self) -> None:
        self._tables = CannedTables()

    def call(self, operation: str, payload: Payload) -> Item:
        answer = self._tables.answer(operation, dict(payload))
        parsed: Item = json.loads(json.dumps(answer))
        return parsed

    def pages(self, operation: str, payload: Payload) -> Iterator[Item]:
        yield self.call(operation, payload)


def test_the_key_of_the_bench_is_found_with_its_tenant() -> None:
    keys = DynamoDBKeys(CannedDynamoDB(), control_table=CONTROL_TABLE)

    found = keys.find(key_hash(API_KEY))

    assert is_well_formed(API_KEY)
    assert found is not None
    assert found.tenant == TENANT


def test_a_reserve_gets_the_account_with_its_hold() -> None:
    ledger = DynamoDBLedger(
        CannedDynamoDB(), accounts_table=ACCOUNTS_TABLE, usage_table=USAGE_TABLE
    )
    hold = Hold(
        generation_id=GENERATION_ID,
        estimate_nano_usd=NanoUsd(5_000),
        key_id="01234567",
        model="bench/n1-d0",
    )

    account = ledger.reserve(
        tenant_account(TENANT.tenant_id),
        reservation=Reservation(hold=hold, tokens=300, now_ms=NOW_MS),
    )

    assert account.holds == {GENERATION_ID: hold}
    assert account.credit_nano_usd - account.available_nano_usd == 5_000
    assert account.requests_by_minute == {NOW_MS // 60_000: 1}
    assert account.tokens_by_minute == {NOW_MS // 60_000: 300}


def test_the_catalogue_has_a_price_for_the_models_of_the_bench() -> None:
    entry = upstream.catalogue_entry("/api/v1/model/bench/n1-d0")

    price = parse_price(entry)

    assert entry["id"] == "bench/n1-d0"
    assert price is not None
    assert price.completion_pico_usd == 600_000


def test_a_plain_answer_is_billed() -> None:
    translation = BodyTranslation(GENERATION_ID)

    translation.feed(upstream.plain_answer("bench/n1-d0"))
    translation.end()

    assert translation.reading.usage is not None
    assert translation.reading.usage.cost_nano_usd == int(Decimal("0.00123") * 10**9)


def test_a_chunk_is_one_event_of_a_chat_stream() -> None:
    translation = StreamTranslation(GENERATION_ID)

    sent = translation.feed(upstream.chunk_event("bench/n1-d0", "hello"))

    assert b'"content":"hello"' in sent
    assert translation.reading.upstream_generation_id == upstream.GENERATION_ID


def test_every_event_names_model_and_mode_where_the_stand_in_looks() -> None:
    streamed = json.loads(events.streamed(chunks=7, delay_ms=1))["body"]
    large = json.loads(events.large())["body"]

    assert '"model": "bench/n7-d1", "stream": true' in streamed[:256]
    assert '"model": "bench/n1-d0"' in large[:256]
    assert len(large) > 2_000_000


def test_the_package_is_what_the_layers_pin() -> None:
    assert {"requests", "awslambdaric", "aws-lambda-powertools"} <= pinned_packages()
    assert "boto3" not in pinned_packages()
