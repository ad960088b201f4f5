"""GET /openapi.json: the document of this API, with the address at which it was asked for."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from weir.domain.answers import Reply
from weir.http.access import Access
from weir.http.events import ProxyEvent, header
from weir.http.operations import Operation
from weir.http.replies import json_reply
from weir.http.routes import Request, Route

ROUTE = "GET /api/v1/openapi.json"
CACHE_CONTROL = "public, max-age=300"

_NOT_MODIFIED = 304
_AUTHORITY = re.compile(r"([a-z0-9.-]{1,253})(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
_SHOW = Operation(
    summary="Show this document", replies={200: "application/json", _NOT_MODIFIED: None}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenApiEndpoint:
    """Serves the document that was made with the release.

    Attributes:
        read: Returns its text.
    """

    read: Callable[[], str]

    def routes(self) -> Mapping[str, Route]:
        """Return the route; it is open, as the document is no secret."""
        return {ROUTE: Route(access=Access.NONE, endpoint=self.show, about=_SHOW)}

    def show(self, request: Request) -> Reply:
        """Show the document, or that it is still the one which the caller has."""
        servers = [{"url": _base_url(request.event)}]
        reply = json_reply({**json.loads(self.read()), "servers": servers})
        tag = f'"{hashlib.sha256(b"".join(reply.body)).hexdigest()[:32]}"'
        headers = {**reply.headers, "Cache-Control": CACHE_CONTROL, "ETag": tag}
        if tag in _known_tags(request.event):
            return Reply(status=_NOT_MODIFIED, headers=headers, body=())
        return Reply(status=reply.status, headers=headers, body=reply.body)


def _known_tags(event: ProxyEvent) -> set[str]:
    known = (header(event, "if-none-match") or "").split(",")
    # What a proxy has compressed on the way, it marks as weak.
    return {tag.strip().removeprefix("W/") for tag in known}


def _base_url(event: ProxyEvent) -> str:
    """Return the address of this API, with the stage or base path that stands before its routes."""
    context = event.get("requestContext", {})
    domain = context.get("domainName", "")
    named = _AUTHORITY.fullmatch(header(event, "host") or "")
    # The header alone is anybody's word; it adds the port, which the context leaves out.
    authority = named[0] if named and named[1].lower() == domain.lower() else domain
    scheme = "http" if header(event, "x-forwarded-proto") == "http" else "https"
    before = context.get("path", "").removesuffix(event.get("resource", ""))
    return f"{scheme}://{authority}{before}"
