"""API keys as rows of the control table. Attribute names are explained in `control_items`."""

from weir.adapters.dynamodb.control_items import api_key_key, key_id_key
from weir.adapters.dynamodb.schema import (
    boolean,
    flag,
    integer,
    number,
    present,
    string,
    text,
)
from weir.adapters.dynamodb.wire import Item
from weir.domain.api_keys import ApiKey, KeyKind, short_id
from weir.domain.periods import LimitPeriod
from weir.domain.tenants import Tenant


def encode_key(api_key: ApiKey) -> Item:
    """Return the row of an API key."""
    item = {
        **api_key_key(api_key.key_hash),
        "tn": text(api_key.tenant.tenant_id),
        "kd": text(api_key.kind),
        "lb": text(api_key.label),
        "nm": text(api_key.name),
        "off": flag(api_key.disabled),
        "exp": _integer_or_none(api_key.expires_at_ms),
        "ct": integer(api_key.created_ms),
        "up": _integer_or_none(api_key.updated_ms),
        "cu": _text_or_none(api_key.creator),
        "xu": _text_or_none(api_key.external_user),
        "by": flag(api_key.includes_byok),
        "ki": _text_or_none(api_key.succeeds),
        "lp": _text_or_none(api_key.limit_period),
    }
    return present(item)


def encode_key_id(api_key: ApiKey) -> Item:
    """Return the row that makes an API key's short id unique within its tenant."""
    item = {
        **key_id_key(api_key.tenant.tenant_id, short_id(api_key.key_hash)),
        "h": text(api_key.key_hash),
        "ki": _text_or_none(api_key.succeeds),
    }
    return present(item)


def decode_key(item: Item, *, tenant: Tenant) -> ApiKey:
    """Return the API key of a row.

    Raises:
        MalformedItemError: The row is not what this schema writes.
    """
    return ApiKey(
        key_hash=string(item, "pk").removeprefix("KEY#"),
        tenant=tenant,
        kind=KeyKind(string(item, "kd")),
        label=string(item, "lb"),
        name=string(item, "nm"),
        disabled=boolean(item, "off"),
        expires_at_ms=_number(item, "exp"),
        created_ms=number(item, "ct"),
        updated_ms=_number(item, "up"),
        creator=_string(item, "cu"),
        external_user=_string(item, "xu"),
        includes_byok=boolean(item, "by"),
        succeeds=_string(item, "ki"),
        limit_period=LimitPeriod(string(item, "lp")) if "lp" in item else None,
    )


def key_id_of(item: Item) -> str:
    """Return the key id that the key of a `K#` row is charged and counted by.

    Raises:
        MalformedItemError: The row is not what this schema writes.
    """
    return string(item, "ki") if "ki" in item else short_id(string(item, "h"))


def _text_or_none(value: str | None) -> Item | None:
    return None if value is None else text(value)


def _integer_or_none(value: int | None) -> Item | None:
    return None if value is None else integer(value)


def _string(item: Item, name: str) -> str | None:
    return string(item, name) if name in item else None


def _number(item: Item, name: str) -> int | None:
    return number(item, name) if name in item else None
