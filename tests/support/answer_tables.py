"""The ephemeral table and the answers' bucket in moto, for tests of kept answers."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3

from tests.support.ledger_tables import ACCOUNT, REGION, embedded_dynamodb, new_tables
from weir.adapters.answers_bucket import AnswersBucket
from weir.adapters.dynamodb.answers import DynamoDBAnswers
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.wire import DynamoDB, Item, Payload, follow, unavailable

_serial = itertools.count()


class Broken:
    """A DynamoDB that never answers."""

    def call(self, operation: str, payload: Payload) -> Item:
        """Fail."""
        raise unavailable()

    def pages(self, operation: str, payload: Payload) -> Any:
        """Fail as well."""
        return follow(self.call, operation, payload)


@dataclass(frozen=True, kw_only=True)
class AnswerTables:
    """One table, one bucket, and the clients that reach them."""

    client: Any
    storage: Any
    table: str
    bucket: str
    storage_clients_made: list[str] = field(default_factory=list)

    def answers(self, *, db: DynamoDB | None = None, bucket: str | None = None) -> DynamoDBAnswers:
        """The adapter; each one is like another process."""
        return DynamoDBAnswers(
            db or BotoDynamoDB(lambda: self.client),
            table=self.table,
            bucket=AnswersBucket(self._storage, name=bucket or self.bucket),
        )

    def row(self) -> Item:
        """The only row there is."""
        (row,) = self.client.scan(TableName=self.table)["Items"]
        found: Item = row
        return found

    def object_names(self) -> list[str]:
        """The names of all objects."""
        listed = self.storage.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return [entry["Key"] for entry in listed]

    def everything(self) -> list[bytes]:
        """Every attribute of every row, and every object with its name, as bytes."""
        values = [value for part in self.row().values() for value in part.values()]
        found = [value if isinstance(value, bytes) else value.encode() for value in values]
        for name in self.object_names():
            answer = self.storage.get_object(Bucket=self.bucket, Key=name)
            found += [name.encode(), answer["Body"].read()]
        return found

    def empty_bucket(self) -> None:
        """Delete every object, as the bucket's lifecycle does."""
        for name in self.object_names():
            self.storage.delete_object(Bucket=self.bucket, Key=name)

    def _storage(self) -> Any:
        self.storage_clients_made.append("s3")
        return self.storage


@contextmanager
def embedded_stores() -> Iterator[tuple[Any, Any]]:
    """A DynamoDB and an S3 of this process: their clients."""
    with embedded_dynamodb() as database:
        storage = boto3.client(
            "s3", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
        )
        try:
            yield database, storage
        finally:
            storage.close()


def new_answer_tables(client: Any, storage: Any) -> AnswerTables:
    """Create an empty table and an empty bucket."""
    bucket = f"answers-{REGION}-{ACCOUNT}-{next(_serial)}"
    storage.create_bucket(Bucket=bucket)
    table = new_tables(client).ephemeral
    return AnswerTables(client=client, storage=storage, table=table, bucket=bucket)
