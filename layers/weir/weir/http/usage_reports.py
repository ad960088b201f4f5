"""GET /usage and /usage.csv: the same reports, as JSON in one piece and as CSV of any size."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, islice
from typing import Any, NotRequired, TypedDict

from weir.domain.answers import Reply
from weir.domain.end_users import stored_name
from weir.domain.errors import InvalidRequestError
from weir.domain.money import usd_text
from weir.domain.spending import days_before, utc_day
from weir.domain.usage_reports import Grouping, UsageQuery, UsageRow
from weir.http import queries
from weir.http.access import Access
from weir.http.operations import Operation
from weir.http.replies import json_reply
from weir.http.routes import Request, Route
from weir.http.schemas import Schema
from weir.http.wire_values import dollars
from weir.services.usage_reports import UsageReports

CSV_ROUTE = "GET /api/v1/usage.csv"
MAX_ROWS = 10_000
MAX_DAYS = 3 * 366

_USUAL_DAYS = 30
_ROWS_PER_CHUNK = 500
_GROUPS = (Grouping.DAY, Grouping.MONTH, Grouping.MODEL, Grouping.KEY, Grouping.END_USER)
_COLUMNS = {Grouping.KEY: "api_key_hash"}
_FIGURES = (
    "requests",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cached_tokens",
)
# A spreadsheet takes what begins so for a formula, and models and end users are foreign text.
_FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r")


class UsageBody(TypedDict):
    """The figures of one group; of its names those that are asked for."""

    day: NotRequired[str]
    month: NotRequired[str]
    model: NotRequired[str]
    api_key_hash: NotRequired[str]
    end_user: NotRequired[str]
    requests: int
    usage: Decimal
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cached_tokens: int


class Usage(TypedDict):
    """A report, and what it is of: days in UTC, both included."""

    data: list[UsageBody]
    start_date: str
    end_date: str
    group_by: list[str]


_QUERY: Mapping[str, Schema] = {
    "group_by": queries.words_schema(_GROUPS),
    "start_date": queries.DAY,
    "end_date": queries.DAY,
    "api_key_hash": queries.TEXT,
    "model": queries.TEXT,
    "end_user": queries.TEXT,
}
_SHOW = Operation(
    summary=f"Report usage, up to {MAX_ROWS} rows",
    replies={200: Usage},
    refusals=(404,),
    query=_QUERY,
)
_EXPORT = Operation(
    summary="Report usage as CSV of any size",
    replies={200: "text/csv"},
    refusals=(404,),
    query=_QUERY,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageEndpoints:
    """Speaks for `UsageReports`."""

    reports: UsageReports

    def routes(self) -> Mapping[str, Route]:
        """Return the route that answers in one piece, and which keys it takes."""
        route = Route(access=Access.MANAGEMENT, endpoint=self.show, about=_SHOW)
        return {"GET /api/v1/usage": route}

    def streamed_routes(self) -> Mapping[str, Route]:
        """Return the route that must be streamed, and which keys it takes."""
        route = Route(access=Access.MANAGEMENT, endpoint=self.export, about=_EXPORT)
        return {CSV_ROUTE: route}

    def show(self, request: Request) -> Reply:
        """Show a report of up to `MAX_ROWS` rows.

        Raises:
            InvalidRequestError: It has more rows, or what is asked is not clear.
        """
        query = _query(request)
        rows = list(islice(self._rows(request, query), MAX_ROWS + 1))
        if len(rows) > MAX_ROWS:
            raise InvalidRequestError(
                f"This report has more than {MAX_ROWS} rows: ask for fewer days or groups, or for "
                "/api/v1/usage.csv"
            )
        content = {
            "data": [_shown(row) for row in rows],
            "start_date": query.first,
            "end_date": query.last,
            "group_by": list(query.groups),
        }
        return json_reply(content)

    def export(self, request: Request) -> Reply:
        """Send a report of any size; it is in memory for one day, or one month, at a time."""
        query = _query(request)
        rows = self._rows(request, query)
        # What can fail at once fails before the status is sent.
        first = list(islice(rows, 1))
        headers = {
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="usage-{query.first}-{query.last}.csv"',
        }
        return Reply(status=200, headers=headers, body=_csv(query, chain(first, rows)))

    def _rows(self, request: Request, query: UsageQuery) -> Iterator[UsageRow]:
        key_hash = queries.text(request.event, "api_key_hash")
        return self.reports.rows(request.key.tenant.tenant_id, query=query, key_hash=key_hash)


def _query(request: Request) -> UsageQuery:
    event, today = request.event, utc_day(request.now_ms)
    last = queries.day(event, "end_date") or today
    first = queries.day(event, "start_date") or days_before(last, _USUAL_DAYS - 1)
    if not first <= last:
        raise InvalidRequestError("start_date must not be after end_date")
    if first < days_before(last, MAX_DAYS - 1):
        raise InvalidRequestError(f"A report has at most {MAX_DAYS} days")
    groups = queries.words(event, "group_by", known=_GROUPS) or (Grouping.DAY,)
    user = queries.text(event, "end_user")
    return UsageQuery(
        groups=tuple(Grouping(group) for group in groups),
        first=first,
        last=last,
        model=queries.text(event, "model"),
        end_user=None if user is None else stored_name(user),
    )


def _shown(row: UsageRow) -> dict[str, Any]:
    about = {_COLUMNS.get(group, group.value): name for group, name in row.about.items()}
    return {**about, **_figures(row)}


def _figures(row: UsageRow) -> dict[str, Any]:
    sums = row.sums
    amounts = (
        sums.requests,
        dollars(sums.price_nano_usd),
        sums.prompt_tokens,
        sums.completion_tokens,
        sums.reasoning_tokens,
        sums.cached_tokens,
    )
    return dict(zip(_FIGURES, amounts, strict=True))


def _csv(query: UsageQuery, rows: Iterable[UsageRow]) -> Iterator[bytes]:
    names = [_COLUMNS.get(group, group.value) for group in query.groups]
    lines = chain([[*names, *_FIGURES]], map(_cells, rows))
    while some := list(islice(lines, _ROWS_PER_CHUNK)):
        text = io.StringIO()
        csv.writer(text).writerows(some)
        yield text.getvalue().encode()


def _cells(row: UsageRow) -> list[str]:
    names = [f"'{name}" if name.startswith(_FORMULA_MARKS) else name for name in row.about.values()]
    figures = {**_figures(row), "usage": usd_text(row.sums.price_nano_usd)}
    return [*names, *map(str, figures.values())]
