"""What requests take of DynamoDB's capacity, and what that costs.

A unit writes an item of up to 1 KB, or reads one of up to 4 KB consistently. All requests in flight
on an account are in its item, so what a request takes depends on how many there are.
"""

from collections.abc import Sequence

from bench.figures import Goal, Row
from bench.unit_counter import CountedDynamoDB, Units, counted_dynamodb
from bench.unit_traffic import NOON_MS, Scenario, Traffic
from weir.adapters.dynamodb.cancellations import DynamoDBCancellations
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.adapters.dynamodb.usage_queries import UsageQueries
from weir.domain.generations import RANDOM_BYTES, new_generation_id
from weir.domain.holds import Level
from weir.domain.tenants import TenantId
from weir.services.rollups import refresh

MAX_IN_FLIGHT = 8

SCENARIOS = (
    Scenario(name="key without a limit", most=3),
    Scenario(name="checkpointed", checkpoint=True, most=4),
    Scenario(name="Idempotency-Key, answer of 2 KB", idempotency_key=True, most=6),
    Scenario(name="key with a limit", levels=frozenset({Level.KEY}), most=5),
    Scenario(name="key and end user with limits", levels=frozenset(Level)),
)


def measure() -> list[Row]:
    """Measure every kind of request at 1 to `MAX_IN_FLIGHT` in flight, and what comes after it."""
    with counted_dynamodb() as db:
        rows = [
            row
            for scenario in SCENARIOS
            for row in _rows(f"request, {scenario.name}", requests(db, scenario), scenario.most)
        ]
        rows += _rows("rollups of a record that comes alone", [rolled_up(db)])
        watched = watched_for_a_second(db)
    name = "looking for a cancellation, each second of a stream"
    return [*rows, Row(name=name, unit="RRU", weir=float(watched.read))]


def requests(db: CountedDynamoDB, scenario: Scenario) -> list[Units]:
    """Return what a request takes when it is the first, the second … the last in flight."""
    traffic = Traffic(db, TenantId(f"acme-production-{SCENARIOS.index(scenario)}"))
    traffic.open(scenario.levels)
    found = []
    for place in range(MAX_IN_FLIGHT):
        if place:
            traffic.leave_in_flight(scenario.levels)
        db.taken()
        traffic.request(scenario)
        found.append(db.taken())
    return found


def rolled_up(db: CountedDynamoDB) -> Units:
    """Return what the rollups of one record take, when no other one shares its batch."""
    traffic = Traffic(db, TenantId("rolled-up"))
    traffic.open(frozenset())
    record = traffic.request(SCENARIOS[0])
    db.taken()
    usage, rollups = UsageQueries(db, table="usage"), DynamoDBRollups(db, table="rollups")
    assert not refresh([record], usage=usage, rollups=rollups)
    return db.taken()


def watched_for_a_second(db: CountedDynamoDB) -> Units:
    """Return what a stream takes to see within a second that it was cancelled."""
    db.taken()
    cancellations = DynamoDBCancellations(db, ephemeral_table="ephemeral")
    generation_id = new_generation_id(now_ms=NOON_MS, lane=0, random=bytes(RANDOM_BYTES))
    assert not cancellations.is_cancelled(TenantId("watched"), generation_id)
    return db.taken()


def _rows(name: str, measured: Sequence[Units], most: int | None = None) -> list[Row]:
    """Make the rows of the most expensive of some requests."""
    dearest = max(measured, key=lambda units: units.usd_per_million)
    goal = None if most is None else Goal(target=most, reject=most)
    return [
        Row(name=name, unit="WRU", weir=float(dearest.write), goal=goal),
        Row(name="… a million of them", unit="USD", weir=float(dearest.usd_per_million)),
    ]
