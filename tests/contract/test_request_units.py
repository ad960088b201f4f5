"""A request takes as many write units as the design says, however many others are in flight."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from bench.unit_counter import CountedDynamoDB, Units, counted_dynamodb
from bench.units import MAX_IN_FLIGHT, SCENARIOS, measure, requests


@pytest.fixture(scope="module")
def db() -> Iterator[CountedDynamoDB]:
    with counted_dynamodb() as made:
        yield made


def test_request_takes_its_write_units_when_up_to_eight_are_in_flight(db: CountedDynamoDB) -> None:
    taken = {
        scenario.name: [int(one.write) for one in requests(db, scenario)] for scenario in SCENARIOS
    }

    assert taken == {
        "key without a limit": [3] * MAX_IN_FLIGHT,
        "checkpointed": [4] * MAX_IN_FLIGHT,
        "Idempotency-Key, answer of 2 KB": [6] * MAX_IN_FLIGHT,
        "key with a limit": [5] * MAX_IN_FLIGHT,
        # With the names of end users in the holds, the eighth makes the tenant's item too large.
        "key and end user with limits": [7] * (MAX_IN_FLIGHT - 1) + [9],
    }


def test_a_million_requests_cost_what_their_units_are_listed_at() -> None:
    assert Units(write=Decimal(3), read=Decimal(0)).usd_per_million == Decimal("1.875")
    assert Units(write=Decimal(1), read=Decimal("0.5")).usd_per_million == Decimal("0.6875")


def test_every_goal_is_reached_when_the_bench_measures_units() -> None:
    rows = measure()

    assert {row.goal.verdict(row.weir) for row in rows if row.goal} == {"reached"}
    assert {row.unit for row in rows} == {"WRU", "RRU", "USD"}
