"""The files in events/ are what the deployed routes, queues, streams and rules would send."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from local.queue_pump import queue_record
from local.stream_events import stream_record
from tests.support import template as views
from weir.adapters.dynamodb.usage_queries import arrivals
from weir.adapters.settle_messages import decode_record
from weir.domain import generations
from weir.domain.api_keys import is_well_formed
from weir.domain.tenants import is_tenant_id
from weir.http.events import bearer, body_bytes
from weir.http.tenant_wishes import read_new_tenant

FOLDER = views.ROOT / "events"
CHAT_EVENTS = sorted(FOLDER.glob("chat_completions*.json"))
TEXT_EVENTS = sorted(FOLDER.glob("completions*.json"))
TENANT_EVENT = FOLDER / "create_tenant.json"
ROUTE_EVENTS = [*CHAT_EVENTS, *TEXT_EVENTS, FOLDER / "cancel_generation.json", TENANT_EVENT]
OTHERS = ("reconcile", "rollup", "settle", "sweep")
each_route_event = pytest.mark.parametrize("file", ROUTE_EVENTS, ids=lambda file: file.stem)


def test_every_event_is_covered_here() -> None:
    assert [file.stem for file in CHAT_EVENTS] == ["chat_completions", "chat_completions_stream"]
    assert [file.stem for file in TEXT_EVENTS] == ["completions", "completions_stream"]
    assert {file.stem for file in FOLDER.iterdir()} == {
        *(file.stem for file in ROUTE_EVENTS),
        *OTHERS,
    }


@each_route_event
def test_event_is_for_a_deployed_route(file: Path) -> None:
    event = _read(file)

    integration = views.route(
        views.deployed(), path=event["resource"], method=event["httpMethod"].lower()
    )
    assert integration["type"] == "aws_proxy"
    assert event["requestContext"]["path"] == f"/{event['requestContext']['stage']}{event['path']}"
    assert event["path"] == event["resource"].format(**event["pathParameters"] or {})
    assert is_well_formed(bearer(event) or "") or file == TENANT_EVENT


@pytest.mark.parametrize("file", [*CHAT_EVENTS, *TEXT_EVENTS], ids=lambda file: file.stem)
def test_chat_event_carries_a_well_formed_request(file: Path) -> None:
    request = json.loads(body_bytes(_read(file)))

    assert request["messages" if file in CHAT_EVENTS else "prompt"]
    assert request.get("stream", False) is file.stem.endswith("_stream")


def test_tenant_event_carries_a_new_tenant_and_a_key_of_nobody() -> None:
    event = _read(TENANT_EVENT)

    tenant_id, wish = read_new_tenant(event)
    assert is_tenant_id(tenant_id)
    assert wish.limits
    assert bearer(event) == "sk-weir-operator-" + "0" * 64


def test_cancel_event_names_a_generation() -> None:
    event = _read(FOLDER / "cancel_generation.json")

    assert generations.is_well_formed(event["pathParameters"]["id"])


def test_settle_event_has_what_sqs_sends_and_carries_a_usage_record() -> None:
    (record,) = _read(FOLDER / "settle.json")["Records"]
    received = {
        "MessageId": record["messageId"],
        "ReceiptHandle": record["receiptHandle"],
        "Body": record["body"],
        "MD5OfBody": hashlib.md5(record["body"].encode()).hexdigest(),
        "Attributes": record["attributes"],
    }

    assert record == queue_record(received, arn=record["eventSourceARN"])
    assert generations.is_well_formed(decode_record(record["body"]).generation_id)


def test_rollup_event_has_what_a_stream_sends_and_carries_a_usage_record() -> None:
    event = _read(FOLDER / "rollup.json")
    (record,) = event["Records"]

    assert record == stream_record(record, arn=record["eventSourceARN"])
    (arrival,) = arrivals(event)
    assert arrival.record is not None
    assert record["dynamodb"]["Keys"]["sk"] == {"S": arrival.record.generation_id}


@pytest.mark.parametrize("function", ["reconcile", "sweep"])
def test_scheduled_event_is_of_the_functions_own_rule(function: str) -> None:
    event = _read(FOLDER / f"{function}.json")

    rules = views.of_type(views.deployed(), "AWS::Events::Rule")
    (rule,) = (name for name in rules if name.lower().startswith(function))
    assert event["detail-type"] == "Scheduled Event"
    assert event["resources"][0].endswith(f":rule/weir-{rule}")


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
