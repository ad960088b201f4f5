import json
import logging
import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.support.fakes import TENANT, USAGE, make_hold
from weir.domain.errors import RateLimitExceededError
from weir.domain.holds import Level
from weir.domain.money import NanoUsd
from weir.domain.usage import RecordSource, RecordStatus, UsageRecord
from weir.observability import RequestJournal, structured_logger

HOLD = make_hold()


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Powertools keeps one logger a name, with the stdout of its first use: each test has its own.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"chat-{uuid4()}")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Weir")
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "DEBUG")
    package = logging.getLogger("weir")
    before = (package.handlers, package.propagate)
    names = ("weir", "boto3", "botocore", "urllib3")
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    package.handlers, package.propagate = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def make_record(status: RecordStatus, **changes: Any) -> UsageRecord:
    return UsageRecord(
        tenant_id=TENANT.tenant_id,
        generation_id=HOLD.generation_id,
        status=status,
        source=RecordSource.REQUEST,
        usage=USAGE,
        price_nano_usd=NanoUsd(2 * USAGE.cost_nano_usd),
        estimate_nano_usd=HOLD.estimate_nano_usd,
        key_id=HOLD.key_id,
        model=HOLD.model,
        **changes,
    )


def test_a_settled_request_is_one_line_and_one_metric_set(
    capsys: pytest.CaptureFixture[str],
) -> None:
    journal = RequestJournal(structured_logger())

    journal.settled(record=make_record(RecordStatus.COMPLETED))

    line, metrics = lines(capsys)
    assert line["message"] == "settled"
    assert (line["tenant_id"], line["cost_nano_usd"]) == ("acme", USAGE.cost_nano_usd)
    assert "provider" not in line
    assert metrics["CostNanoUsd"] == [USAGE.cost_nano_usd]
    assert metrics["PriceNanoUsd"] == [2 * USAGE.cost_nano_usd]
    assert metrics["outcome"] == "completed"
    assert "acme" not in json.dumps(metrics)


def test_an_error_is_a_line_that_the_metric_filter_finds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    service = os.environ["POWERTOOLS_SERVICE_NAME"]
    structured_logger()

    logging.getLogger("weir.http").error("unforeseen")

    (line,) = lines(capsys)
    assert (line["level"], line["service"]) == ("ERROR", service)


def test_an_unknown_cost_is_counted_for_the_alarm(
    capsys: pytest.CaptureFixture[str],
) -> None:
    journal = RequestJournal(structured_logger())

    journal.settled(record=make_record(RecordStatus.UNKNOWN))

    assert lines(capsys)[1]["UnknownCost"] == [1.0]


def test_every_fact_but_the_end_user_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    journal = RequestJournal(structured_logger())
    levels = frozenset({Level.KEY, Level.END_USER})

    journal.settled(
        record=make_record(RecordStatus.CANCELLED, end_user="alice", levels=levels, plan_version=2)
    )

    line, metrics = lines(capsys)
    assert isinstance(line["levels"], list)
    assert set(line["levels"]) == {"k", "u"}
    assert line["plan_version"] == 2
    assert "alice" not in json.dumps([line, metrics])
    assert metrics["outcome"] == "cancelled"


def test_every_other_step_of_a_request_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    journal, generation_id = RequestJournal(structured_logger()), HOLD.generation_id

    journal.refused(error=RateLimitExceededError("too fast"))
    journal.forwarded(generation_id=generation_id, upstream_generation_id="gen-up")
    journal.replayed(generation_id=generation_id)
    journal.degraded(generation_id=generation_id, reason="no checkpoint")
    journal.queued(generation_id=generation_id, reason="the ledger is down")
    journal.unsettled(generation_id=generation_id, reason="the queue is down, too")

    told = lines(capsys)
    messages = [line["message"] for line in told if "message" in line]
    assert messages == ["refused", "forwarded", "replayed", "degraded", "queued", "unsettled"]
    assert told[0]["status"] == 429
    metrics = ("Refused", "Replayed", "Queued", "Unsettled")
    assert [name for line in told for name in metrics if name in line] == list(metrics)
    assert {
        line["upstream_generation_id"] for line in told if line.get("message") == "forwarded"
    } == {"gen-up"}


def test_whatever_looks_like_a_key_is_masked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    structured_logger()

    logging.getLogger("weir.adapters.anything").warning("got %s", "sk-or-v1-" + "c" * 64)

    (line,) = lines(capsys)
    assert line["message"] == "got sk-***"


def test_talkative_libraries_are_kept_quiet() -> None:
    structured_logger()

    assert not logging.getLogger("botocore.parsers").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.DEBUG)
