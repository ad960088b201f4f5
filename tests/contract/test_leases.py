"""One of many processes has a lease, until it lapses."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.answer_tables import Broken
from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from weir.adapters.dynamodb.leases import DynamoDBLeases
from weir.domain.errors import StoreUnavailableError

NOW_MS = 1_795_000_000_500


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made:
        yield made


@pytest.fixture
def tables(client: Any) -> Tables:
    return new_tables(client)


def test_a_lease_is_taken_once_until_it_lapses(tables: Tables) -> None:
    first, second = (DynamoDBLeases(tables.db, ephemeral_table=tables.ephemeral) for _ in "ab")

    assert first.take("x" * 5_000, now_ms=NOW_MS, for_ms=1_000)
    assert not second.take("x" * 5_000, now_ms=NOW_MS + 999, for_ms=1_000)
    assert second.take("another", now_ms=NOW_MS, for_ms=1_000)
    assert second.take("x" * 5_000, now_ms=NOW_MS + 1_000, for_ms=1_000)


def test_a_row_is_removed_only_after_its_lease_has_lapsed(tables: Tables) -> None:
    leases = DynamoDBLeases(tables.db, ephemeral_table=tables.ephemeral)
    leases.take("x", now_ms=NOW_MS, for_ms=1_000)

    (row,) = tables.items(tables.ephemeral)

    assert int(row["ttl"]["N"]) * 1_000 >= NOW_MS + 1_000


def test_nobody_knows_when_the_table_is_out_of_reach() -> None:
    with pytest.raises(StoreUnavailableError):
        DynamoDBLeases(Broken(), ephemeral_table="ephemeral").take("x", now_ms=0, for_ms=1)
