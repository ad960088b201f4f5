import json

import pytest

from tests.support.reconciling import Stage
from weir.domain.accounts import AccountId
from weir.domain.closes import CloseMismatch
from weir.domain.money import NanoUsd
from weir.services.close import CloseReport
from weir.services.findings import MAX_NAMED, figures, findings, is_alarming

QUIET = CloseReport(closed=1, folded=2, waiting=0, mismatches=(), violations=(), accounts=2)
MISMATCH = CloseMismatch(
    account_id=AccountId("acme"),
    lane=0,
    day="2026-11-17",
    counted_requests=2,
    recorded_requests=1,
    counted_nano_usd=NanoUsd(20),
    recorded_nano_usd=NanoUsd(10),
)


def closed(**changes: object) -> CloseReport:
    facts = {name: getattr(QUIET, name) for name in CloseReport.__dataclass_fields__}
    return CloseReport(**{**facts, **changes})


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_line_names_the_days_with_drift_in_exact_numbers(stage: Stage) -> None:
    stage.spend(1_000, days_ago=2)
    stage.bill(7, days_ago=2)
    stage.close(2)

    line = findings(QUIET, stage.run())

    assert (line["upstream_books"], line["compared_days"], line["drift_nano_usd"]) == (
        "compared",
        7,
        7,
    )
    assert line["drifts"] == [
        {
            "day": stage.day(2),
            "ours_nano_usd": 1_000,
            "upstream_nano_usd": 1_007,
            "unknown": 0,
            "drift_nano_usd": 7,
        }
    ]
    assert json.loads(json.dumps(line)) == line


def test_drift_is_told_without_its_sign(stage: Stage) -> None:
    record = stage.spend(1_000, days_ago=2)
    stage.lose(5, known_id=False)
    stage.close(2)
    assert record.upstream_generation_id
    del stage.upstream.bills[record.upstream_generation_id]

    assert figures(QUIET, stage.run()) == {
        "Closed": 1,
        "CloseMismatch": 0,
        "LedgerViolations": 0,
        "Resolved": 0,
        "UnknownRecords": 1,
        "Postponed": 0,
        "DriftNanoUsd": 1_000,
    }


def test_no_drift_is_told_when_upstreams_books_are_closed(stage: Stage) -> None:
    stage.upstream.has_key = False
    report = stage.run()

    assert "DriftNanoUsd" not in figures(QUIET, report)
    assert findings(QUIET, report)["upstream_books"] == "no_management_key"


def test_operator_is_called_when_anything_disagrees(stage: Stage) -> None:
    report = stage.run()
    assert not is_alarming(QUIET, report)

    assert is_alarming(closed(mismatches=(MISMATCH,)), report)
    assert is_alarming(closed(violations=("I3 acme#0",)), report)
    stage.bill(1, days_ago=3)
    assert is_alarming(QUIET, stage.run())


def test_line_stays_short_when_everything_is_wrong(stage: Stage) -> None:
    wrong = closed(mismatches=(MISMATCH,) * 99, violations=("I3 acme#0",) * 99)

    line, metrics = findings(wrong, stage.run()), figures(wrong, stage.run())

    assert len(line["mismatches"]) == len(line["violations"]) == MAX_NAMED  # type: ignore[arg-type]
    assert (metrics["CloseMismatch"], metrics["LedgerViolations"]) == (99, 99)
