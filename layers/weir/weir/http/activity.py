"""GET /activity: the last thirty full days by model and provider. The fields are OpenRouter's."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import NotRequired, TypedDict

from weir.domain.answers import Reply
from weir.domain.end_users import stored_name
from weir.domain.errors import InvalidRequestError
from weir.domain.spending import days_before, utc_day
from weir.domain.usage_reports import Grouping, UsageQuery, UsageRow
from weir.http import queries
from weir.http.access import Access
from weir.http.operations import Operation
from weir.http.replies import json_reply
from weir.http.routes import Request, Route
from weir.http.wire_values import dollars, endpoint_id, workspace_id
from weir.services.usage_reports import UsageReports

DAYS = 30

_GROUPS = (Grouping.DAY, Grouping.MODEL, Grouping.PROVIDER)
_WORKSPACE = ("workspace",)


class ActivityBody(TypedDict):
    """What one model at one provider was used for on one day."""

    date: str
    model: str
    model_permaslug: str
    endpoint_id: str
    provider_name: str
    usage: Decimal
    byok_usage_inference: Decimal
    requests: int
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cached_tokens: int
    workspace_id: NotRequired[str]


class Activity(TypedDict):
    """The activity of the days that are over, the latest first."""

    data: list[ActivityBody]


_SHOW = Operation(
    summary=f"Show the last {DAYS} full days by model and provider",
    replies={200: Activity},
    refusals=(404,),
    query={
        "date": queries.DAY,
        "api_key_hash": queries.TEXT,
        "user_id": queries.TEXT,
        "group_by": queries.words_schema(_WORKSPACE),
        "workspace_id": queries.TEXT,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityEndpoint:
    """Speaks for `UsageReports` as OpenRouter does."""

    reports: UsageReports

    def routes(self) -> Mapping[str, Route]:
        """Return the route, and which keys it takes."""
        route = Route(access=Access.MANAGEMENT, endpoint=self.show, about=_SHOW)
        return {"GET /api/v1/activity": route}

    def show(self, request: Request) -> Reply:
        """Show the activity of the days that are over, the latest first."""
        event, tenant_id = request.event, request.key.tenant.tenant_id
        first, last = _days(request)
        user = queries.text(event, "user_id")
        query = UsageQuery(
            groups=_GROUPS,
            first=first,
            last=last,
            end_user=None if user is None else stored_name(user),
        )
        grouped = queries.words(event, "group_by", known=_WORKSPACE)
        ours, asked = workspace_id(tenant_id), queries.text(event, "workspace_id")
        key_hash = queries.text(event, "api_key_hash")
        if asked is not None and asked.lower() != ours:
            return json_reply({"data": []})
        rows = self.reports.rows(tenant_id, query=query, key_hash=key_hash)
        shown = [_body(row, workspace=ours if grouped else None) for row in rows]
        # In two steps: the days fall, the models rise.
        shown.sort(key=itemgetter("model", "provider_name"))
        shown.sort(key=itemgetter("date"), reverse=True)
        return json_reply({"data": shown})


def _days(request: Request) -> tuple[str, str]:
    """Return the first and the last day that are asked for.

    Raises:
        InvalidRequestError: They are not among the last full ones.
    """
    today = utc_day(request.now_ms)
    first, last = days_before(today, DAYS), days_before(today, 1)
    day = queries.day(request.event, "date")
    if day is None:
        return first, last
    if not first <= day <= last:
        raise InvalidRequestError(f"date must be one of the last {DAYS} full days in UTC")
    return day, day


def _body(row: UsageRow, *, workspace: str | None) -> ActivityBody:
    sums, model, provider = row.sums, row.about[Grouping.MODEL], row.about[Grouping.PROVIDER]
    body: ActivityBody = {
        "date": row.about[Grouping.DAY],
        "model": model,
        "model_permaslug": model,
        "endpoint_id": endpoint_id(provider=provider, model=model),
        "provider_name": provider,
        "usage": dollars(sums.price_nano_usd),
        "byok_usage_inference": Decimal(0),
        "requests": sums.requests,
        "prompt_tokens": sums.prompt_tokens,
        "completion_tokens": sums.completion_tokens,
        "reasoning_tokens": sums.reasoning_tokens,
        "cached_tokens": sums.cached_tokens,
    }
    if workspace is not None:
        body["workspace_id"] = workspace
    return body
