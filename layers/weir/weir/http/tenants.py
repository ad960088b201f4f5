"""The operator's routes of tenants: /tenants, and a tenant's credit and audit log below it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

from weir.domain.answers import Reply
from weir.domain.audit_log import AuditLog
from weir.domain.errors import InvalidRequestError, NotFoundError
from weir.domain.tenants import TENANT_ID, TenantId, is_tenant_id
from weir.http import queries, tenant_operations
from weir.http.access import Access
from weir.http.events import path_parameter
from weir.http.operations import Operation
from weir.http.replies import json_reply, json_text
from weir.http.routes import Endpoint, Request, Route
from weir.http.tenant_bodies import (
    EntryBody,
    TenantBody,
    credits_body,
    entry_body,
    grants_body,
    tenant_body,
)
from weir.http.tenant_operations import MAX_CURSOR_CHARS, MAX_PAGE
from weir.http.tenant_wishes import read_new_grant, read_new_tenant, read_tenant_change
from weir.http.wire_values import dollars
from weir.services.tenant_credits import CreditDesk
from weir.services.tenants import TenantDesk

_OK, _CREATED = 200, 201
# Lambda answers with 6 MB at most, and escapes every quotation mark; a row is far smaller.
_MAX_PAGE_BYTES = 3_500_000
B = TypeVar("B", TenantBody, EntryBody)

_TENANT_CURSOR = re.compile(TENANT_ID)
_ENTRY_CURSOR = re.compile(r"[0-9]{13}-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantEndpoints:
    """Speaks for `TenantDesk`, `CreditDesk` and the audit log on the wire."""

    desk: TenantDesk
    credits: CreditDesk
    log: AuditLog

    def routes(self) -> Mapping[str, Route]:
        """Return the routes; they are the operator's."""
        table: Mapping[str, tuple[Endpoint, Operation]] = {
            "GET /api/v1/tenants": (self.page, tenant_operations.LIST),
            "POST /api/v1/tenants": (self.create, tenant_operations.CREATE),
            "GET /api/v1/tenants/{id}": (self.find, tenant_operations.FIND),
            "PATCH /api/v1/tenants/{id}": (self.change, tenant_operations.CHANGE),
            "DELETE /api/v1/tenants/{id}": (self.close, tenant_operations.CLOSE),
            "GET /api/v1/tenants/{id}/credits": (self.grants, tenant_operations.GRANTS),
            "POST /api/v1/tenants/{id}/credits": (self.add, tenant_operations.ADD),
            "GET /api/v1/tenants/{id}/audit": (self.audit, tenant_operations.AUDIT),
        }
        return operators_routes(table)

    def page(self, request: Request) -> Reply:
        """List tenants in the order of their ids."""
        count, cursor = _paging(request, _TENANT_CURSOR)
        after = None if cursor is None else TenantId(cursor)
        # One more than asked for tells whether there is a next page.
        found = self.desk.page(after=after, count=count + 1)
        shown = _fitting(tenant_body(standing) for standing in found[:count])
        following = shown[-1]["id"] if len(found) > len(shown) else None
        return json_reply({"data": shown, "next": following})

    def create(self, request: Request) -> Reply:
        """Make a tenant."""
        tenant_id, wish = read_new_tenant(request.event)
        standing, is_new = self.desk.create(
            tenant_id, wish=wish, by=request.actor, now_ms=request.now_ms
        )
        return json_reply({"data": tenant_body(standing)}, status=_CREATED if is_new else _OK)

    def find(self, request: Request) -> Reply:
        """Show a tenant."""
        return json_reply({"data": tenant_body(self.desk.find(named_tenant(request)))})

    def change(self, request: Request) -> Reply:
        """Change a tenant."""
        tenant_id, change = named_tenant(request), read_tenant_change(request.event)
        standing = self.desk.change(
            tenant_id, change=change, by=request.actor, now_ms=request.now_ms
        )
        return json_reply({"data": tenant_body(standing)})

    def close(self, request: Request) -> Reply:
        """Close a tenant for good."""
        self.desk.close(named_tenant(request), by=request.actor, now_ms=request.now_ms)
        return json_reply({"deleted": True})

    def grants(self, request: Request) -> Reply:
        """Show a tenant's credit and what was added to it, the newest first."""
        standing, grants = self.credits.listed(named_tenant(request))
        return json_reply({"data": grants_body(standing, grants)})

    def add(self, request: Request) -> Reply:
        """Add credit, once per payment reference."""
        tenant_id = named_tenant(request)
        amount, reference = read_new_grant(request.event)
        standing, is_new = self.credits.add(
            tenant_id,
            amount_nano_usd=amount,
            reference=reference,
            by=request.actor,
            now_ms=request.now_ms,
        )
        added = {
            "amount": dollars(amount),
            "reference": reference,
            "credits": credits_body(standing),
        }
        return json_reply({"data": added}, status=_CREATED if is_new else _OK)

    def audit(self, request: Request) -> Reply:
        """Show a tenant's audit log, the newest entry first."""
        tenant_id = self.desk.find(named_tenant(request)).tenant.tenant_id
        count, before = _paging(request, _ENTRY_CURSOR)
        entries = self.log.page(tenant_id, before=before, count=count + 1)
        shown = _fitting(entry_body(entry) for entry in entries[:count])
        following = shown[-1]["id"] if len(entries) > len(shown) else None
        return json_reply({"data": shown, "next": following})


def operators_routes(table: Mapping[str, tuple[Endpoint, Operation]]) -> Mapping[str, Route]:
    """Return routes that take the operator's key alone."""
    return {
        name: Route(access=Access.OPERATOR, endpoint=endpoint, about=about)
        for name, (endpoint, about) in table.items()
    }


def named_tenant(request: Request) -> TenantId:
    """Return the tenant that the path names.

    Raises:
        NotFoundError: It cannot be a tenant's id.
    """
    named = path_parameter(request.event, "id")
    if not is_tenant_id(named):
        raise NotFoundError("Tenant not found")
    return TenantId(named)


def _fitting(rows: Iterable[B]) -> list[B]:
    """Return as many rows as one answer can hold."""
    listed = list(rows)
    sizes = accumulate(len(json_text(row).encode()) for row in listed)
    return [row for row, size in zip(listed, sizes, strict=True) if size <= _MAX_PAGE_BYTES]


def _paging(request: Request, cursors: re.Pattern[str]) -> tuple[int, str | None]:
    """Return how many are asked for, and beyond what.

    Raises:
        InvalidRequestError: `limit` is out of range, or `cursor` is none that was given out.
    """
    count = queries.whole(request.event, "limit", low=1, high=MAX_PAGE) or MAX_PAGE
    cursor = queries.text(request.event, "cursor", max_chars=MAX_CURSOR_CHARS)
    if cursor is not None and not cursors.fullmatch(cursor):
        raise InvalidRequestError('cursor must be what an answer gave as "next"')
    return count, cursor
