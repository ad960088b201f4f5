"""Rollups equal the records in the end, however deliveries, readings and writes are interleaved.

A reading goes row by row, and anything may happen between two rows and before each write: rows are
written, other batches are rolled up in full, the store fails. Lambda delivers a record until it is
done; more is not asked of it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from typing_extensions import override

from tests.support.honest_books import make_row
from tests.support.ledger_values import NOON_MS
from tests.support.rollup_fakes import FakeRollups, expected_buckets
from weir.domain.errors import StoreUnavailableError
from weir.domain.generations import GenerationId
from weir.domain.metering import Rollups, UsagePartitions
from weir.domain.rollups import Bucket, Cell, Sums, bucket_of, cells_of, sums_of
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord
from weir.services.rollups import refresh

ROWS = [
    make_row(
        cost=10**n,
        now_ms=NOON_MS + 600_000 * (n % 4 == 3),
        lane=n % 5 == 4,
        end_user=f"user {n % 2}" if n % 3 else None,
    )
    for n in range(9)
]

Refresh = Callable[..., frozenset[GenerationId]]


class World:
    """A usage table, rollups, a stream, and a tape that says what happens next."""

    def __init__(self, tape: Iterable[int], *, roll_up: Refresh, guarded: bool) -> None:
        self.rows: list[UsageRecord] = []
        self.rollups = FakeRollups() if guarded else LastWriterWins()
        self._tape = iter(tape)
        self._roll_up = roll_up
        self._unborn = list(ROWS)
        self._undelivered: set[GenerationId] = set()
        self._depth = 0

    def happen(self) -> None:
        """Let the next thing happen: a row is written, or a batch is delivered, or nothing is."""
        step = next(self._tape, 0)
        if step % 3 == 1 and self._unborn:
            row = self._unborn.pop(step // 3 % len(self._unborn))
            self.rows.append(row)
            self._undelivered.add(row.generation_id)
        elif step % 3 == 2 and self.rows and self._depth < 3:
            first = step // 3 % len(self.rows)
            self.deliver(self.rows[first : first + 1 + step % 4] * (1 + step % 2))

    def deliver(self, batch: list[UsageRecord]) -> None:
        self._depth += 1
        failed = self._roll_up(batch, usage=self, rollups=self)
        self._depth -= 1
        self._undelivered -= {row.generation_id for row in batch} - failed

    def bucket(self, bucket: Bucket) -> Iterator[UsageRecord]:
        last = ""
        while page := [r for r in self._in(bucket) if r.generation_id > last][:1]:
            last = page[0].generation_id
            yield page[0]
            self.happen()

    def day(self, tenant_id: TenantId, *, day: str, lane: int) -> Iterator[UsageRecord]:
        raise NotImplementedError

    def put_bucket(self, bucket: Bucket, *, cell: Cell, sums: Sums) -> bool:
        self.happen()
        if next(self._tape, 0) % 5 == 4:
            raise StoreUnavailableError("away")
        return self.rollups.put_bucket(bucket, cell=cell, sums=sums)

    def finish(self) -> None:
        """Deliver what is not done, as often as it takes."""
        while self._undelivered:
            self.deliver([row for row in self.rows if row.generation_id in self._undelivered])

    @property
    def is_right(self) -> bool:
        return self.rollups.stored_buckets == expected_buckets(self.rows)

    def _in(self, bucket: Bucket) -> list[UsageRecord]:
        found = [row for row in self.rows if bucket_of(row) == bucket]
        return sorted(found, key=lambda row: row.generation_id)


class LastWriterWins(FakeRollups):
    """Rollups without the guard."""

    @override
    def put_bucket(self, bucket: Bucket, *, cell: Cell, sums: Sums) -> bool:
        self.stored_buckets[bucket, cell] = sums
        return True


def increment(
    records: Iterable[UsageRecord], *, usage: UsagePartitions, rollups: Rollups
) -> frozenset[GenerationId]:
    """What rollups must not be: sums that are added to by whatever arrives."""
    stored: Any = rollups
    sums: defaultdict[tuple[Bucket, Cell], Sums] = defaultdict(Sums, stored.rollups.stored_buckets)
    for record in records:
        for cell in cells_of(record):
            sums[bucket_of(record), cell] += sums_of(record)
    stored.rollups.stored_buckets = dict(sums)
    return frozenset()


TAPES = st.lists(st.integers(0, 35), min_size=10, max_size=80)


def run(tape: list[int], *, roll_up: Refresh = refresh, guarded: bool = True) -> World:
    world = World(tape, roll_up=roll_up, guarded=guarded)
    for _ in range(len(tape)):
        world.happen()
    world.finish()
    return world


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(TAPES)
def test_rollups_equal_the_records_when_anything_is_interleaved(tape: list[int]) -> None:
    assert run(tape).is_right


@pytest.mark.parametrize(
    "mutant", [{"guarded": False}, {"roll_up": increment}], ids=["no guard", "incremented"]
)
def test_rollups_go_wrong_when_a_rule_is_taken_out(mutant: dict[str, Any]) -> None:
    search = settings(
        max_examples=2_000,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    try:
        tape = find(TAPES, lambda tape: not run(tape, **mutant).is_right, settings=search)
    except NoSuchExample:
        pytest.fail("the mutant survives")
    assert not run(tape, **mutant).is_right
    assert run(tape).is_right
