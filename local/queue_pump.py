"""Feeds a function from an SQS queue, as Lambda's event source mapping does."""

import logging
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from local.aws import REGION
from local.event_sources import QueueSource
from local.gateway import GatewayStopsError

_log = logging.getLogger(__name__)

Invoke = Callable[[str, Mapping[str, Any]], Any]


class Progress(StrEnum):
    """What became of one step of a pump."""

    IDLE = "there was nothing to do"
    MOVED = "events were taken care of"
    FAILED = "events wait to be tried again"


class QueuePump:
    """One queue and its function; one batch at a time.

    Messages that failed are received again until the queue's own redrive policy sets them aside.

    Args:
        client: A low-level SQS client.
        invoke: Runs a function with an event and returns its result; RuntimeError is a failure,
            but GatewayStopsError is none and ends the step.
    """

    def __init__(self, source: QueueSource, *, client: Any, invoke: Invoke) -> None:
        self.name = source.function
        self._source = source
        self._client = client
        self._invoke = invoke
        asked = client.get_queue_attributes(QueueUrl=source.queue_url, AttributeNames=["QueueArn"])
        self._arn = asked["Attributes"]["QueueArn"]

    def step(self) -> Progress:
        """Pass one batch on; what failed of it can be received again at once.

        On AWS that is at the end of the queue's visibility timeout: here, who calls this waits.
        """
        received = self._client.receive_message(
            QueueUrl=self._source.queue_url,
            MaxNumberOfMessages=min(self._source.batch_size, 10),
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages = received.get("Messages", [])
        if not messages:
            return Progress.IDLE
        failed = self._failed(messages)
        for message in messages:
            handle = {
                "QueueUrl": self._source.queue_url,
                "ReceiptHandle": message["ReceiptHandle"],
            }
            if message["MessageId"] in failed:
                self._client.change_message_visibility(**handle, VisibilityTimeout=0)
            else:
                self._client.delete_message(**handle)
        return Progress.FAILED if failed else Progress.MOVED

    def _failed(self, messages: Sequence[Mapping[str, Any]]) -> set[str]:
        """Invoke the function; return the ids of the messages it could not take care of.

        Raises:
            GatewayStopsError: The gateway stops.
        """
        everything = {message["MessageId"] for message in messages}
        event = {"Records": [queue_record(message, arn=self._arn) for message in messages]}
        try:
            answer = self._invoke(self._source.function, event)
        except GatewayStopsError:
            raise
        except RuntimeError as failure:
            _log.warning("%s failed on %d messages: %s", self.name, len(messages), failure)
            return everything
        if not self._source.reports_failures:
            return set()
        reported = reported_failures(answer)
        known = reported <= everything
        return reported if known else everything


def reported_failures(answer: Any) -> set[str]:
    """Return the identifiers in a partial batch response; "" stands for one that is malformed."""
    if not answer or not answer.get("batchItemFailures"):
        return set()
    entries = answer["batchItemFailures"]
    return {str(entry.get("itemIdentifier") or "") for entry in entries}


def queue_record(message: Mapping[str, Any], *, arn: str) -> dict[str, Any]:
    """Return a received message as it stands in Lambda's event."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": REGION,
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    named = {name[0].lower() + name[1:]: part for name, part in value.items()}
    return {**named, "stringListValues": [], "binaryListValues": []}
