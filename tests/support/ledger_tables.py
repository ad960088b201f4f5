"""The ledger's tables in moto, inside this process: no socket, no server.

moto loses updates when threads write at once, so its one entry point is guarded by a lock.
"""

import itertools
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import boto3
from botocore.config import Config
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.dynamodb.models import dynamodb_backends

from tests.support.ledger_books import LedgerBooks
from tests.support.ledger_values import NOON_MS
from weir.adapters.dynamodb.account_items import decode_account
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.adapters.dynamodb.usage_items import decode_record
from weir.adapters.dynamodb.wire import Item
from weir.domain.accounts import Account
from weir.domain.usage import UsageRecord

_sets = itertools.count()
_KEYS = {
    "accounts": ("pk",),
    "usage": ("pk", "sk"),
    "control": ("pk", "sk"),
    "ephemeral": ("pk",),
}

REGION = "us-east-1"
ACCOUNT = "123456789012"  # whose resources the embedded AWS takes all for


@dataclass(frozen=True)
class Snapshot:
    """A ledger as it once was; a `LedgerReader`."""

    all_accounts: Sequence[Account]
    all_records: Sequence[UsageRecord]

    def accounts(self) -> Iterator[Account]:
        """Yield every account lane."""
        yield from self.all_accounts

    def records(self) -> Iterator[UsageRecord]:
        """Yield every usage record."""
        yield from self.all_records


@dataclass(frozen=True, kw_only=True)
class Tables:
    """One set of tables, and a client that reaches them."""

    client: Any
    accounts: str
    usage: str
    control: str
    ephemeral: str

    @property
    def db(self) -> BotoDynamoDB:
        """The transport over the shared client."""
        return BotoDynamoDB(lambda: self.client)

    def ledger(self) -> LedgerBooks:
        """A ledger over these tables; each one is like another process."""
        return LedgerBooks(
            self.db,
            accounts=self.accounts,
            usage=self.usage,
            control=self.control,
            ephemeral=self.ephemeral,
            now_ms=lambda: NOON_MS,
        )

    def keys(self) -> DynamoDBKeys:
        """The key store over these tables."""
        return DynamoDBKeys(self.db, control_table=self.control)

    def items(self, table: str) -> list[Item]:
        """Every item of a table, taken from the embedded DynamoDB's own memory: fast."""
        found = dynamodb_backends[ACCOUNT][REGION].get_table(table).all_items()
        return [item.to_json()["Attributes"] for item in found]

    def drop(self) -> None:
        """Delete the tables; a test that makes many sets spares the memory."""
        for name in (self.accounts, self.usage, self.control, self.ephemeral):
            self.client.delete_table(TableName=name)

    def snapshot(self) -> "Snapshot":
        """What the ledger's tables hold now, decoded."""
        return Snapshot(
            [decode_account(item) for item in self.items(self.accounts)],
            [decode_record(item) for item in self.items(self.usage)],
        )


@contextmanager
def embedded_dynamodb() -> Iterator[Any]:
    """A DynamoDB of this process, and its client with the product's retry settings."""
    call, lock = BotocoreStubber.__call__, threading.RLock()

    def serialised(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return call(*args, **kwargs)

    with mock_aws(), patch.object(BotocoreStubber, "__call__", serialised):
        client = new_client()
        try:
            yield client
        finally:
            client.close()


def new_client() -> Any:
    """A low-level client; reaches moto inside `embedded_dynamodb` only."""
    return boto3.client(
        "dynamodb",
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 3},
            connect_timeout=1,
            read_timeout=2,
            account_id_endpoint_mode="disabled",
        ),
    )


def new_tables(client: Any) -> Tables:
    """Create an empty set of tables, keyed and billed as the template has them."""
    names = {kind: f"{kind}-{next(_sets)}" for kind in _KEYS}
    for kind, name in names.items():
        _create(client, name, _KEYS[kind])
    return Tables(client=client, **names)


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


@contextmanager
def tables() -> Iterator[Tables]:
    """A fresh DynamoDB with one set of tables."""
    with embedded_dynamodb() as client:
        yield new_tables(client)
