"""The pump of a queue, against the embedded SQS in this process."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.event_sources import QueueSource
from local.gateway import GatewayStopsError
from local.queue_pump import Progress, QueuePump

MAX_RECEIVE_COUNT = 3


@dataclass(kw_only=True)
class Function:
    """Fails on the bodies it is told to: by raising, or by naming them."""

    raises_on: set[str] = field(default_factory=set)
    reports: set[str] = field(default_factory=set)
    stops: bool = False
    identifier: str | None = "messageId"
    events: list[Mapping[str, Any]] = field(default_factory=list)

    def __call__(self, _name: str, event: Mapping[str, Any]) -> Any:
        self.events.append(event)
        if self.stops:
            raise GatewayStopsError("Function: the gateway stops")
        if self.raises_on & {record["body"] for record in event["Records"]}:
            raise RuntimeError("the function raised")
        return {
            "batchItemFailures": [
                {"itemIdentifier": record[self.identifier] if self.identifier else ""}
                for record in event["Records"]
                if record["body"] in self.reports
            ]
        }

    def bodies(self) -> list[list[str]]:
        return [sorted(record["body"] for record in event["Records"]) for event in self.events]


class Queue:
    """A queue and its dead letters."""

    def __init__(self) -> None:
        self.client = boto3.client(
            "sqs",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self.dead = self.client.create_queue(QueueName="dead")["QueueUrl"]
        arn = self._attributes(self.dead)["QueueArn"]
        redrive = f'{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": {MAX_RECEIVE_COUNT}}}'
        self.url = self.client.create_queue(
            QueueName="work", Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "360"}
        )["QueueUrl"]

    def send(self, *bodies: str, **message: Any) -> None:
        for body in bodies:
            self.client.send_message(QueueUrl=self.url, MessageBody=body, **message)

    def left(self, url: str | None = None) -> int:
        """Tell how many messages there are, hidden or not."""
        found = self._attributes(url or self.url)
        return int(found["ApproximateNumberOfMessages"]) + int(
            found["ApproximateNumberOfMessagesNotVisible"]
        )

    def pump(self, function: Function, *, reports_failures: bool = True) -> QueuePump:
        source = QueueSource(
            function="SettleFunction",
            queue_url=self.url,
            batch_size=10,
            reports_failures=reports_failures,
        )
        return QueuePump(source, client=self.client, invoke=function)

    def _attributes(self, url: str) -> dict[str, str]:
        answer = self.client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        found: dict[str, str] = answer["Attributes"]
        return found


@pytest.fixture
def queue() -> Iterator[Queue]:
    with mock_aws():
        queue = Queue()
        yield queue
        queue.client.close()


def test_function_is_left_alone_when_the_queue_is_empty(queue: Queue) -> None:
    function = Function()

    assert queue.pump(function).step() is Progress.IDLE
    assert function.events == []


def test_messages_are_deleted_when_the_function_returns(queue: Queue) -> None:
    queue.send("a", "b")
    function = Function()
    pump = queue.pump(function)

    assert pump.step() is Progress.MOVED
    assert pump.step() is Progress.IDLE
    assert function.bodies() == [["a", "b"]]
    assert queue.left() == 0


def test_batch_is_no_larger_than_ten(queue: Queue) -> None:
    queue.send(*(f"{number:02}" for number in range(12)))
    function = Function()
    pump = queue.pump(function)

    while pump.step() is not Progress.IDLE:
        pass

    assert sorted(map(len, function.bodies())) == [2, 10]


def test_only_what_succeeded_is_deleted_when_the_function_names_failures(queue: Queue) -> None:
    queue.send("good", "bad")
    function = Function(reports={"bad"})
    pump = queue.pump(function)

    assert pump.step() is Progress.FAILED
    function.reports = set()
    assert pump.step() is Progress.MOVED

    assert function.bodies() == [["bad", "good"], ["bad"]]
    assert queue.left() == 0


def test_all_of_a_batch_is_received_again_when_the_function_raises(queue: Queue) -> None:
    queue.send("good", "bad")
    function = Function(raises_on={"bad"})
    pump = queue.pump(function)

    assert pump.step() is Progress.FAILED
    function.raises_on = set()
    assert pump.step() is Progress.MOVED

    assert function.bodies() == [["bad", "good"]] * 2


@pytest.mark.parametrize("identifier", [None, "body"])
def test_all_of_a_batch_failed_when_the_answer_names_what_was_not_sent(
    queue: Queue, identifier: str | None
) -> None:
    queue.send("good", "bad")
    function = Function(reports={"bad"}, identifier=identifier)

    assert queue.pump(function).step() is Progress.FAILED
    assert queue.left() == 2


def test_answer_is_not_read_when_the_mapping_does_not_say_so(queue: Queue) -> None:
    queue.send("bad")

    pump = queue.pump(Function(reports={"bad"}), reports_failures=False)

    assert pump.step() is Progress.MOVED
    assert queue.left() == 0


def test_message_is_set_aside_when_it_has_failed_too_often(queue: Queue) -> None:
    queue.send("bad")
    function = Function(raises_on={"bad"})
    pump = queue.pump(function)

    while pump.step() is not Progress.IDLE:
        pass

    assert function.bodies() == [["bad"]] * MAX_RECEIVE_COUNT
    assert (queue.left(), queue.left(queue.dead)) == (0, 1)


def test_record_has_the_fields_that_lambda_sends(queue: Queue) -> None:
    tries = {"DataType": "String", "StringValue": "2"}
    queue.send("a", MessageAttributes={"tries": tries})
    function = Function()

    queue.pump(function).step()

    (record,) = function.events[0]["Records"]
    assert record.keys() == {
        *("messageId", "receiptHandle", "body", "attributes", "messageAttributes"),
        *("md5OfBody", "eventSource", "eventSourceARN", "awsRegion"),
    }
    assert record["attributes"].keys() >= {
        *("ApproximateReceiveCount", "SentTimestamp", "SenderId"),
        "ApproximateFirstReceiveTimestamp",
    }
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"] == {
        "tries": {
            "stringValue": "2",
            "dataType": "String",
            "stringListValues": [],
            "binaryListValues": [],
        }
    }
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(":work")


def test_nothing_is_given_up_when_the_gateway_stops(queue: Queue) -> None:
    queue.send("a")
    pump = queue.pump(Function(stops=True))

    with pytest.raises(GatewayStopsError):
        pump.step()
    assert queue.left() == 1
