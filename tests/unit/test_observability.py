import json
import logging
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.support.fakes import TENANT, USAGE, make_hold
from weir.domain.errors import RateLimitExceededError
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


def make_record(status: RecordStatus) -> UsageRecord:
    return UsageRecord(
        tenant_id=TENANT.tenant_id,
        generation_id=HOLD.generation_id,
        status=status,
        source=RecordSource.REQUEST,
        usage=USAGE,
        estimate_nano_usd=HOLD.estimate_nano_usd,
        key_id=HOLD.key_id,
        model=HOLD.model,
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
    assert metrics["outcome"] == "completed"
    assert "acme" not in json.dumps(metrics)


def test_an_unknown_cost_is_counted_for_the_alarm(
    capsys: pytest.CaptureFixture[str],
) -> None:
    journal = RequestJournal(structured_logger())

    journal.settled(record=make_record(RecordStatus.UNKNOWN))

    assert lines(capsys)[1]["UnknownCost"] == [1.0]


def test_refused_forwarded_and_unsettled_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    journal = RequestJournal(structured_logger())

    journal.refused(error=RateLimitExceededError("too fast"))
    journal.forwarded(generation_id=HOLD.generation_id, upstream_generation_id="gen-up")
    journal.unsettled(generation_id=HOLD.generation_id, reason="the store is down")

    told = [line for line in lines(capsys) if "message" in line]
    assert [line["message"] for line in told] == ["refused", "forwarded", "unsettled"]
    assert told[0]["status"] == 429
    assert told[1]["upstream_generation_id"] == "gen-up"


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
