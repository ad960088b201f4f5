"""Entries of the audit log as rows of the control table, `T#<tenant>` / `LOG#<entry id>`.

at epoch ms   who   req request id   act action   sub subject   old new what it was and is: maps
whose names and values are the API's own; amounts are exact decimals of USD
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from weir.adapters.dynamodb.control_items import tenant_rows
from weir.adapters.dynamodb.schema import flag, integer, mapping, number, string, text
from weir.adapters.dynamodb.wire import Item
from weir.domain.audit_log import Action, Actor, AuditEntry, Deed
from weir.domain.tenants import TenantId

ENTRIES = "LOG#"


def entry_key(tenant_id: TenantId, entry_id: str) -> Item:
    """Return the key of an entry."""
    return {"pk": text(tenant_rows(tenant_id)), "sk": text(f"{ENTRIES}{entry_id}")}


def encode_entry(entry: AuditEntry) -> Item:
    """Return the row of an entry."""
    deed = entry.deed
    return {
        **entry_key(entry.tenant_id, entry.entry_id),
        "at": integer(entry.at_ms),
        "who": text(entry.actor.who),
        "req": text(entry.actor.request_id),
        "act": text(deed.action),
        "sub": text(deed.subject),
        "old": _encode(deed.before),
        "new": _encode(deed.after),
    }


def decode_entry(item: Item, *, tenant_id: TenantId) -> AuditEntry:
    """Return the entry of a row.

    Raises:
        MalformedItemError: The row is not what this schema writes.
    """
    return AuditEntry(
        entry_id=string(item, "sk").removeprefix(ENTRIES),
        tenant_id=tenant_id,
        at_ms=number(item, "at"),
        actor=Actor(who=string(item, "who"), request_id=string(item, "req")),
        deed=Deed(
            action=Action(string(item, "act")),
            subject=string(item, "sub"),
            before=_decode_all(mapping(item, "old")),
            after=_decode_all(mapping(item, "new")),
        ),
    )


def _encode(value: object) -> Item:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return flag(value)
        case int() | Decimal():
            return {"N": f"{value:f}" if isinstance(value, Decimal) else str(value)}
        case str():
            return text(value)
        case Mapping():
            return {"M": {str(name): _encode(member) for name, member in value.items()}}
        case list():
            return {"L": [_encode(member) for member in value]}
        case _:
            raise TypeError(f"{type(value).__name__} is no JSON value")


def _decode_all(members: Item) -> dict[str, object]:
    return {name: _decode(value) for name, value in members.items()}


def _decode(value: Item) -> object:
    ((kind, content),) = value.items()
    match kind:
        case "NULL":
            return None
        case "N":
            return _number(content)
        case "M":
            return _decode_all(content)
        case "L":
            return [_decode(member) for member in content]
        case _:
            found: Any = content
            return found


def _number(digits: str) -> int | Decimal:
    exact = Decimal(digits)
    return int(exact) if exact == exact.to_integral_value() else Decimal(f"{exact:f}")
