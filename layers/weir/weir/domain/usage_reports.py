"""Usage reports: a tenant's usage, summed up by whatever it is asked by."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from weir.domain.rollups import Cell, DayFigure, Family, Sums

_MONTH_CHARS = 7


class Grouping(StrEnum):
    """What the rows of a report tell apart. The words of the wire."""

    DAY = "day"
    MONTH = "month"
    MODEL = "model"
    KEY = "key"
    PROVIDER = "provider"
    END_USER = "end_user"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuery:
    """What a report is to tell.

    Attributes:
        groups: In the order of the columns.
        first: UTC day, `yyyy-mm-dd`.
        last: The same; included.
        key_id: Only of this API key; so are the others only of what they name.
    """

    groups: tuple[Grouping, ...]
    first: str
    last: str
    key_id: str | None = None
    model: str | None = None
    end_user: str | None = None

    @property
    def family(self) -> Family:
        """Return which cells it is summed up from; only those of end users tell them apart."""
        asks_users = Grouping.END_USER in self.groups or self.end_user is not None
        return Family.END_USER if asks_users else Family.KEY

    def takes(self, cell: Cell) -> bool:
        """Tell whether a cell counts."""
        wanted = ((self.key_id, cell.key_id), (self.model, cell.model))
        return all(asked in {None, found} for asked, found in wanted) and (
            self.end_user in {None, cell.end_user}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """One row of a report: what it is about, by grouping, and its sums."""

    about: Mapping[Grouping, str]
    sums: Sums


def rows(figures: Iterable[DayFigure], *, query: UsageQuery) -> Iterator[UsageRow]:
    """Yield the rows of a report, as soon as they are complete.

    Args:
        figures: Of the query's family and days, in the order of their days.
        query: What is asked.
    """
    for _, run in groupby(figures, key=lambda figure: _time(figure.day, query)):
        found: defaultdict[tuple[str, ...], Sums] = defaultdict(Sums)
        for figure in run:
            if query.takes(figure.cell):
                found[tuple(_name(figure, group) for group in query.groups)] += figure.sums
        for names in sorted(found):
            about = dict(zip(query.groups, names, strict=True))
            yield UsageRow(about=about, sums=found[names])


def _time(day: str, query: UsageQuery) -> str:
    if Grouping.DAY in query.groups:
        return day
    return day[:_MONTH_CHARS] if Grouping.MONTH in query.groups else ""


def _name(figure: DayFigure, group: Grouping) -> str:
    cell = figure.cell
    match group:
        case Grouping.DAY:
            return figure.day
        case Grouping.MONTH:
            return figure.day[:_MONTH_CHARS]
        case Grouping.MODEL:
            return cell.model
        case Grouping.KEY:
            return cell.key_id
        case Grouping.PROVIDER:
            return cell.provider or ""
        case _:
            return cell.end_user or ""
