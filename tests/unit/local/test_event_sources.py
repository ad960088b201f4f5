from typing import Any

import pytest

from local.event_sources import EventSourceError, QueueSource, StreamSource, read_event_sources

IDS = {"Queue": "https://sqs/queue", "Table": "table-1", "Dead": "https://sqs/dead"}
RESOURCES = {
    "Queue": {"Type": "AWS::SQS::Queue"},
    "Dead": {"Type": "AWS::SQS::Queue"},
    "Table": {"Type": "AWS::DynamoDB::Table"},
}
QUEUE = {
    "FunctionName": {"Ref": "Function"},
    "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
}
STREAM = {
    "FunctionName": {"Ref": "Function"},
    "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]},
    "StartingPosition": "TRIM_HORIZON",
    "MaximumRetryAttempts": 3,
    "BisectBatchOnFunctionError": True,
    "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Dead", "Arn"]}}},
}


def read(properties: dict[str, Any]) -> Any:
    mapping = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}
    (source,) = read_event_sources(
        {"Resources": {**RESOURCES, "Mapping": mapping}}, physical_ids=IDS
    )
    return source


def test_queue_is_read_with_its_url() -> None:
    assert read(QUEUE) == QueueSource(
        function="Function", queue_url="https://sqs/queue", batch_size=10, reports_failures=True
    )


def test_stream_is_read_with_its_table_and_destination() -> None:
    assert read(STREAM) == StreamSource(
        function="Function",
        table="table-1",
        starting_position="TRIM_HORIZON",
        batch_size=100,
        max_retries=3,
        bisects=True,
        reports_failures=False,
        patterns=(),
        on_failure_url="https://sqs/dead",
    )


def test_nobody_is_told_when_there_is_no_destination() -> None:
    source = read({name: STREAM[name] for name in STREAM if name != "DestinationConfig"})

    assert source.on_failure_url is None


@pytest.mark.parametrize(
    ("pattern", "record", "taken"),
    [
        ('{"eventName": ["INSERT"]}', {"eventName": "INSERT"}, True),
        ('{"eventName": ["INSERT"]}', {"eventName": "MODIFY"}, False),
        ('{"eventName": ["INSERT", "MODIFY"]}', {"eventName": "MODIFY"}, True),
        (
            '{"dynamodb": {"Keys": {"pk": {"S": ["a"]}}}}',
            {"dynamodb": {"Keys": {"pk": {"S": "a"}}}},
            True,
        ),
        (
            '{"dynamodb": {"Keys": {"pk": {"S": ["a"]}}}}',
            {"dynamodb": {"Keys": {"pk": {"S": "b"}}}},
            False,
        ),
        (
            '{"dynamodb": {"Keys": {"sk": {"S": ["a"]}}}}',
            {"dynamodb": {"Keys": {"pk": {"S": "a"}}}},
            False,
        ),
    ],
)
def test_function_is_shown_what_a_filter_matches(
    pattern: str, record: dict[str, Any], *, taken: bool
) -> None:
    source = read({**STREAM, "FilterCriteria": {"Filters": [{"Pattern": pattern}]}})

    assert source.takes(record) is taken


def test_function_is_shown_everything_when_there_is_no_filter() -> None:
    assert read(STREAM).takes({"eventName": "REMOVE"})


def test_filter_is_refused_when_it_compares_more_than_texts() -> None:
    pattern = '{"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "a"}]}}}}'

    with pytest.raises(EventSourceError, match="only texts"):
        read({**STREAM, "FilterCriteria": {"Filters": [{"Pattern": pattern}]}})


def test_source_is_refused_when_it_is_neither_queue_nor_stream() -> None:
    with pytest.raises(EventSourceError, match=r"Table\.Arn feeds no function"):
        read({**STREAM, "EventSourceArn": {"Fn::GetAtt": ["Table", "Arn"]}})
