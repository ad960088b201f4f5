"""The reconcile function itself: an embedded DynamoDB on one side, the simulator on the other."""

import importlib
import json
import logging
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any
from uuid import uuid4

import boto3
import pytest

from local.seed import TableNames, books_over, seed_tenant
from local.simulator import Fault, Simulator
from local.simulator.ledger import LedgerEntry
from tests.support.ledger_tables import REGION, Tables, embedded_dynamodb, new_tables
from tests.support.ledger_values import ACME, NOON_MS, make_hold, make_record, make_reservation
from tests.support.rollup_fakes import create_rollups, rollups_name
from tests.support.simulator_calls import KEY, MANAGEMENT_KEY, chat, running
from weir.adapters.clock import SystemClock
from weir.domain.accounts import tenant_account
from weir.domain.price_plans import PricePlan
from weir.domain.usage import NO_USAGE, RecordSource, RecordStatus, UsageRecord, price
from weir.services.settlement import settle_record

DAY_MS = 86_400_000
PLAN = PricePlan(version=1, multiplier_ppm=1_300_000)
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
    "POWERTOOLS_METRICS_NAMESPACE": "Weir",
    "UPSTREAM_SECRET_ID": "weir/upstream",
    "UPSTREAM_MANAGEMENT_SECRET_ID": "weir/management",
    "CHAT_TIMEOUT_S": "900",
    "SWEEP_MARGIN_S": "60",
}


class Context:
    aws_request_id = "request"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


