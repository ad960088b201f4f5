"""The alarms as deployed: what an operator is told, and that it is about a figure that exists."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local.route_tables import deployed
from tests.support import template as views

# The figures of our own that alarms watch: metric → (service, outcome) it is printed with.
FIGURES = {
    "UnknownCost": {("chat", "unknown"), ("settle", "unknown"), ("sweep", "swept")},
    "Unsettled": {("chat", "unsettled")},
    "Failed": {("sweep", "swept")},
    "Postponed": {("sweep", "swept")},
    "DriftNanoUsd": {("reconcile", "reconciled")},
    "CloseMismatch": {("reconcile", "reconciled")},
    "LedgerViolations": {("reconcile", "reconciled")},
}
# Counted from the lines of these functions, under one name.
ERROR_LINES = "ErrorLines"
ANSWERING = {"account", "auth", "catalog", "chat", "export", "operator"}
TEMPLATE = views.deployed()
ALARMS = views.of_type(TEMPLATE, "AWS::CloudWatch::Alarm")
each_alarm = pytest.mark.parametrize("alarm", sorted(ALARMS))


def _metrics(alarm: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield namespace, name and dimensions of what an alarm watches."""
    parts = [entry["MetricStat"]["Metric"] for entry in alarm.get("Metrics", ()) if _is_read(entry)]
    for metric in parts or [alarm]:
        dimensions = {entry["Name"]: entry["Value"] for entry in metric.get("Dimensions", ())}
        yield metric["Namespace"], metric["MetricName"], dimensions


def _is_read(entry: Mapping[str, Any]) -> bool:
    return "MetricStat" in entry


def _watched(namespace: str) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (name, dimensions)
        for alarm in ALARMS.values()
        for found, name, dimensions in _metrics(alarm)
        if found == namespace
    ]


@each_alarm
def test_alarm_says_in_one_sentence_what_to_do(alarm: str) -> None:
    description = ALARMS[alarm]["AlarmDescription"]

    assert description.endswith("; see docs/operations.md.")
    assert 80 <= len(description) <= 300
    assert ". " not in description


@each_alarm
def test_alarm_notifies_the_topic_when_there_is_one(alarm: str) -> None:
    assert ALARMS[alarm]["AlarmActions"] == {
        "Fn::If": ["NotifiesOperator", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]
    }
    assert TEMPLATE["Parameters"]["AlarmTopicArn"]["Default"] == ""


@each_alarm
def test_alarm_is_quiet_when_nothing_is_measured_unless_that_is_the_alarm(alarm: str) -> None:
    is_missing = alarm.endswith("MissingAlarm")
    expected = ("breaching", "LessThanThreshold")
    assert (ALARMS[alarm]["TreatMissingData"], ALARMS[alarm]["ComparisonOperator"]) == (
        expected if is_missing else ("notBreaching", "GreaterThanThreshold")
    )


def test_every_schedule_is_missed_when_it_stops() -> None:
    scheduled = {
        target["Arn"]["Fn::GetAtt"][0]
        for rule in views.of_type(TEMPLATE, "AWS::Events::Rule").values()
        for target in rule["Targets"]
    }
    missed = {
        dimensions["FunctionName"]["Ref"]
        for name, dimensions in _watched("AWS/Lambda")
        if name == "Invocations"
    }

    assert missed == scheduled


def test_every_figure_of_ours_is_watched_under_the_names_it_is_printed_with() -> None:
    watched: dict[str, set[tuple[str, str]]] = {}
    for name, dimensions in _watched("Weir"):
        if name == ERROR_LINES:
            continue
        assert dimensions.keys() == {"service", "outcome"}
        watched.setdefault(name, set()).add((dimensions["service"], dimensions["outcome"]))

    assert watched == FIGURES


def test_lines_of_level_error_are_counted_and_watched_when_a_function_answers_requests() -> None:
    filters = views.of_type(TEMPLATE, "AWS::Logs::MetricFilter").values()

    counted = {entry["FilterPattern"]: entry["LogGroupName"]["Ref"] for entry in filters}
    assert counted == {
        f'{{ $.level = "ERROR" && $.service = "{name}" }}': f"{name.capitalize()}LogGroup"
        for name in ANSWERING
    }
    for entry in filters:
        (count,) = entry["MetricTransformations"]
        assert count == {
            "MetricNamespace": "Weir", "MetricName": ERROR_LINES, "MetricValue": "1"
        }  # fmt: skip
    assert (ERROR_LINES, {}) in _watched("Weir")


def test_every_function_with_a_route_counts_its_error_lines() -> None:
    routed = {views.functions()[function].code.name for function in deployed()}

    assert routed == ANSWERING


@pytest.mark.parametrize("alarm", ["ApiErrorsAlarm", "UnknownCostAlarm"])
def test_metrics_add_up_when_some_have_no_value(alarm: str) -> None:
    # A `+` has no value at a time when one of its metrics has none, whatever the others say.
    (total,) = [e for e in ALARMS[alarm]["Metrics"] if not _is_read(e)]

    assert total["Expression"] == "SUM(METRICS())"
    assert total.get("ReturnData", True)


def test_services_of_the_figures_are_functions() -> None:
    services = {source.code.name for source in views.functions().values()}

    assert {service for found in FIGURES.values() for service, _ in found} <= services


@pytest.mark.parametrize(
    ("metric", "function"),
    [
        ("Errors", "AccountFunction"),
        ("Errors", "AuthFunction"),
        ("Errors", "CatalogFunction"),
        ("Errors", "ChatFunction"),
        ("Errors", "ExportFunction"),
        ("Errors", "OperatorFunction"),
        ("Throttles", "ChatFunction"),
        ("Errors", "SweepFunction"),
        ("Errors", "ReconcileFunction"),
        ("IteratorAge", "RollupFunction"),
    ],
)
def test_function_is_watched(metric: str, function: str) -> None:
    assert (metric, {"FunctionName": {"Ref": function}}) in _watched("AWS/Lambda")


def test_every_queue_of_dead_letters_is_watched() -> None:
    queues = views.of_type(TEMPLATE, "AWS::SQS::Queue")
    depth = [
        dimensions["QueueName"]["Fn::GetAtt"][0]
        for name, dimensions in _watched("AWS/SQS")
        if name == "ApproximateNumberOfMessagesVisible"
    ]

    assert set(depth) == {name for name in queues if name.endswith("DeadLetters")}


def test_settle_queue_is_watched_for_messages_that_wait() -> None:
    name = {"Fn::GetAtt": ["SettleQueue", "QueueName"]}

    assert ("ApproximateAgeOfOldestMessage", {"QueueName": name}) in _watched("AWS/SQS")


def test_drift_is_measured_against_the_parameter() -> None:
    assert ALARMS["DriftAlarm"]["Threshold"] == {"Ref": "DriftThresholdNanoUsd"}
