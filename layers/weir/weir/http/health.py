"""GET /health: whether this gateway can serve. It names nothing of the account it runs in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypedDict

from weir import VERSION
from weir.domain.answers import Reply
from weir.http.access import Access
from weir.http.operations import Operation
from weir.http.replies import json_reply
from weir.http.routes import Request, Route
from weir.services.health import BELIEVED_MS, Health, Vitals

_MS_PER_S = 1_000
_OK, _UNAVAILABLE = 200, 503


class TablesBody(TypedDict):
    """Whether the tables answer; without them nobody is served."""

    status: Literal["ok", "unreachable"]


class CatalogueBody(TypedDict):
    """How old the list of models is; nobody has asked for it within a day when it is absent."""

    status: Literal["ok", "absent"]
    age_seconds: int | None


class ChecksBody(TypedDict):
    """What was looked at."""

    tables: TablesBody
    catalogue: CatalogueBody


class HealthBody(TypedDict):
    """Whether the gateway can serve."""

    status: Literal["ok", "unavailable"]
    version: str
    checks: ChecksBody


_SHOW = Operation(
    summary="Tell whether this gateway can serve",
    replies={_OK: HealthBody, _UNAVAILABLE: HealthBody},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthEndpoint:
    """Speaks for `Health` on the wire."""

    health: Health

    def routes(self) -> Mapping[str, Route]:
        """Return the routes, for load balancers and for clients that know a base URL."""
        route = Route(access=Access.NONE, endpoint=self.show, about=_SHOW)
        return {"GET /health": route, "GET /api/v1/health": route}

    def show(self, _request: Request) -> Reply:
        """Answer 200 when the gateway can serve, else 503."""
        vitals = self.health.vitals()
        headers = {"Cache-Control": "no-store"}
        if vitals.tables_answer:
            return json_reply(_body(vitals), headers=headers)
        headers["Retry-After"] = str(BELIEVED_MS // _MS_PER_S)
        return json_reply(_body(vitals), status=_UNAVAILABLE, headers=headers)


def _body(vitals: Vitals) -> HealthBody:
    age_ms = vitals.catalogue_age_ms
    return {
        "status": "ok" if vitals.tables_answer else "unavailable",
        "version": VERSION,
        "checks": {
            "tables": {"status": "ok" if vitals.tables_answer else "unreachable"},
            "catalogue": {
                "status": "absent" if age_ms is None else "ok",
                "age_seconds": None if age_ms is None else age_ms // _MS_PER_S,
            },
        },
    }
