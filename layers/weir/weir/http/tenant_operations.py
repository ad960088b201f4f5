"""What clients are told of the operator's routes."""

from typing import TypedDict

from weir.http import queries
from weir.http.key_operations import MAX_OFFSET, Deleted
from weir.http.key_wishes import ISSUED_KEY, KEY_CHANGE
from weir.http.operations import Operation
from weir.http.tenant_bodies import (
    AddedBody,
    EntryBody,
    GrantsBody,
    IssuedKeyBody,
    TenantBody,
)
from weir.http.tenant_wishes import NEW_GRANT, NEW_TENANT, TENANT_CHANGE

MAX_PAGE = 100
MAX_CURSOR_CHARS = 64


class TenantReply(TypedDict):
    """One tenant."""

    data: TenantBody


class TenantsReply(TypedDict):
    """A page of tenants in the order of their ids; `next` is the cursor of the next one."""

    data: list[TenantBody]
    next: str | None


class GrantsReply(TypedDict):
    """A tenant's credit."""

    data: GrantsBody


class AddedReply(TypedDict):
    """Credit that is added."""

    data: AddedBody


class IssuedKeyReply(TypedDict):
    """One key of a tenant."""

    data: IssuedKeyBody


class IssuedKeysReply(TypedDict):
    """A page of a tenant's keys, the newest first."""

    data: list[IssuedKeyBody]


class MadeKeyReply(TypedDict):
    """A new key, and what it is: shown this once."""

    data: IssuedKeyBody
    key: str


class EntriesReply(TypedDict):
    """A page of the audit log, the newest first; `next` is the cursor of the next one."""

    data: list[EntryBody]
    next: str | None


_PAGING = {
    "limit": queries.whole_schema(low=1, high=MAX_PAGE),
    "cursor": {"type": "string", "maxLength": MAX_CURSOR_CHARS},
}

LIST = Operation(summary="List the tenants", replies={200: TenantsReply}, query=_PAGING)
CREATE = Operation(
    summary="Make a tenant without credit; repeating it finds the tenant made",
    replies={200: TenantReply, 201: TenantReply},
    refusals=(409,),
    body=NEW_TENANT,
)
FIND = Operation(summary="Show a tenant", replies={200: TenantReply})
CHANGE = Operation(
    summary="Change a tenant: what is absent stays, what is null is cleared",
    replies={200: TenantReply},
    refusals=(409,),
    body=TENANT_CHANGE,
)
CLOSE = Operation(
    summary="Close a tenant for good; its books stay",
    replies={200: Deleted},
    refusals=(409,),
)
GRANTS = Operation(
    summary="Show a tenant's credit and what was added to it",
    replies={200: GrantsReply},
)
ADD = Operation(
    summary="Add credit once per payment reference; repeating it finds the credit added",
    replies={200: AddedReply, 201: AddedReply},
    refusals=(409,),
    body=NEW_GRANT,
)
KEYS = Operation(
    summary="List a tenant's API keys of both kinds",
    replies={200: IssuedKeysReply},
    query={
        "offset": queries.whole_schema(low=0, high=MAX_OFFSET),
        "include_disabled": queries.SWITCH,
        "include_expired": queries.SWITCH,
    },
)
ISSUE = Operation(
    summary="Make an API key of either kind, which is shown this once",
    replies={201: MadeKeyReply},
    refusals=(409,),
    body=ISSUED_KEY,
)
CHANGE_KEY = Operation(
    summary="Change a tenant's API key: what is absent stays, what is null is cleared",
    replies={200: IssuedKeyReply},
    refusals=(409,),
    body=KEY_CHANGE,
)
DELETE_KEY = Operation(summary="Delete a tenant's API key", replies={200: Deleted}, refusals=(409,))
AUDIT = Operation(
    summary="Show who changed what of a tenant",
    replies={200: EntriesReply},
    query=_PAGING,
)
