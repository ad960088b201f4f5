"""The rollup function in this process, over tables of its own and a bus that is listened to."""

import importlib
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import boto3

from tests.support.ledger_tables import ACCOUNT, REGION, Tables, embedded_dynamodb, new_tables
from tests.support.ledger_values import ACME, NOON_MS
from tests.support.rollup_fakes import create_rollups, rollups_name, stored_buckets
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.adapters.dynamodb.usage_items import encode_record
from weir.domain.usage import UsageRecord

HANDLER = "functions.rollup.handler"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
    "POWERTOOLS_METRICS_NAMESPACE": "Weir",
    "EVENT_BUS_NAME": "default",
    "USAGE_EVENTS": "on",
    "ALERT_THRESHOLDS": "50,80,100",
}


class Stage:
    """The function with tables of its own, and a queue that every event of the bus goes to."""

    def __init__(self, tables: Tables, handler: ModuleType, published: "Published") -> None:
        self.tables = tables
        self.handler = handler
        self.published = published
        self.rollups = DynamoDBRollups(tables.db, table=rollups_name(tables))

    def put(self, *rows: UsageRecord) -> None:
        for row in rows:
            self.tables.ledger().record(row)

    def invoke(self, changes: Sequence[dict[str, Any]]) -> list[str]:
        """Run the function on a batch; returns the sequence numbers it names as failed."""
        answer = self.handler.lambda_handler({"Records": list(changes)}, None)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def deliver(self, changes: Sequence[dict[str, Any]]) -> None:
        """Deliver a batch as Lambda does: again from the record that failed first."""
        rest = list(changes)
        for _attempt in range(50):
            failed = self.invoke(rest)
            if not failed:
                return
            numbers = [change["dynamodb"]["SequenceNumber"] for change in rest]
            rest = rest[numbers.index(failed[0]) :]
        raise AssertionError("the batch is never done")

    def stored(self) -> dict[Any, Any]:
        return stored_buckets(self.rollups, ACME, first="2026-11-18", last="2026-11-18")


class Published:
    """What arrives on the bus, read from a queue behind a rule."""

    def __init__(self) -> None:
        self._sqs = boto3.client("sqs", region_name=REGION)
        self._queue = self._sqs.create_queue(QueueName=f"seen-{uuid4()}")["QueueUrl"]
        events = boto3.client("events", region_name=REGION)
        rule = f"all-{uuid4()}"
        events.put_rule(Name=rule, EventPattern='{"source": ["weir"]}')
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self._queue.rpartition('/')[2]}"
        events.put_targets(Rule=rule, Targets=[{"Id": "seen", "Arn": arn}])

    def take(self) -> list[dict[str, Any]]:
        """Every event that has arrived since the last call."""
        found: list[dict[str, Any]] = []
        while batch := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            found += [json.loads(message["Body"]) for message in batch]
            for message in batch:
                self._sqs.delete_message(
                    QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"]
                )
        return found

    def ids(self) -> list[str]:
        return [event["detail"]["id"] for event in self.take()]


@contextmanager
def rollup_stage() -> Iterator[Stage]:
    """Import the function as a cold start does, and forget it afterwards."""
    with embedded_dynamodb() as client:
        tables = new_tables(client)
        create_rollups(client, rollups_name(tables))
        names = {
            "ACCOUNTS_TABLE": tables.accounts,
            "USAGE_TABLE": tables.usage,
            "ROLLUPS_TABLE": rollups_name(tables),
            # Powertools keeps one logger a name, with the stdout of its first use.
            "POWERTOOLS_SERVICE_NAME": f"rollup-{uuid4()}",
        }
        with patch.dict("os.environ", {**ENVIRONMENT, **names}), _loggers_kept():
            sys.modules.pop(HANDLER, None)
            handler = importlib.import_module(HANDLER)
            try:
                yield Stage(tables, handler, Published())
            finally:
                sys.modules.pop(HANDLER, None)


@contextmanager
def _loggers_kept() -> Iterator[None]:
    package = logging.getLogger("weir")
    before = (package.handlers, package.propagate)
    names = ("weir", "boto3", "botocore", "urllib3")
    levels = {name: logging.getLogger(name).level for name in names}
    try:
        yield
    finally:
        package.handlers, package.propagate = before
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def inserted(*rows: UsageRecord, start: int = 1) -> list[dict[str, Any]]:
    """Rows as a stream tells of them."""
    return [change(encode_record(row), number=start + n) for n, row in enumerate(rows)]


def change(image: dict[str, Any], *, number: int, kind: str = "INSERT") -> dict[str, Any]:
    return {
        "eventID": f"{number:032x}",
        "eventName": kind,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": NOON_MS // 1_000,
            "Keys": {name: image[name] for name in ("pk", "sk") if name in image},
            "NewImage": image,
            "SequenceNumber": f"{number:021d}",
            "SizeBytes": 300,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/usage/stream/x",
    }
