"""What a tenant asks of an API key: bodies of the wire to wishes of the domain."""

from typing import Any

from weir.domain.api_keys import KeyKind
from weir.domain.errors import InvalidRequestError
from weir.domain.key_standings import KeyChange, NewKey, spending_limits
from weir.domain.limits import UNLIMITED
from weir.domain.money import NanoUsd, nano_usd
from weir.domain.periods import LimitPeriod
from weir.domain.tenants import Tenant
from weir.http.checks import (
    boolean,
    integer,
    nullable,
    number,
    one_of,
    record,
    text,
)
from weir.http.events import ProxyEvent, body_bytes
from weir.http.json_objects import JsonObject
from weir.http.moments import epoch_ms, moment
from weir.http.strict_json import parse_object
from weir.http.wire_values import RESETS, workspace_id

MAX_OVERLAP_S = 30 * 24 * 60 * 60
MAX_NAME_CHARS = 256

_MAX_LIMIT_USD = 999_999_999
_PERIODS = {word: period for period, word in RESETS.items()}


_NAME = text(MAX_NAME_CHARS, min_chars=1)
_NAMED = text(MAX_NAME_CHARS)
_LIMITS = {
    "limit": nullable(number(0, _MAX_LIMIT_USD)),
    "limit_reset": nullable(one_of(tuple(_PERIODS))),
    "include_byok_in_limit": nullable(boolean),
    "workspace_id": nullable(_NAMED),
}
_NEW = {
    "name": _NAME,
    **_LIMITS,
    "expires_at": nullable(moment),
    "creator_user_id": nullable(_NAMED),
    "external": nullable(record({"user": _NAMED}, required=("user",))),
}
NEW_KEY = record(_NEW, required=("name",))
ISSUED_KEY = record({**_NEW, "kind": one_of(tuple(KeyKind))}, required=("name", "kind"))
KEY_CHANGE = record({"name": nullable(_NAME), "disabled": nullable(boolean), **_LIMITS})
ROTATION = record({"overlap_seconds": integer(0, MAX_OVERLAP_S)}, required=("overlap_seconds",))


def read_new_key(event: ProxyEvent, *, tenant: Tenant, now_ms: int) -> NewKey:
    """Read the body of POST /keys.

    Raises:
        InvalidRequestError: A field is not what it should be, or the key would be expired.
    """
    body = parse_object(body_bytes(event))
    _check(body, NEW_KEY, tenant)
    return _new_key(body, kind=KeyKind.INFERENCE, now_ms=now_ms)


def read_issued_key(event: ProxyEvent, *, tenant: Tenant, now_ms: int) -> NewKey:
    """Read the body of POST /tenants/{id}/keys: the same, and the kind of the key.

    Raises:
        InvalidRequestError: A field is not what it should be, or the key would be expired.
    """
    body = parse_object(body_bytes(event))
    _check(body, ISSUED_KEY, tenant)
    return _new_key(body, kind=KeyKind(body.get("kind")), now_ms=now_ms)


def read_key_change(event: ProxyEvent, *, tenant: Tenant) -> KeyChange:
    """Read the body of PATCH /keys/{hash}: what is absent stays, what is null is cleared.

    Raises:
        InvalidRequestError: A field is not what it should be.
    """
    body = parse_object(body_bytes(event))
    _check(body, KEY_CHANGE, tenant)
    spend, period = None, None
    if "limit" in body.members:
        spend = _amount(body) if body.get("limit") is not None else NanoUsd(UNLIMITED)
    if "limit_reset" in body.members:
        period = _PERIODS.get(body.get("limit_reset"), LimitPeriod.TOTAL)
    return KeyChange(
        name=body.get("name"),
        disabled=body.get("disabled"),
        includes_byok=body.get("include_byok_in_limit"),
        spend_nano_usd=spend,
        period=period,
    )


def read_overlap_s(event: ProxyEvent) -> int:
    """Read the body of POST /keys/{hash}/rotate.

    Raises:
        InvalidRequestError: The overlap is missing or out of range.
    """
    body = parse_object(body_bytes(event))
    ROTATION("body", _values(body))
    return int(body.get("overlap_seconds"))


def _new_key(body: JsonObject, *, kind: KeyKind, now_ms: int) -> NewKey:
    expires_at_ms = epoch_ms(body.get("expires_at"))
    if expires_at_ms is not None and expires_at_ms <= now_ms:
        raise InvalidRequestError("expires_at must be in the future")
    return NewKey(
        name=body.get("name"),
        kind=kind,
        limits=spending_limits(_amount(body), period=_PERIODS.get(body.get("limit_reset"))),
        expires_at_ms=expires_at_ms,
        includes_byok=bool(body.get("include_byok_in_limit")),
        creator=body.get("creator_user_id"),
        external_user=(body.get("external") or {}).get("user"),
    )


def _check(body: JsonObject, check: Any, tenant: Tenant) -> None:
    check("body", _values(body))
    named = body.get("workspace_id")
    if named is not None and named.lower() != workspace_id(tenant.tenant_id):
        raise InvalidRequestError("workspace_id names no workspace of yours: you have one")


def _values(body: JsonObject) -> dict[str, Any]:
    return {name: member.value for name, member in body.members.items()}


def _amount(body: JsonObject) -> NanoUsd | None:
    limit = body.get("limit")
    return None if limit is None else nano_usd(limit)
