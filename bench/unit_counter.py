"""A `DynamoDB` over dynalite, which tells the capacity units of every call as DynamoDB does."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import boto3

from local.dynalite import Dynalite
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.wire import Item, Payload, follow

TABLES = {
    "accounts": ("pk",),
    "usage": ("pk", "sk"),
    "rollups": ("pk", "sk"),
    "ephemeral": ("pk",),
}
# us-east-1, on-demand, Standard table class: AWS' list price since 2024-11-01
# (aws.amazon.com/dynamodb/pricing/on-demand), looked up in November 2026.
WRITE_USD_PER_MILLION = Decimal("0.625")
READ_USD_PER_MILLION = Decimal("0.125")
_READS = {"GetItem", "Query"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Write and read request units of one request."""

    write: Decimal
    read: Decimal

    @property
    def usd_per_million(self) -> Decimal:
        """Return what a million such requests cost."""
        return self.write * WRITE_USD_PER_MILLION + self.read * READ_USD_PER_MILLION


class CountedDynamoDB:
    """Counts from the start, or from the last `taken`."""

    def __init__(self, client: Any) -> None:
        self._db = BotoDynamoDB(lambda: client)
        self._write = self._read = Decimal(0)

    def call(self, operation: str, payload: Payload) -> Item:
        """Run one operation."""
        answer = self._db.call(operation, {**payload, "ReturnConsumedCapacity": "TOTAL"})
        units = Decimal(str(answer["ConsumedCapacity"]["CapacityUnits"]))
        if operation in _READS:
            self._read += units
        else:
            self._write += units
        return answer

    def pages(self, operation: str, payload: Payload) -> Iterator[Item]:
        """Run `Query`, page by page."""
        return follow(self.call, operation, payload)

    def taken(self) -> Units:
        """Return what was counted, and begin anew."""
        units = Units(write=self._write, read=self._read)
        self._write = self._read = Decimal(0)
        return units


@contextmanager
def counted_dynamodb() -> Iterator[CountedDynamoDB]:
    """Start a dynalite with empty tables, keyed as the template has them."""
    with Dynalite() as server:
        client = boto3.client(
            "dynamodb",
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id="bench",
            aws_secret_access_key="bench",
        )
        try:
            for name, keys in TABLES.items():
                _create(client, name, keys)
            yield CountedDynamoDB(client)
        finally:
            client.close()


def _create(client: Any, name: str, keys: Sequence[str]) -> None:
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        BillingMode="PAY_PER_REQUEST",
    )
