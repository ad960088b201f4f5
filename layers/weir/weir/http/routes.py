"""The routes of a function: which keys each takes, and what answers it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypedDict

from weir.domain.answers import Reply
from weir.domain.api_keys import ApiKey
from weir.domain.audit_log import Actor
from weir.domain.errors import NotFoundError, WeirError
from weir.domain.ports import Clock, Journal
from weir.http.access import Access, Gate
from weir.http.cors import CORS_HEADERS
from weir.http.errors import ErrorResponse, error_response, internal_error
from weir.http.events import ProxyEvent
from weir.http.operations import Operation
from weir.http.unforeseen import log_frames

_PRIVATE = {"Cache-Control": "private, no-store"}
_PUBLIC = frozenset({Access.NONE, Access.OPTIONAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that its route takes.

    Attributes:
        caller: The key it came with; None for the operator, and for a caller without one.
        now_ms: Epoch milliseconds.
        operator: Name of the operator's key that it came with; None from everybody else.
        request_id: As the log has it.
    """

    event: ProxyEvent
    caller: ApiKey | None
    now_ms: int
    operator: str | None = None
    request_id: str = ""

    @property
    def key(self) -> ApiKey:
        """The caller's key, on a route that takes nobody without one."""
        assert self.caller is not None, "the route is open to callers without a key"
        return self.caller

    @property
    def actor(self) -> Actor:
        """Who asks, as the audit log names him; on a route that takes nobody without a key."""
        return Actor(who=self.operator or self.key.label, request_id=self.request_id)


Endpoint = Callable[[Request], Reply]
"""Answers a request; every `WeirError` it raises becomes an envelope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a route takes, what answers it, and what its clients are told of it.

    Attributes:
        is_page: People go there; no script of another origin may read it.
    """

    access: Access
    endpoint: Endpoint
    about: Operation
    is_page: bool = False


class ProxyResult(TypedDict):
    """What a REST API with Lambda proxy integration expects back."""

    statusCode: int
    headers: Mapping[str, str]
    body: str
    isBase64Encoded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """Admits each request and sends it to its endpoint.

    Attributes:
        table: By method and resource as the template has them, `POST /api/v1/keys/{hash}`.
    """

    table: Mapping[str, Route]
    gate: Gate
    clock: Clock
    journal: Journal

    def respond(self, event: ProxyEvent, *, request_id: str) -> ProxyResult:
        """Answer one proxy event in one piece; see `reply`."""
        reply = self.reply(event, request_id=request_id)
        return {
            "statusCode": reply.status,
            "headers": reply.headers,
            "body": b"".join(reply.body).decode(),
            "isBase64Encoded": False,
        }

    def reply(self, event: ProxyEvent, *, request_id: str) -> Reply:
        """Answer one proxy event; every failure before the first byte becomes an error envelope.

        Args:
            event: As API Gateway sends it.
            request_id: Shown to the client when something unforeseen happens; kept with what the
                request changes.
        """
        try:
            return self._answered(event, request_id)
        except WeirError as error:
            self.journal.refused(error=error)
            return _failure(error_response(error))
        except Exception as failure:  # noqa: BLE001  the outermost edge: nothing may leak out of here
            log_frames(failure)
            return _failure(internal_error(request_id))

    def _answered(self, event: ProxyEvent, request_id: str) -> Reply:
        route = self.table.get(f"{event.get('httpMethod')} {event.get('resource')}")
        if route is None:
            raise NotFoundError("Not Found")
        now_ms = self.clock.now_ms()
        caller = self.gate.admit(event, access=route.access, now_ms=now_ms)
        request = Request(
            event=event,
            caller=caller.key,
            now_ms=now_ms,
            operator=caller.operator,
            request_id=request_id,
        )
        reply = route.endpoint(request)
        kept = {} if route.access in _PUBLIC else _PRIVATE
        shared = {} if route.is_page else CORS_HEADERS
        headers = {**kept, **shared, **reply.headers}
        return Reply(status=reply.status, headers=headers, body=reply.body)


def _failure(response: ErrorResponse) -> Reply:
    status, headers, body = response
    return Reply(status=status, headers=headers, body=(body,))
