"""GET /key, and the management of a tenant's keys under /keys."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from weir.domain.answers import Reply
from weir.domain.errors import NotFoundError
from weir.http import key_operations, queries
from weir.http.access import Access
from weir.http.events import path_parameter
from weir.http.key_bodies import key_body, own_key_body
from weir.http.key_operations import MAX_OFFSET
from weir.http.key_wishes import read_key_change, read_new_key, read_overlap_s
from weir.http.operations import Operation
from weir.http.replies import json_reply
from weir.http.routes import Endpoint, Request, Route
from weir.http.wire_values import workspace_id
from weir.services.api_keys import ApiKeyDesk

_CREATED = 201
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEndpoints:
    """Speaks for `ApiKeyDesk` on the wire."""

    desk: ApiKeyDesk

    def routes(self) -> Mapping[str, Route]:
        """Return the routes, and which keys each takes."""
        own = Route(access=Access.ANY, endpoint=self.own, about=key_operations.OWN)
        table: Mapping[str, tuple[Endpoint, Operation]] = {
            "GET /api/v1/keys": (self.page, key_operations.PAGE),
            "POST /api/v1/keys": (self.create, key_operations.CREATE),
            "GET /api/v1/keys/{hash}": (self.find, key_operations.FIND),
            "PATCH /api/v1/keys/{hash}": (self.change, key_operations.CHANGE),
            "DELETE /api/v1/keys/{hash}": (self.delete, key_operations.DELETE),
            "POST /api/v1/keys/{hash}/rotate": (self.rotate, key_operations.ROTATE),
        }
        return {
            "GET /api/v1/key": own,
            "GET /api/v1/auth/key": own,
            **{
                name: Route(access=Access.MANAGEMENT, endpoint=endpoint, about=about)
                for name, (endpoint, about) in table.items()
            },
        }

    def own(self, request: Request) -> Reply:
        """Show a key to whoever holds it."""
        (standing,) = self.desk.show([request.key], now_ms=request.now_ms)
        return json_reply({"data": own_key_body(standing)})

    def page(self, request: Request) -> Reply:
        """List keys, the newest first."""
        event, tenant = request.event, request.key.tenant
        offset = queries.whole(event, "offset", low=0, high=MAX_OFFSET) or 0
        with_disabled = queries.switch(event, "include_disabled")
        with_expired = queries.switch(event, "include_expired")
        workspace = queries.text(event, "workspace_id")
        if workspace is not None and workspace.lower() != workspace_id(tenant.tenant_id):
            return json_reply({"data": []})
        page = self.desk.page(
            tenant,
            offset=offset,
            with_disabled=with_disabled,
            with_expired=with_expired,
            now_ms=request.now_ms,
        )
        return json_reply({"data": [key_body(standing) for standing in page]})

    def create(self, request: Request) -> Reply:
        """Make a key and show it, this once."""
        tenant = request.key.tenant
        wish = read_new_key(request.event, tenant=tenant, now_ms=request.now_ms)
        standing, secret = self.desk.create(
            tenant, wish=wish, by=request.actor, now_ms=request.now_ms
        )
        return json_reply({"data": key_body(standing), "key": secret}, status=_CREATED)

    def find(self, request: Request) -> Reply:
        """Show one key."""
        standing = self.desk.find(
            request.key.tenant, named=named_key(request), now_ms=request.now_ms
        )
        return json_reply({"data": key_body(standing)})

    def change(self, request: Request) -> Reply:
        """Change a key."""
        tenant = request.key.tenant
        change = read_key_change(request.event, tenant=tenant)
        standing = self.desk.change(
            tenant,
            named=named_key(request),
            change=change,
            by=request.actor,
            now_ms=request.now_ms,
        )
        return json_reply({"data": key_body(standing)})

    def delete(self, request: Request) -> Reply:
        """Delete a key."""
        self.desk.delete(
            request.key.tenant,
            named=named_key(request),
            by=request.actor,
            now_ms=request.now_ms,
        )
        return json_reply({"deleted": True})

    def rotate(self, request: Request) -> Reply:
        """Make a key that takes another's place and show it, this once."""
        standing, secret = self.desk.rotate(
            request.key.tenant,
            named=named_key(request),
            overlap_s=read_overlap_s(request.event),
            by=request.actor,
            now_ms=request.now_ms,
        )
        return json_reply({"data": key_body(standing), "key": secret}, status=_CREATED)


def named_key(request: Request) -> str:
    """Return the hash of the key that the path names.

    Raises:
        NotFoundError: It cannot be a key's hash.
    """
    named = path_parameter(request.event, "hash")
    if not _HASH.fullmatch(named):
        raise NotFoundError("API key not found")
    return named
