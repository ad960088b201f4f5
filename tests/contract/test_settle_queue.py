"""The settle queue: what goes in on one side comes out on the other, to the nano-dollar."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from tests.support.ledger_tables import REGION
from tests.support.ledger_values import make_hold, make_record, new_id
from weir.adapters.settle_messages import MalformedMessageError, decode_record, encode_record
from weir.adapters.settle_queue import SqsSettleQueue
from weir.domain.errors import StoreUnavailableError
from weir.domain.holds import Level
from weir.domain.money import NanoUsd
from weir.domain.usage import RecordSource, RecordStatus, Usage, UsageRecord

PLAIN = make_record(make_hold())
FULL = make_record(
    make_hold(
        levels=frozenset({Level.KEY, Level.END_USER}), end_user="Zoë;\u2028😀", plan_version=7
    ),
    status=RecordStatus.CANCELLED,
    source=RecordSource.REQUEST,
    usage=Usage(
        cost_nano_usd=NanoUsd(2**53 + 1),
        prompt_tokens=1,
        completion_tokens=2,
        reasoning_tokens=3,
        cached_tokens=4,
    ),
    price_nano_usd=NanoUsd(10**18 - 1),
    adjusts=new_id(),
    adjusted_by=new_id(),
    upstream_generation_id="gen-up",
    provider="Maker",
    finish_reason="stop",
    streamed=False,
    http_status=499,
    latency_ms=0,
    generation_ms=12,
)
LARGEST = replace(
    FULL, model="é" * 256, provider="é" * 256, finish_reason="é" * 256, end_user="é" * 256
)
MAX_MESSAGE_BYTES = 256 * 1024


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        made = boto3.client(
            "sqs", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
        )
        yield made
        made.close()


@pytest.fixture
def url(client: Any) -> str:
    return str(client.create_queue(QueueName="settle")["QueueUrl"])


def changed(record: UsageRecord, changes: Mapping[str, object]) -> str:
    content = json.loads(encode_record(record))
    content["record"] |= changes
    return json.dumps(content)


@pytest.mark.parametrize("record", [PLAIN, FULL, LARGEST], ids=["plain", "full", "largest"])
def test_a_record_comes_out_as_it_went_in(client: Any, url: str, record: UsageRecord) -> None:
    SqsSettleQueue(lambda: client, queue_url=url).put(record)

    (message,) = client.receive_message(QueueUrl=url)["Messages"]
    assert decode_record(message["Body"]) == record
    assert len(message["Body"].encode()) < MAX_MESSAGE_BYTES


def test_one_client_is_made_when_the_first_record_comes(client: Any, url: str) -> None:
    made = iter([client])
    queue = SqsSettleQueue(lambda: next(made), queue_url=url)

    queue.put(PLAIN)
    queue.put(PLAIN)

    assert next(made, None) is None


def test_an_error_is_raised_when_sqs_refuses(client: Any, url: str) -> None:
    with pytest.raises(StoreUnavailableError):
        SqsSettleQueue(lambda: client, queue_url=f"{url}-gone").put(PLAIN)


def test_an_error_is_raised_when_sqs_cannot_be_reached(
    client: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(**_named: object) -> None:
        raise EndpointConnectionError(endpoint_url=url)

    monkeypatch.setattr(client, "send_message", unreachable)

    with pytest.raises(StoreUnavailableError):
        SqsSettleQueue(lambda: client, queue_url=url).put(PLAIN)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "hello",
        "[]",
        "1",
        "{}",
        encode_record(PLAIN).replace('"version":1', '"version":2'),
        json.dumps({"version": 1, "record": []}),
        json.dumps({"version": 1, "record": {}}),
        changed(PLAIN, {"usage": {"cost_nano_usd": 1.0}}),
        changed(PLAIN, {"usage": {"cost_nano_usd": True}}),
        changed(PLAIN, {"usage": {"cost_nano_usd": "1"}}),
        changed(PLAIN, {"usage": {}}),
        changed(PLAIN, {"usage": {"cost_nano_usd": 1, "tips": 2}}),
        changed(PLAIN, {"price_nano_usd": None}),
        changed(PLAIN, {"status": "paid"}),
        changed(PLAIN, {"levels": ["x"]}),
        changed(PLAIN, {"levels": 1}),
        changed(PLAIN, {"streamed": 1}),
        changed(PLAIN, {"tenant_id": 1}),
        changed(PLAIN, {"generation_id": "gen-1"}),
        changed(PLAIN, {"prompt": "hello"}),
    ],
)
def test_a_message_that_is_no_record_is_refused(message: str) -> None:
    with pytest.raises(MalformedMessageError, match="no usage record of version 1"):
        decode_record(message)
