"""What the functions publish to EventBridge, for whoever wants to look: a rule and a queue."""

import json
from types import TracebackType
from typing import Any, Self

from local.aws import EmbeddedAws
from local.workers import ACCOUNT_ID

_NAME = "published-events"


class PublishedEvents:
    """Catches every event of a bus from `__enter__` to `__exit__`; one at a time a stack."""

    def __init__(self, aws: EmbeddedAws, *, bus: str = "default") -> None:
        self._bus = bus
        self._events = aws.client("events")
        self._queues = aws.client("sqs")
        self._url = ""

    def __enter__(self) -> Self:
        """Begin to catch."""
        self._url = self._queues.create_queue(QueueName=_NAME)["QueueUrl"]
        arn = self._queues.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        pattern = json.dumps({"account": [ACCOUNT_ID]})
        self._events.put_rule(Name=_NAME, EventBusName=self._bus, EventPattern=pattern)
        self._events.put_targets(
            Rule=_NAME,
            EventBusName=self._bus,
            Targets=[{"Id": _NAME, "Arn": arn["Attributes"]["QueueArn"]}],
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop catching; what was not taken is forgotten."""
        self._events.remove_targets(Rule=_NAME, EventBusName=self._bus, Ids=[_NAME])
        self._events.delete_rule(Name=_NAME, EventBusName=self._bus)
        self._queues.delete_queue(QueueUrl=self._url)
        self._events.close()
        self._queues.close()

    def take(self) -> list[dict[str, Any]]:
        """Return the events caught since the last time, as a target sees them."""
        taken = []
        while messages := self._received():
            for message in messages:
                taken.append(json.loads(message["Body"]))
                self._queues.delete_message(
                    QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"]
                )
        return taken

    def _received(self) -> list[dict[str, Any]]:
        answer = self._queues.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found
