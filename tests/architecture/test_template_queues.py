"""Queues and what feeds a function from one: retries, dead letters, partial batches."""

import json
from typing import Any

import pytest

from tests.support import template as views

DEAD_LETTERS = ("RollupDeadLetters", "SettleDeadLetters")


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return views.deployed()


def _mapping(template: dict[str, Any], name: str) -> dict[str, Any]:
    return dict(views.of_type(template, "AWS::Lambda::EventSourceMapping")[name])


def test_every_queue_and_mapping_is_covered_here(template: dict[str, Any]) -> None:
    queues = views.of_type(template, "AWS::SQS::Queue")
    mappings = views.of_type(template, "AWS::Lambda::EventSourceMapping")

    assert queues.keys() == {"SettleQueue", *DEAD_LETTERS}
    assert mappings.keys() == {"SettleFromQueue", "RollupFromUsage"}


def test_every_queue_is_encrypted(template: dict[str, Any]) -> None:
    for queue in views.of_type(template, "AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize("queue", DEAD_LETTERS)
def test_dead_letters_wait_for_as_long_as_there_is(template: dict[str, Any], queue: str) -> None:
    properties = views.of_type(template, "AWS::SQS::Queue")[queue]

    assert properties["MessageRetentionPeriod"] == 14 * 86_400
    assert "RedrivePolicy" not in properties


def test_settle_message_is_set_aside_after_five_tries(template: dict[str, Any]) -> None:
    redrive = views.of_type(template, "AWS::SQS::Queue")["SettleQueue"]["RedrivePolicy"]

    assert redrive == {
        "deadLetterTargetArn": {"Fn::GetAtt": ["SettleDeadLetters", "Arn"]},
        "maxReceiveCount": 5,
    }


def test_settle_message_stays_hidden_for_six_timeouts(template: dict[str, Any]) -> None:
    function = views.of_type(template, "AWS::Lambda::Function")["SettleFunction"]
    queue = views.of_type(template, "AWS::SQS::Queue")["SettleQueue"]

    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]


def test_settle_function_takes_batches_and_keeps_what_it_settled(template: dict[str, Any]) -> None:
    mapping = _mapping(template, "SettleFromQueue")

    assert mapping["FunctionName"] == {"Ref": "SettleFunction"}
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["SettleQueue", "Arn"]}
    assert mapping["BatchSize"] == 10
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2


def test_rollup_function_follows_new_usage_records_from_the_first(template: dict[str, Any]) -> None:
    mapping = _mapping(template, "RollupFromUsage")

    assert mapping["FunctionName"] == {"Ref": "RollupFunction"}
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["UsageTable", "StreamArn"]}
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["BatchSize"] == 1000
    assert mapping["MaximumBatchingWindowInSeconds"] == {"Ref": "RollupWindowSeconds"}
    (pattern,) = mapping["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {"eventName": ["INSERT"]}


def test_one_bad_record_holds_up_the_rollups_for_a_while_only(template: dict[str, Any]) -> None:
    mapping = _mapping(template, "RollupFromUsage")

    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert 0 < mapping["MaximumRetryAttempts"] <= 100
    assert mapping["DestinationConfig"] == {
        "OnFailure": {"Destination": {"Fn::GetAtt": ["RollupDeadLetters", "Arn"]}}
    }
