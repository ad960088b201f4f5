"""The worked example: Weir's usage events arrive in OpenMeter, each counted once."""

import importlib.util
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws
from samtranslator.yaml_helper import yaml_parse
from typing_extensions import override

from tests.support.honest_books import make_row
from weir.adapters.events import SOURCE
from weir.domain.events import usage_recorded
from weir.domain.usage import RecordStatus, UsageRecord

FOLDER = Path(__file__).parents[2] / "docs/examples/metering"


class OpenMeter(ThreadingHTTPServer):
    """Takes CloudEvents, one per source and id; answers the statuses it is told, then 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Ingest)
        self.events: dict[tuple[str, str], dict[str, Any]] = {}
        self.statuses: list[int] = []
        self.calls = 0
        self.authorizations: set[str | None] = set()
        self.refused_subject = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, events: list[dict[str, Any]]) -> int:
        self.calls += 1
        status = self.statuses.pop(0) if self.statuses else 204
        if any(event["subject"] == self.refused_subject for event in events):
            return 400
        # An answer that is lost on its way back: the events were taken all the same.
        if status in {204, 504}:
            for event in events:
                self.events.setdefault((event["source"], event["id"]), event)
        return status

    def total(self, name: str) -> int:
        return sum(event["data"][name] for event in self.events.values())


class _Ingest(BaseHTTPRequestHandler):
    server: OpenMeter

    def do_POST(self) -> None:
        assert self.path == "/api/v1/events"
        assert self.headers["Content-Type"] == "application/cloudevents-batch+json"
        self.server.authorizations.add(self.headers["Authorization"])
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.take(json.loads(body)))
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def openmeter() -> Iterator[OpenMeter]:
    with OpenMeter() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def feeder(openmeter: OpenMeter, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("OPENMETER_URL", openmeter.url)
    monkeypatch.setenv("OPENMETER_SECRET_ID", "")
    spec = importlib.util.spec_from_file_location("feeder", FOLDER / "feeder/handler.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def batch(*rows: UsageRecord) -> dict[str, Any]:
    """Usage events as they lie in the queue behind the rule."""
    bodies = [
        {
            "version": "0",
            "id": f"{n}",
            "detail-type": event.detail_type,
            "source": SOURCE,
            "detail": event.detail,
        }
        for n, event in enumerate(usage_recorded(row) for row in rows)
    ]
    return {"Records": [{"messageId": body["id"], "body": json.dumps(body)} for body in bodies]}


def failures(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_events_are_counted_once_when_they_are_delivered_again(
    openmeter: OpenMeter, feeder: ModuleType
) -> None:
    rows = [make_row(price=n) for n in (1, 20, 300)]

    for delivered in (rows, rows[:2], [rows[2], rows[2]], rows[::-1]):
        assert not failures(feeder.lambda_handler(batch(*delivered), None))

    assert openmeter.total("price_nano_usd") == 321
    assert openmeter.total("requests") == 3
    assert {event["subject"] for event in openmeter.events.values()} == {"acme"}
    assert {event["time"] for event in openmeter.events.values()} == {"2026-11-18T12:00:00Z"}


@pytest.mark.parametrize("status", [401, 429, 500, 503, 504])
def test_events_go_back_to_the_queue_when_openmeter_fails(
    openmeter: OpenMeter, feeder: ModuleType, status: int
) -> None:
    rows = [make_row(price=n) for n in (1, 20)]
    openmeter.statuses = [status]

    assert failures(feeder.lambda_handler(batch(*rows), None)) == ["0", "1"]
    assert openmeter.calls == 1
    assert not failures(feeder.lambda_handler(batch(*rows), None))
    assert openmeter.total("price_nano_usd") == 21


def test_events_go_back_to_the_queue_when_openmeter_cannot_be_reached(
    openmeter: OpenMeter, feeder: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENMETER_URL", "http://127.0.0.1:9")

    assert failures(feeder.lambda_handler(batch(make_row()), None)) == ["0"]


def test_only_the_event_that_is_refused_goes_back(openmeter: OpenMeter, feeder: ModuleType) -> None:
    rows = [make_row(price=1), make_row(price=20, tenant_id="unknown"), make_row(price=300)]
    openmeter.refused_subject = "unknown"

    assert failures(feeder.lambda_handler(batch(*rows), None)) == ["1"]
    assert openmeter.total("price_nano_usd") == 301


def test_adjustment_counts_money_and_no_request(openmeter: OpenMeter, feeder: ModuleType) -> None:
    unknown = make_row(price=0, status=RecordStatus.UNKNOWN)
    found = make_row(price=70, status=RecordStatus.ADJUSTMENT, adjusts=unknown.generation_id)

    feeder.lambda_handler(batch(unknown, found), None)

    assert (openmeter.total("requests"), openmeter.total("price_nano_usd")) == (1, 70)


def test_api_key_comes_from_the_secret(
    openmeter: OpenMeter, feeder: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("OPENMETER_SECRET_ID", "openmeter")
    with mock_aws():
        secrets = boto3.client("secretsmanager")
        secrets.create_secret(Name="openmeter", SecretString="om_key\n")
        secrets.close()
        feeder._authorization()

    feeder.lambda_handler(batch(make_row()), None)

    assert openmeter.authorizations == {"Bearer om_key"}


def test_rule_matches_the_events_that_are_published() -> None:
    text = (FOLDER / "template.yaml").read_text(encoding="utf-8")
    (pattern,) = (line for line in text.splitlines() if "EventPattern" in line)
    event = usage_recorded(make_row())

    assert yaml_parse(pattern)["EventPattern"] == {
        "source": [SOURCE],
        "detail-type": [event.detail_type],
    }
