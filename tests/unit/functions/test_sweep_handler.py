"""The sweep function tells what it did, whatever happens to it afterwards."""

import importlib
import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest

from weir.domain.errors import StoreUnavailableError
from weir.services.sweep import SweepReport

HANDLER = "functions.sweep.handler"
ENVIRONMENT = {
    "ACCOUNTS_TABLE": "accounts",
    "USAGE_TABLE": "usage",
    "CONTROL_TABLE": "control",
    "EPHEMERAL_TABLE": "ephemeral",
    "UPSTREAM_BASE_URL": "https://upstream.test/api/v1",
    "UPSTREAM_SECRET_ID": "secret",
    "CHAT_TIMEOUT_S": "900",
    "SWEEP_MARGIN_S": "60",
    "POWERTOOLS_METRICS_NAMESPACE": "Weir",
}
REPORT = SweepReport(settled=3, unknown=2, postponed=1, failed=0)


class Swept:
    def sweep(self, **_: object) -> SweepReport:
        return REPORT


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    service = {"POWERTOOLS_SERVICE_NAME": f"sweep-{uuid4()}"}
    with (
        patch.dict("os.environ", {**ENVIRONMENT, **service}),
        patch("weir.observability.structured_logger"),
    ):
        sys.modules.pop(HANDLER, None)
        module = importlib.import_module(HANDLER)
        monkeypatch.setattr(module, "sweeping", Swept())
        yield module
        sys.modules.pop(HANDLER, None)


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for line in capsys.readouterr().out.splitlines():
        figures |= json.loads(line)
    return figures


def test_an_unknown_cost_is_told_when_the_lanes_cannot_be_evened_out(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_args: object, **_named: object) -> int:
        raise StoreUnavailableError("a lane is busy")

    monkeypatch.setattr(handler, "rebalance", fail)

    with pytest.raises(StoreUnavailableError):
        handler.lambda_handler({}, None)

    assert told(capsys)["UnknownCost"] == [2.0]


def test_every_count_is_told_and_returned(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(handler, "rebalance", lambda *_args, **_named: 4)

    counts = handler.lambda_handler({}, None)

    assert counts == {"settled": 3, "unknown": 2, "postponed": 1, "failed": 0, "rebalanced": 4}
    figures = told(capsys)
    assert (figures["Swept"], figures["Postponed"], figures["Rebalanced"]) == ([3.0], [1.0], [4.0])
