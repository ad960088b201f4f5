"""A streamed table in the DynamoDB of this process, and a function that fails at will."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3

from local.event_sources import StreamSource
from local.gateway import GatewayStopsError
from local.stream_pump import StreamPump

MAX_RETRIES = 2
NAME = "usage"


@dataclass(kw_only=True)
class Function:
    """Fails on the records it is told to: by raising, or by naming them."""

    raises_on: set[str] = field(default_factory=set)
    reports: set[str] = field(default_factory=set)
    stops: bool = False
    answer: Any = None
    events: list[Mapping[str, Any]] = field(default_factory=list)

    def __call__(self, _name: str, event: Mapping[str, Any]) -> Any:
        json.dumps(event)
        self.events.append(event)
        if self.stops:
            raise GatewayStopsError("Function: the gateway stops")
        if self.raises_on & set(names(event)):
            raise RuntimeError("the function raised")
        failed = [
            {"itemIdentifier": record["dynamodb"]["SequenceNumber"]}
            for record in event["Records"]
            if name(record) in self.reports
        ]
        return self.answer or {"batchItemFailures": failed}

    def seen(self) -> list[list[str]]:
        return [names(event) for event in self.events]


def name(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["Keys"]["pk"]["S"])


def names(event: Mapping[str, Any]) -> list[str]:
    return [name(record) for record in event["Records"]]


class Table:
    """A table with a stream, and the queue of what is given up."""

    def __init__(self) -> None:
        self.database, self.streams, self.queues = map(
            _client, ("dynamodb", "dynamodbstreams", "sqs")
        )
        created = self.database.create_table(
            TableName=NAME,
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        self.arn = created["TableDescription"]["LatestStreamArn"]
        self.dead = self.queues.create_queue(QueueName="dead")["QueueUrl"]

    def put(self, *keys: str, **attributes: Any) -> None:
        for key in keys:
            self.database.put_item(TableName=NAME, Item={"pk": {"S": key}, **attributes})

    def pump(self, function: Function, **settings: Any) -> StreamPump:
        source = StreamSource(
            **{
                "function": "RollupFunction",
                "table": NAME,
                "starting_position": "TRIM_HORIZON",
                "batch_size": 100,
                "max_retries": MAX_RETRIES,
                "bisects": True,
                "reports_failures": True,
                "patterns": ({"eventName": ["INSERT"]},),
                "on_failure_url": self.dead,
                **settings,
            }
        )
        return StreamPump(
            source, arn=self.arn, streams=self.streams, queues=self.queues, invoke=function
        )

    def notices(self) -> list[Any]:
        answer = self.queues.receive_message(QueueUrl=self.dead, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    def close(self) -> None:
        for client in (self.database, self.streams, self.queues):
            client.close()


def _client(service: str) -> Any:
    return boto3.client(
        service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
