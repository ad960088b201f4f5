"""Day figures: the cells of days, from the day's own rows when it is closed, else from its buckets.

What happened seconds ago is in no bucket yet: the rollups follow the usage records.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from weir.domain.metering import RollupReader
from weir.domain.rollups import BucketFigure, DayFigure, Family, days_between
from weir.domain.tenants import TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Consecutive days, all closed or none; their figures are in the order of the days."""

    is_closed: bool
    figures: Iterable[DayFigure]


def stretches(
    rollups: RollupReader, tenant_id: TenantId, *, family: Family, first: str, last: str
) -> Iterator[Stretch]:
    """Yield a tenant's days from the first to the last, `yyyy-mm-dd`, month by month.

    Each stretch must be used up before the next one is taken.

    Raises:
        StoreUnavailableError: The rollups cannot be read.
    """
    for _, days in groupby(days_between(first, last), key=lambda day: day[:7]):
        month = list(days)
        closes = rollups.closes(tenant_id, first=month[0], last=month[-1])
        closed = {close.day for close in closes}
        for is_closed, run in groupby(month, key=closed.__contains__):
            span = list(run)
            start, end = span[0], span[-1]
            figures: Iterable[DayFigure]
            if is_closed:
                figures = rollups.days(tenant_id, family=family, first=start, last=end)
            else:
                buckets = rollups.buckets(tenant_id, family=family, first=start, last=end)
                figures = map(_as_day, buckets)
            yield Stretch(is_closed=is_closed, figures=figures)


def day_figures(
    rollups: RollupReader, tenant_id: TenantId, *, family: Family, first: str, last: str
) -> Iterator[DayFigure]:
    """Yield the figures of a tenant's days, in their order; a cell of a day may come in parts.

    Raises:
        StoreUnavailableError: The rollups cannot be read.
    """
    for stretch in stretches(rollups, tenant_id, family=family, first=first, last=last):
        yield from stretch.figures


def _as_day(figure: BucketFigure) -> DayFigure:
    return DayFigure(day=figure.bucket.day, cell=figure.cell, sums=figure.sums)
