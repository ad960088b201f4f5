"""The routes of a function that answers with JSON in one piece, and what it returns to Lambda."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from weir.domain.errors import NotFoundError, WeirError
from weir.domain.ports import Journal
from weir.http.cors import CORS_HEADERS
from weir.http.errors import error_response, internal_error
from weir.http.events import ProxyEvent
from weir.http.unforeseen import log_frames

Endpoint = Callable[[ProxyEvent], Mapping[str, Any]]
"""Takes a request, returns the JSON object of its answer; every `WeirError` becomes an envelope."""

_Answer = tuple[int, Mapping[str, str], bytes]


class ProxyResult(TypedDict):
    """What a REST API with Lambda proxy integration expects back."""

    statusCode: int
    headers: Mapping[str, str]
    body: str
    isBase64Encoded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """Sends each request to its endpoint.

    Attributes:
        endpoints: By method and resource as the template has them, `POST /api/v1/keys/{hash}`.
    """

    endpoints: Mapping[str, Endpoint]
    journal: Journal

    def respond(self, event: ProxyEvent, *, request_id: str) -> ProxyResult:
        """Answer one proxy event; every failure becomes an error envelope.

        Args:
            request_id: Shown to the client when something unforeseen happens.
        """
        try:
            return _result(self._answered(event))
        except WeirError as error:
            self.journal.refused(error=error)
            return _result(error_response(error))
        except Exception as failure:  # noqa: BLE001  the outermost edge: nothing may leak out of here
            log_frames(failure)
            return _result(internal_error(request_id))

    def _answered(self, event: ProxyEvent) -> _Answer:
        endpoint = self.endpoints.get(f"{event.get('httpMethod')} {event.get('resource')}")
        if endpoint is None:
            raise NotFoundError("Not Found")
        body = json.dumps(endpoint(event), ensure_ascii=False, separators=(",", ":"))
        return 200, {"Content-Type": "application/json", **CORS_HEADERS}, body.encode()


def _result(answer: _Answer) -> ProxyResult:
    status, headers, body = answer
    return {
        "statusCode": status,
        "headers": headers,
        "body": body.decode(),
        "isBase64Encoded": False,
    }