class Stage:
    """Both sides; it is noon. Tenant `ACME` pays a third more than upstream's cost."""

    def __init__(
        self, tables: Tables, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.now_ms = NOON_MS
        self.simulator = simulator
        self.ledger = tables.ledger()
        names = TableNames(accounts=tables.accounts, usage=tables.usage, control=tables.control)
        books = books_over(tables.db, tables=names, key_prefix="sk-weir-v1-")
        seed_tenant(books, tenant_id=ACME, credit_usd=1, plan=PLAN)
        simulator.ledger.time_s = lambda: self.now_ms / 1_000
        monkeypatch.setattr(SystemClock, "now_ms", lambda _self: self.now_ms)
        self._monkeypatch = monkeypatch
        self._secrets = boto3.client("secretsmanager", region_name=REGION)
        for name in ("weir/upstream", "weir/management"):
            self._secrets.create_secret(Name=name)
        self.store("weir/upstream", KEY)
        environment = {
            **ENVIRONMENT,
            "UPSTREAM_BASE_URL": simulator.url,
            "ACCOUNTS_TABLE": tables.accounts,
            "USAGE_TABLE": tables.usage,
            "CONTROL_TABLE": tables.control,
            "ROLLUPS_TABLE": rollups_name(tables),
            # Powertools keeps one logger a name, with the stdout of its first use.
            "POWERTOOLS_SERVICE_NAME": f"reconcile-{uuid4()}",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    def store(self, secret: str, text: str) -> None:
        self._secrets.put_secret_value(SecretId=secret, SecretString=text)

    def handler(self) -> ModuleType:
        """The function as a cold start makes it."""
        sys.modules.pop("functions.reconcile.handler", None)
        return importlib.import_module("functions.reconcile.handler")

    def invoke(self, event: dict[str, Any] | None = None) -> dict[str, Any]:
        findings: dict[str, Any] = self.handler().lambda_handler(event or {}, Context())
        return findings

    def bill(self, fault: Fault | None = None) -> LedgerEntry:
        """A generation at upstream."""
        if fault:
            self.simulator.faults.push(fault)
        chat(self.simulator)
        return self.simulator.ledger.entries()[-1]

    def spend(self) -> UsageRecord:
        """A request that both sides know."""
        return self._settle(self.bill(), status=RecordStatus.COMPLETED)

    def lose(self, *, known_id: bool = True) -> UsageRecord:
        """A request whose function crashed, and which upstream did not tell the sweep about."""
        entry = self.bill(Fault(name="hidden"))
        return self._settle(entry, status=RecordStatus.UNKNOWN, known_id=known_id)

    def _settle(
        self, entry: LedgerEntry, *, status: RecordStatus, known_id: bool = True
    ) -> UsageRecord:
        hold = make_hold(now_ms=self.now_ms, estimate=10**6, plan_version=PLAN.version)
        reservation = make_reservation(hold, now_ms=self.now_ms)
        held = self.ledger.reserve(tenant_account(ACME), reservation=reservation)
        record = make_record(
            held.holds[hold.generation_id],
            cost=entry.cost_nano_usd,
            status=status,
            source=RecordSource.SWEEP,
            upstream_generation_id=entry.id if known_id else None,
        )
        usage = NO_USAGE if status is RecordStatus.UNKNOWN else record.usage
        owed = price(usage, model=record.model, plan=PLAN)
        record = make_record(
            held.holds[hold.generation_id],
            status=status,
            source=record.source,
            usage=usage,
            price_nano_usd=owed,
            upstream_generation_id=record.upstream_generation_id,
        )
        return settle_record(self.ledger, record, holds={}, now_ms=self.now_ms).record

    @property
    def spent(self) -> int:
        return self.ledger.account(tenant_account(ACME)).spent_nano_usd


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    loggers = [logging.getLogger(name) for name in ("weir", "boto3", "botocore", "urllib3")]
    before = [(logger, logger.handlers, logger.propagate, logger.level) for logger in loggers]
    with embedded_dynamodb() as client, running() as simulator:
        tables = new_tables(client)
        create_rollups(client, rollups_name(tables))
        yield Stage(tables, simulator, monkeypatch)
    sys.modules.pop("functions.reconcile.handler", None)
    for logger, handlers, propagate, level in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def metrics(printed: str) -> dict[str, int]:
    """Return the last set of figures that was printed."""
    sets = [json.loads(line) for line in printed.splitlines() if '"_aws"' in line]
    assert sets[-1]["outcome"] == "reconciled"
    return {name: int(value[0]) for name, value in sets[-1].items() if isinstance(value, list)}


def test_books_agree_after_every_unknown_cost_is_resolved(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store("weir/management", MANAGEMENT_KEY)
    stage.invoke()
    for _ in range(3):
        stage.now_ms += DAY_MS
        stage.spend()
        stage.lose()

    hidden = stage.invoke()
    stage.simulator.ledger.reveal()
    told = stage.invoke()
    again = stage.invoke()

    cost = stage.bill().cost_nano_usd
    assert (hidden["resolved"], hidden["unknown"], hidden["closed"]) == (0, 3, 2)
    assert [drift["drift_nano_usd"] for drift in hidden["drifts"]] == [cost, cost]
    assert hidden["since_baseline_nano_usd"] == 3 * cost
    assert (told["resolved"], told["unknown"], told["drifts"]) == (3, 0, [])
    assert (told["compared_days"], told["since_baseline_nano_usd"]) == (2, 0)
    assert (again["resolved"], again["drift_nano_usd"]) == (0, 0)
    assert (again["mismatches"], again["violations"]) == ([], [])
    assert stage.spent == 6 * -(-cost * 13 // 10)
    figures = metrics(capsys.readouterr().out)
    assert (figures["DriftNanoUsd"], figures["Resolved"], figures["UnknownRecords"]) == (0, 0, 0)


def test_drift_is_found_when_upstream_bills_what_the_books_do_not_know(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.store("weir/management", MANAGEMENT_KEY)
    stage.invoke()
    stage.now_ms += DAY_MS
    stage.spend()
    cost = stage.bill().cost_nano_usd
    stage.now_ms += DAY_MS

    found = stage.invoke()

    assert found["drifts"] == [
        {
            "day": "2026-11-19",
            "ours_nano_usd": cost,
            "upstream_nano_usd": 2 * cost,
            "unknown": 0,
            "drift_nano_usd": cost,
        }
    ]
    assert metrics(capsys.readouterr().out)["DriftNanoUsd"] == cost


def test_unknown_cost_is_resolved_when_there_is_no_management_key(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.lose()
    stage.simulator.ledger.reveal()

    found = stage.invoke()

    assert (found["resolved"], found["upstream_books"]) == (1, "no_management_key")
    printed = capsys.readouterr().out
    assert "DriftNanoUsd" not in metrics(printed)
    assert printed.count("no_management_key") == 1


def test_ordinary_key_does_not_do_as_a_management_key(stage: Stage) -> None:
    stage.store("weir/management", KEY)

    assert stage.invoke()["upstream_books"] == "out_of_reach"


def test_request_is_charged_once_when_several_reconcile_at_once(stage: Stage) -> None:
    lost = stage.lose()
    stage.simulator.ledger.reveal()
    handler = stage.handler()

    def run(_number: int) -> int:
        report = handler.reconciliation.reconcile(ends_ms=stage.now_ms + 1)
        assert isinstance(report.resolved, int)
        return report.resolved

    with ThreadPoolExecutor(4) as pool:
        resolved = list(pool.map(run, range(8)))

    records = {record.generation_id: record for record in stage.ledger.records()}
    assert sum(resolved) == 1
    assert len(records) == 2
    adjusted_by = records[lost.generation_id].adjusted_by
    assert adjusted_by is not None
    assert stage.spent == records[adjusted_by].price_nano_usd > 0


def test_nothing_is_lost_when_upstream_is_down(stage: Stage) -> None:
    stage.store("weir/management", MANAGEMENT_KEY)
    stage.lose()
    stage.simulator.accept_keys({"another"})

    down = stage.invoke()
    stage.simulator.accept_keys({KEY})
    stage.simulator.ledger.reveal()

    assert (down["resolved"], down["postponed"]) == (0, 1)
    assert stage.invoke()["resolved"] == 1


def test_operators_pair_is_charged(stage: Stage) -> None:
    lost = stage.lose(known_id=False)
    stage.simulator.ledger.reveal()
    [entry] = stage.simulator.ledger.entries()
    pair = {"generation_id": lost.generation_id, "upstream_generation_id": entry.id}

    first, second = stage.invoke({"resolve": [pair]}), stage.invoke({"resolve": [pair]})

    assert first["pairs"] == {lost.generation_id: "resolved"}
    assert second["pairs"] == {lost.generation_id: "settled"}
    assert stage.spent == -(-entry.cost_nano_usd * 13 // 10)


def test_operator_is_told_when_a_pair_is_malformed(stage: Stage) -> None:
    with pytest.raises(ValueError, match="generation_id"):
        stage.invoke({"resolve": [{"generation_id": "mine"}]})
