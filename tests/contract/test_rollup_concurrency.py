"""Rollups equal the records when several processes roll up the same buckets at once."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from tests.support.honest_books import make_row
from tests.support.ledger_tables import embedded_dynamodb, new_tables
from tests.support.ledger_values import ACME, NOON_MS
from tests.support.rollup_fakes import (
    create_rollups,
    expected_buckets,
    rollups_name,
    stored_buckets,
)
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.adapters.dynamodb.usage_queries import UsageQueries
from weir.domain.usage import UsageRecord
from weir.services.rollups import refresh

WORKERS = 4


def test_rollups_equal_the_records_when_workers_race() -> None:
    rows = [make_row(cost=n, now_ms=NOON_MS + n % 2 * 600_000) for n in range(32)]
    start = Barrier(WORKERS)

    with embedded_dynamodb() as client:
        tables = new_tables(client)
        create_rollups(client, rollups_name(tables))

        def work(worker: int) -> None:
            """Write a share of the records, and roll up each batch with some that were before."""
            chance = random.Random(worker)
            mine = rows[worker::WORKERS]
            done: list[UsageRecord] = []
            start.wait()
            for row in mine:
                tables.ledger().record(row)
                done.append(row)
                batch = [row, *chance.choices(done, k=3)]
                chance.shuffle(batch)
                assert not refresh(
                    batch,
                    usage=UsageQueries(tables.db, table=tables.usage),
                    rollups=DynamoDBRollups(tables.db, table=rollups_name(tables)),
                )

        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(work, range(WORKERS)))

        rollups = DynamoDBRollups(tables.db, table=rollups_name(tables))
        found = stored_buckets(rollups, ACME, first="2026-11-18", last="2026-11-18")

    assert found == expected_buckets(rows)
