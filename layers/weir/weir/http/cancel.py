"""POST /api/v1/generation/{id}/cancel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from weir.domain.ports import Clock
from weir.http.events import ProxyEvent, bearer, path_parameter
from weir.services.cancel import Cancelling

ROUTE = "POST /api/v1/generation/{id}/cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelEndpoint:
    """Speaks for `Cancelling` on the wire."""

    cancelling: Cancelling
    clock: Clock

    def respond(self, event: ProxyEvent) -> Mapping[str, Any]:
        """Ask the generation named in the path to stop; errors are those of `Cancelling`."""
        generation_id = self.cancelling.cancel(
            bearer(event), named=path_parameter(event, "id"), now_ms=self.clock.now_ms()
        )
        return {"data": {"id": generation_id, "cancelled": True}}
