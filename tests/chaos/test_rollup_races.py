"""Rollups equal the records when many rollup functions work on overlapping batches at once."""

import importlib
import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.support.honest_books import make_row
from tests.support.ledger_tables import REGION, Tables
from tests.support.ledger_values import ACME, NOON_MS
from tests.support.rollup_fakes import expected_buckets, rollups_name, stored_buckets
from tests.support.rollup_stage import HANDLER, inserted
from tests.support.storm_processes import Site, site
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.adapters.dynamodb.wire import Item, Payload
from weir.domain.usage import UsageRecord

pytestmark = pytest.mark.chaos

CREDIT = 10**9


@pytest.fixture
def place() -> Iterator[Site]:
    with site() as opened:
        yield opened


def test_rollups_equal_the_records_when_batches_overlap(place: Site) -> None:
    rollers, share = 8, 24
    together = multiprocessing.get_context("fork").Barrier(rollers)
    place.tables.ledger().open_tenant_account(ACME, credit_nano_usd=CREDIT)
    # Everybody is at the same bucket at once and never comes back to mend it.
    rows = [
        make_row(cost=n, now_ms=NOON_MS + n // rollers * 600_000, key_id=f"key{n % 2}")
        for n in range(rollers * share)
    ]

    def roll(roller: int, tables: Tables) -> Counter[str]:
        """Store a share of the records; deliver each twice, among others of its bucket."""
        handler = rollup_handler(place, tables, seed=roller)
        chance, done = random.Random(roller), Counter[str]()
        for bucket in range(share):
            mates = rows[bucket * rollers : (bucket + 1) * rollers]
            together.wait(60)
            tables.ledger().record(mates[roller])
            batch = [mates[roller]] * 2
            if bucket % 2:  # elsewhere, no later delivery mends what an earlier one spoilt
                batch += [row for row in mates if is_stored(tables, row)]
            chance.shuffle(batch)
            answer = handler({"Records": inserted(*batch)}, None)
            done += Counter(delivered=len(batch), failed=len(answer["batchItemFailures"]))
        return done

    began = time.monotonic()
    done = sum(place.at_once([partial(roll, n) for n in range(rollers)]), Counter[str]())

    rollups = DynamoDBRollups(place.tables.db, table=rollups_name(place.tables))
    stored = stored_buckets(rollups, ACME, first="2026-11-18", last="2026-11-18")
    print(
        f"\n{rollers} rollup functions: {len(rows)} records, {dict(done)}, {len(stored)} cells; "
        f"{time.monotonic() - began:.1f} s"
    )
    assert done["failed"] == 0
    assert stored == expected_buckets(rows)


def rollup_handler(
    place: Site, tables: Tables, *, seed: int
) -> Callable[..., dict[str, list[object]]]:
    """Import the rollup function into this process, as a cold start does.

    Its writes take their time, so that one may arrive after another that was read later.
    """
    os.environ.update(
        {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_DYNAMODB": place.url,
            "POWERTOOLS_METRICS_NAMESPACE": "Weir",
            "POWERTOOLS_SERVICE_NAME": "rollup",
            "POWERTOOLS_LOG_LEVEL": "CRITICAL",
            "POWERTOOLS_METRICS_DISABLED": "true",
            "EVENT_BUS_NAME": "default",
            "USAGE_EVENTS": "off",
            "ALERT_THRESHOLDS": "100",
            "ACCOUNTS_TABLE": tables.accounts,
            "USAGE_TABLE": tables.usage,
            "CONTROL_TABLE": tables.control,
            "ROLLUPS_TABLE": rollups_name(tables),
        }
    )
    function: Any = importlib.import_module(HANDLER)
    call, chance = function.db.call, random.Random(seed)

    def slowly(operation: str, payload: Payload) -> Item:
        if operation == "PutItem":
            time.sleep(chance.choice((0, 0, 0.2)))
        answer: Item = call(operation, payload)
        return answer

    function.db.call = slowly
    handler: Callable[..., dict[str, list[object]]] = function.lambda_handler
    return handler


def is_stored(tables: Tables, row: UsageRecord) -> bool:
    """Tell whether a record is there: a stream tells of no other."""
    key = {"pk": {"S": f"{ACME}#2026-11-18#0"}, "sk": {"S": row.generation_id}}
    return "Item" in tables.client.get_item(TableName=tables.usage, Key=key, ConsistentRead=True)
