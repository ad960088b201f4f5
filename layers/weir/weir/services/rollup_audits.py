"""I5 of the audit: every stored rollup beside the sums of the usage records it stands for.

Rollups follow the records by some seconds, so this asks for a moment in which nothing has ended
lately. Looked at are the days from a tenant's first record to its last.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from weir.domain import generations
from weir.domain.invariants import rollup_violations
from weir.domain.metering import RollupReader
from weir.domain.rollups import Bucket, Cell, Family, Sums, bucket_of, cells_of, sums_of
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupFindings:
    """What was compared, and what does not agree: one sentence each, beginning with `I5`."""

    checked: int
    violations: tuple[str, ...]


def audit_rollups(reader: RollupReader, records: Iterable[UsageRecord]) -> RollupFindings:
    """Compare the buckets and the closed days of every tenant that has records.

    Raises:
        StoreUnavailableError: The rollups cannot be read.
    """
    by_tenant: defaultdict[TenantId, list[UsageRecord]] = defaultdict(list)
    for record in records:
        by_tenant[record.tenant_id].append(record)
    computed: dict[str, Sums] = {}
    stored: dict[str, Sums] = {}
    for tenant_id, own in sorted(by_tenant.items()):
        days = sorted({generations.day(record.generation_id) for record in own})
        span = _Span(tenant_id=tenant_id, first=days[0], last=days[-1])
        closed = {
            close.day: close.total
            for close in reader.closes(tenant_id, first=span.first, last=span.last)
        }
        computed |= _computed(own, closed=closed.keys())
        stored |= {f"{tenant_id} {day}": total for day, total in closed.items()}
        stored |= _stored(reader, span, closed=closed.keys())
    return RollupFindings(
        checked=len({*computed, *stored}),
        violations=tuple(rollup_violations(computed, stored)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """Days of a tenant, `yyyy-mm-dd`; the last one is included."""

    tenant_id: TenantId
    first: str
    last: str


def _computed(records: Sequence[UsageRecord], *, closed: Iterable[str]) -> dict[str, Sums]:
    days = set(closed)
    sums: defaultdict[str, Sums] = defaultdict(Sums)
    for record in records:
        for name in _names(record, days):
            sums[name] += sums_of(record)
    return dict(sums)


def _names(record: UsageRecord, closed: set[str]) -> Iterator[str]:
    """Name every rollup that a record counts in."""
    day = generations.day(record.generation_id)
    if day in closed:
        yield f"{record.tenant_id} {day}"
    for cell in cells_of(record):
        yield _bucket_name(bucket_of(record), cell)
        if day in closed:
            yield _day_name(record.tenant_id, day, cell)


def _stored(reader: RollupReader, span: _Span, *, closed: Iterable[str]) -> dict[str, Sums]:
    days, found = set(closed), dict[str, Sums]()
    tenant_id, first, last = span.tenant_id, span.first, span.last
    for family in Family:
        for bucket in reader.buckets(tenant_id, family=family, first=first, last=last):
            found[_bucket_name(bucket.bucket, bucket.cell)] = bucket.sums
        for figure in reader.days(tenant_id, family=family, first=first, last=last):
            # Of a day that is not closed, a close that broke off may have stored some cells.
            if figure.day in days:
                found[_day_name(tenant_id, figure.day, figure.cell)] = figure.sums
    return found


def _bucket_name(bucket: Bucket, cell: Cell) -> str:
    start = datetime.fromtimestamp(bucket.start_s, UTC).strftime("%Y-%m-%dT%H:%M")
    return f"{bucket.tenant_id} {start}#{bucket.lane} {_cell_name(cell)}"


def _day_name(tenant_id: TenantId, day: str, cell: Cell) -> str:
    return f"{tenant_id} {day} {_cell_name(cell)}"


def _cell_name(cell: Cell) -> str:
    parts = (cell.family, cell.end_user, cell.key_id, cell.model, cell.provider)
    return "/".join("-" if part is None else part for part in parts)
