"""Rollups: brought up to date with the usage records, and read.

Nothing is ever added up from what arrives. A record that arrives only says which bucket to read
again; the sums of what is then stored replace the old ones unless those are of more rows. So a
record may arrive twice, late, out of order or in several places at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby

from weir.domain.errors import StoreUnavailableError
from weir.domain.generations import GenerationId
from weir.domain.metering import RollupReader, Rollups, UsagePartitions
from weir.domain.rollups import (
    Bucket,
    Cell,
    DayFigure,
    Family,
    Sums,
    bucket_of,
    cells_of,
    days_between,
    summed,
)
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord


def refresh(
    records: Iterable[UsageRecord], *, usage: UsagePartitions, rollups: Rollups
) -> frozenset[GenerationId]:
    """Recompute the cells that new usage records count in.

    Args:
        records: New ones, in any order, any of them more than once.
        usage: The usage table, which has them all.
        rollups: Where the cells are stored.

    Returns:
        The records that may be missing in the rollups because a table could not be reached.
    """
    by_bucket: defaultdict[Bucket, list[UsageRecord]] = defaultdict(list)
    for record in records:
        by_bucket[bucket_of(record)].append(record)
    failed: set[GenerationId] = set()
    for bucket, arrived in by_bucket.items():
        touched = {cell for record in arrived for cell in cells_of(record)}
        try:
            _recompute(bucket, touched, usage=usage, rollups=rollups)
        except StoreUnavailableError:
            failed.update(record.generation_id for record in arrived)
    return frozenset(failed)


def _recompute(
    bucket: Bucket, touched: set[Cell], *, usage: UsagePartitions, rollups: Rollups
) -> None:
    stored = summed(usage.bucket(bucket))
    for cell in touched & stored.keys():
        rollups.put_bucket(bucket, cell=cell, sums=stored[cell])


def daily_figures(
    reader: RollupReader, tenant_id: TenantId, *, family: Family, first: str, last: str
) -> Iterator[DayFigure]:
    """Yield the sums of every cell and day; of a day that is not closed, those of its buckets.

    Args:
        reader: The rollups.
        tenant_id: Whose usage.
        family: KEY for all usage, END_USER for that of end users.
        first: UTC day, `yyyy-mm-dd`.
        last: The same; included.

    Raises:
        StoreUnavailableError: The rollups cannot be read.
    """
    closed = {close.day for close in reader.closes(tenant_id, first=first, last=last)}
    if closed:
        for figure in reader.days(tenant_id, family=family, first=first, last=last):
            # Cells of a day that is not closed are those of a close that was broken off.
            if figure.day in closed:
                yield figure
    for is_closed, days in groupby(days_between(first, last), key=closed.__contains__):
        if not is_closed:
            run = list(days)
            yield from _from_buckets(reader, tenant_id, family=family, first=run[0], last=run[-1])


def _from_buckets(
    reader: RollupReader, tenant_id: TenantId, *, family: Family, first: str, last: str
) -> Iterator[DayFigure]:
    found: defaultdict[tuple[str, Cell], Sums] = defaultdict(Sums)
    for figure in reader.buckets(tenant_id, family=family, first=first, last=last):
        found[figure.bucket.day, figure.cell] += figure.sums
    for (day, cell), sums in found.items():
        yield DayFigure(day=day, cell=cell, sums=sums)
