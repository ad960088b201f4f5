"""The operator's routes of tenants' API keys, of both kinds."""

from collections.abc import Mapping
from dataclasses import dataclass

from weir.domain.answers import Reply
from weir.http import queries, tenant_operations
from weir.http.api_keys import named_key
from weir.http.key_operations import MAX_OFFSET
from weir.http.key_wishes import read_issued_key, read_key_change
from weir.http.operations import Operation
from weir.http.replies import json_reply
from weir.http.routes import Endpoint, Request, Route
from weir.http.tenant_bodies import issued_key_body
from weir.http.tenants import named_tenant, operators_routes
from weir.services.api_keys import ApiKeyDesk
from weir.services.tenants import TenantDesk

_CREATED = 201


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantKeyEndpoints:
    """Speaks for `ApiKeyDesk` to the operator.

    Attributes:
        keys: Manages keys of both kinds.
    """

    desk: TenantDesk
    keys: ApiKeyDesk

    def routes(self) -> Mapping[str, Route]:
        """Return the routes; they are the operator's."""
        table: Mapping[str, tuple[Endpoint, Operation]] = {
            "GET /api/v1/tenants/{id}/keys": (self.page, tenant_operations.KEYS),
            "POST /api/v1/tenants/{id}/keys": (self.issue, tenant_operations.ISSUE),
            "PATCH /api/v1/tenants/{id}/keys/{hash}": (
                self.change,
                tenant_operations.CHANGE_KEY,
            ),
            "DELETE /api/v1/tenants/{id}/keys/{hash}": (
                self.delete,
                tenant_operations.DELETE_KEY,
            ),
        }
        return operators_routes(table)

    def page(self, request: Request) -> Reply:
        """List a tenant's keys, the newest first."""
        event = request.event
        tenant = self.desk.find(named_tenant(request)).tenant
        page = self.keys.page(
            tenant,
            offset=queries.whole(event, "offset", low=0, high=MAX_OFFSET) or 0,
            with_disabled=queries.switch(event, "include_disabled"),
            with_expired=queries.switch(event, "include_expired"),
            now_ms=request.now_ms,
        )
        return json_reply({"data": [issued_key_body(standing) for standing in page]})

    def issue(self, request: Request) -> Reply:
        """Make a key and show it, this once."""
        tenant = self.desk.open_tenant(named_tenant(request))
        wish = read_issued_key(request.event, tenant=tenant, now_ms=request.now_ms)
        standing, secret = self.keys.create(
            tenant, wish=wish, by=request.actor, now_ms=request.now_ms
        )
        return json_reply({"data": issued_key_body(standing), "key": secret}, status=_CREATED)

    def change(self, request: Request) -> Reply:
        """Change a key."""
        tenant = self.desk.open_tenant(named_tenant(request))
        standing = self.keys.change(
            tenant,
            named=named_key(request),
            change=read_key_change(request.event, tenant=tenant),
            by=request.actor,
            now_ms=request.now_ms,
        )
        return json_reply({"data": issued_key_body(standing)})

    def delete(self, request: Request) -> Reply:
        """Delete a key."""
        tenant = self.desk.open_tenant(named_tenant(request))
        self.keys.delete(tenant, named=named_key(request), by=request.actor, now_ms=request.now_ms)
        return json_reply({"deleted": True})
