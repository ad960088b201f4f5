"""The pump of a stream, against the embedded DynamoDB in this process."""

import json
from collections.abc import Iterator

import pytest
from moto import mock_aws

from local.gateway import GatewayStopsError
from local.queue_pump import Progress
from local.stream_pump import StreamPump
from tests.support.streamed_table import MAX_RETRIES, Function, Table


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")
    with mock_aws():
        table = Table()
        yield table
        table.close()


def run_dry(pump: StreamPump) -> None:
    while pump.step() is not Progress.IDLE:
        pass


def test_function_is_left_alone_when_nothing_was_written(table: Table) -> None:
    function = Function()

    assert table.pump(function).step() is Progress.IDLE
    assert function.events == []


def test_records_come_once_and_in_order(table: Table) -> None:
    function = Function()
    pump = table.pump(function)
    table.put("a", "b")
    run_dry(pump)
    table.put("c")
    run_dry(pump)

    assert function.seen() == [["a", "b"], ["c"]]


def test_batch_is_no_larger_than_the_mapping_says(table: Table) -> None:
    function = Function()
    table.put(*"abcde")

    run_dry(table.pump(function, batch_size=2))

    assert function.seen() == [["a", "b"], ["c", "d"], ["e"]]


def test_function_is_not_shown_what_the_filter_keeps_back(table: Table) -> None:
    function = Function()
    table.put("a", "a", "a", "b")

    run_dry(table.pump(function, batch_size=1))

    assert function.seen() == [["a"], ["b"]]


def test_bad_record_is_found_by_halving_and_the_others_get_through(table: Table) -> None:
    function = Function(raises_on={"c"})
    table.put(*"abcd")

    run_dry(table.pump(function))

    assert function.seen() == [
        ["a", "b", "c", "d"],
        ["a", "b"],
        ["c", "d"],
        *([["c"]] * (MAX_RETRIES + 1)),
        ["d"],
    ]
    (notice,) = table.notices()
    assert notice["DDBStreamBatchInfo"]["batchSize"] == 1


def test_batch_is_tried_again_whole_when_the_mapping_does_not_halve(table: Table) -> None:
    function = Function(raises_on={"b"})
    table.put("a", "b")

    run_dry(table.pump(function, bisects=False))

    assert function.seen() == [["a", "b"]] * (MAX_RETRIES + 1)


def test_function_goes_on_where_it_says_that_it_stopped(table: Table) -> None:
    function = Function(reports={"c", "d"})
    table.put(*"abcd")
    pump = table.pump(function)

    assert pump.step() is Progress.FAILED
    function.reports = set()
    assert pump.step() is Progress.MOVED

    assert function.seen() == [["a", "b", "c", "d"], ["c", "d"]]


@pytest.mark.parametrize("identifier", ["", "unheard of"])
def test_whole_batch_failed_when_the_answer_names_what_was_not_sent(
    table: Table, identifier: str
) -> None:
    function = Function(answer={"batchItemFailures": [{"itemIdentifier": identifier}]})
    table.put("a")

    run_dry(table.pump(function))

    assert function.seen() == [["a"]] * (MAX_RETRIES + 1)


def test_answer_is_not_read_when_the_mapping_does_not_say_so(table: Table) -> None:
    function = Function(reports={"a"})
    table.put("a")

    assert table.pump(function, reports_failures=False).step() is Progress.MOVED


def test_later_records_wait_for_the_one_that_fails(table: Table) -> None:
    function = Function(raises_on={"a"})
    table.put("a")
    pump = table.pump(function)
    assert pump.step() is Progress.FAILED
    table.put("b")

    run_dry(pump)

    assert function.seen() == [["a"]] * (MAX_RETRIES + 1) + [["b"]]


def test_notice_says_where_the_records_lie_and_not_what_they_hold(table: Table) -> None:
    table.put("a", secret={"S": "content"})

    run_dry(table.pump(Function(raises_on={"a"})))

    (notice,) = table.notices()
    assert notice["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert notice["requestContext"]["approximateInvokeCount"] == MAX_RETRIES + 1
    assert notice["requestContext"]["functionArn"].endswith(":function:RollupFunction")
    batch = notice["DDBStreamBatchInfo"]
    assert batch["streamArn"] == table.arn
    assert batch["startSequenceNumber"] == batch["endSequenceNumber"]
    assert batch.keys() >= {"shardId", "approximateArrivalOfFirstRecord"}
    assert "content" not in json.dumps(notice)


def test_nobody_is_told_when_there_is_no_destination(table: Table) -> None:
    function = Function(raises_on={"a"})
    table.put("a", "b")

    run_dry(table.pump(function, on_failure_url=None, batch_size=1))

    assert function.seen()[-1] == ["b"]
    assert table.notices() == []


def test_only_what_is_written_from_now_on_comes_when_the_mapping_starts_at_the_latest(
    table: Table,
) -> None:
    function = Function()
    table.put("a")
    pump = table.pump(function, starting_position="LATEST")
    assert pump.step() is Progress.IDLE
    table.put("b")

    run_dry(pump)

    assert function.seen() == [["b"]]


def test_record_has_the_fields_that_lambda_sends(table: Table) -> None:
    function = Function()
    table.put("a", blob={"B": b"\x00\xff"}, tags={"SS": ["x"]}, n={"N": "7"})

    run_dry(table.pump(function))

    (record,) = function.events[0]["Records"]
    assert record.keys() == {
        *("eventID", "eventName", "eventVersion", "eventSource", "awsRegion"),
        *("dynamodb", "eventSourceARN"),
    }
    change = record["dynamodb"]
    assert change.keys() == {
        *("ApproximateCreationDateTime", "Keys", "NewImage"),
        *("SequenceNumber", "SizeBytes", "StreamViewType"),
    }
    assert change["ApproximateCreationDateTime"] > 1_700_000_000
    assert change["NewImage"] == {
        "pk": {"S": "a"},
        "blob": {"B": "AP8="},
        "tags": {"SS": ["x"]},
        "n": {"N": "7"},
    }
    assert (record["eventName"], record["eventSourceARN"]) == ("INSERT", table.arn)


def test_nothing_is_given_up_when_the_gateway_stops(table: Table) -> None:
    table.put("a")
    pump = table.pump(Function(stops=True))

    with pytest.raises(GatewayStopsError):
        pump.step()
    assert table.notices() == []
