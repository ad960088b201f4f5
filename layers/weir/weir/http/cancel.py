"""POST /api/v1/generation/{id}/cancel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypedDict

from weir.domain.answers import Reply
from weir.http.access import Access
from weir.http.events import path_parameter
from weir.http.operations import Operation
from weir.http.replies import json_reply
from weir.http.routes import Request, Route
from weir.services.cancel import Cancelling


class CancelledBody(TypedDict):
    """A request that will stop."""

    id: str
    cancelled: Literal[True]


class Cancelled(TypedDict):
    """It will stop."""

    data: CancelledBody


_CANCEL = Operation(summary="Stop a running request", replies={200: Cancelled}, refusals=(409,))


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelEndpoint:
    """Speaks for `Cancelling` on the wire."""

    cancelling: Cancelling

    def routes(self) -> Mapping[str, Route]:
        """Return the route, and which keys it takes."""
        route = Route(access=Access.ANY, endpoint=self.respond, about=_CANCEL)
        return {"POST /api/v1/generation/{id}/cancel": route}

    def respond(self, request: Request) -> Reply:
        """Ask the generation named in the path to stop; errors are those of `Cancelling`."""
        generation_id = self.cancelling.cancel(
            request.key.tenant.tenant_id,
            named=path_parameter(request.event, "id"),
            now_ms=request.now_ms,
        )
        stopping: CancelledBody = {"id": generation_id, "cancelled": True}
        return json_reply({"data": stopping})
