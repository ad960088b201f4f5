"""What the operator asks of a tenant: bodies of the wire to wishes of the domain."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from weir.domain.errors import InvalidRequestError
from weir.domain.limits import MAX_LANES, UNLIMITED
from weir.domain.money import NanoUsd, nano_usd, pico_usd
from weir.domain.periods import LimitPeriod
from weir.domain.policies import (
    MAX_ENTRIES,
    MAX_ENTRY_CHARS,
    MAX_MAX_TOKENS,
    MODEL_ENTRY,
    PROVIDER_ENTRY,
    DataCollection,
)
from weir.domain.price_plans import MAX_MODELS, UNIT_PPM, Rate, TokenPrices
from weir.domain.tenant_changes import Fields, TenantChange
from weir.domain.tenants import (
    DEFAULT_MAX_TOKENS,
    TENANT_ID,
    PromptBound,
    TenantId,
    TenantStatus,
)
from weir.http.checks import array, boolean, by_type, integer, nullable, one_of, text
from weir.http.events import ProxyEvent, body_bytes
from weir.http.json_objects import JsonObject
from weir.http.strict_json import parse_object
from weir.http.tenant_checks import by_model, exact, matching, only, usd
from weir.http.wire_values import RESETS

MAX_NAME_CHARS = 256
MAX_REFERENCE_CHARS = 256
# Profile and audit log are items of at most 400 KB, and the log has what was and what is.
MAX_BYTES = {"policy": 64 * 1024, "price_plan": 96 * 1024}

_MAX_COUNT = 10**12
_MAX_MULTIPLIER = 100
_MAX_PRICE_USD = 1_000
_PERIODS = {word: period for period, word in RESETS.items()}
_STATUSES = {"active": TenantStatus.ACTIVE, "suspended": TenantStatus.SUSPENDED}

Readings = Mapping[str, tuple[str, Callable[[Any], Any], Any]]
"""Member of the body → field of the dataclass, how its value is read, what null stands for."""

_LIMITS_CHECK = nullable(
    only(
        {
            "requests_per_minute": nullable(integer(0, _MAX_COUNT)),
            "tokens_per_minute": nullable(integer(0, _MAX_COUNT)),
            "in_flight": nullable(integer(0, _MAX_COUNT)),
            "spend": nullable(usd()),
            "reset": nullable(one_of(tuple(_PERIODS))),
        }
    )
)
_MULTIPLIER = exact(_MAX_MULTIPLIER, places=6)
_PRICE = exact(_MAX_PRICE_USD, places=12)
_PRICES = only(
    {"prompt": _PRICE, "completion": _PRICE, "request": _PRICE},
    required=("prompt", "completion"),
)
_RATE = by_type(
    "a number, which multiplies upstream's cost, or an object of prices",
    {int: _MULTIPLIER, Decimal: _MULTIPLIER, dict: _PRICES},
)
_MODEL = matching(
    MODEL_ENTRY,
    expected='a model\'s name in lower case, or "author/*"',
    max_chars=MAX_ENTRY_CHARS,
)
_PROVIDER = matching(
    PROVIDER_ENTRY, expected="a provider's slug in lower case", max_chars=MAX_ENTRY_CHARS
)
_SETTABLE = {
    "name": nullable(text(MAX_NAME_CHARS, min_chars=1)),
    "default_max_tokens": nullable(integer(1, MAX_MAX_TOKENS)),
    "prompt_bound": nullable(one_of(tuple(PromptBound))),
    "unpriced_hold": nullable(usd()),
    "limits": _LIMITS_CHECK,
    "end_user_limits": _LIMITS_CHECK,
    "price_plan": nullable(
        only(
            {
                "multiplier": nullable(_MULTIPLIER),
                "models": nullable(by_model(_RATE, max_models=MAX_MODELS)),
            }
        )
    ),
    "policy": nullable(
        only(
            {
                "models": nullable(array(_MODEL, max_items=MAX_ENTRIES)),
                "providers": nullable(array(_PROVIDER, max_items=MAX_ENTRIES)),
                "data_collection": nullable(one_of(tuple(DataCollection))),
                "zdr": nullable(boolean),
                "max_tokens": nullable(integer(1, MAX_MAX_TOKENS)),
            }
        )
    ),
}
NEW_TENANT = only(
    {
        "id": matching(
            re.compile(TENANT_ID),
            expected="1 to 63 of a-z, 0-9 and -, and no - at the start",
            max_chars=63,
        ),
        **_SETTABLE,
        "lanes": integer(1, MAX_LANES),
    },
    required=("id",),
)
TENANT_CHANGE = only({**_SETTABLE, "status": one_of(tuple(_STATUSES))})
NEW_GRANT = only(
    {"amount": usd(above_zero=True), "reference": text(MAX_REFERENCE_CHARS, min_chars=1)},
    required=("amount", "reference"),
)


def read_new_tenant(event: ProxyEvent) -> tuple[TenantId, TenantChange]:
    """Read the body of POST /tenants.

    Raises:
        InvalidRequestError: A field is not what it should be.
    """
    values = _checked(event, NEW_TENANT)
    return TenantId(values["id"]), _change(values)


def read_tenant_change(event: ProxyEvent) -> TenantChange:
    """Read the body of PATCH /tenants/{id}: what is absent stays, what is null is as usual.

    Raises:
        InvalidRequestError: A field is not what it should be.
    """
    return _change(_checked(event, TENANT_CHANGE))


def read_new_grant(event: ProxyEvent) -> tuple[NanoUsd, str]:
    """Read the body of POST /tenants/{id}/credits: amount and reference.

    Raises:
        InvalidRequestError: A field is not what it should be.
    """
    values = _checked(event, NEW_GRANT)
    return nano_usd(values["amount"]), values["reference"]


def _checked(event: ProxyEvent, check: Callable[[str, Any], None]) -> Mapping[str, Any]:
    body = parse_object(body_bytes(event))
    values = {name: member.value for name, member in body.members.items()}
    check("body", values)
    for name, most in MAX_BYTES.items():
        if _bytes(body, name) > most:
            raise InvalidRequestError(f"body.{name} must be at most {most} bytes of JSON")
    return values


def _bytes(body: JsonObject, name: str) -> int:
    member = body.members.get(name)
    return 0 if member is None else len(body.text[member.start : member.end].encode())


def _change(values: Mapping[str, Any]) -> TenantChange:
    takes_users_limits = "end_user_limits" in values and values["end_user_limits"] is None
    users = values.get("end_user_limits")
    return TenantChange(
        profile=_fields(values, _PROFILE),
        limits=_within(values, "limits", _LIMITS),
        end_user_limits=None if users is None else _fields(users, _LIMITS),
        drops_end_user_limits=takes_users_limits,
        plan=_within(values, "price_plan", _PLAN),
        policy=_within(values, "policy", _POLICY),
    )


def _within(values: Mapping[str, Any], name: str, readings: Readings) -> Fields:
    """Read the members of a member; null is as if each of them were null."""
    if name not in values:
        return {}
    return _fields(values[name] or dict.fromkeys(readings), readings)


def _fields(values: Mapping[str, Any], readings: Readings) -> Fields:
    return {
        field: usual if values[name] is None else read(values[name])
        for name, (field, read, usual) in readings.items()
        if name in values
    }


def _ppm(multiplier: Decimal | int) -> int:
    return int(multiplier * UNIT_PPM)


def _rate(value: Any) -> Rate:
    if not isinstance(value, dict):
        return _ppm(value)
    return TokenPrices(
        prompt_pico_usd=pico_usd(Decimal(value["prompt"])),
        completion_pico_usd=pico_usd(Decimal(value["completion"])),
        request_pico_usd=pico_usd(Decimal(value.get("request", 0))),
    )


def _rates(models: Mapping[str, Any]) -> Mapping[str, Rate]:
    return {model: _rate(value) for model, value in models.items()}


_PROFILE: Readings = {
    "name": ("name", str, ""),
    "status": ("status", _STATUSES.__getitem__, TenantStatus.ACTIVE),
    "default_max_tokens": ("default_max_tokens", int, DEFAULT_MAX_TOKENS),
    "prompt_bound": ("prompt_bound", PromptBound, PromptBound.STRICT),
    "unpriced_hold": ("unpriced_hold_nano_usd", nano_usd, None),
    "lanes": ("lanes", int, 1),
}
_LIMITS: Readings = {
    "requests_per_minute": ("requests_per_minute", int, UNLIMITED),
    "tokens_per_minute": ("tokens_per_minute", int, UNLIMITED),
    "in_flight": ("in_flight", int, UNLIMITED),
    "spend": ("spend_nano_usd", nano_usd, NanoUsd(UNLIMITED)),
    "reset": ("period", _PERIODS.__getitem__, LimitPeriod.TOTAL),
}
_PLAN: Readings = {
    "multiplier": ("multiplier_ppm", _ppm, UNIT_PPM),
    "models": ("models", _rates, {}),
}
_POLICY: Readings = {
    "models": ("models", tuple, None),
    "providers": ("providers", tuple, None),
    "data_collection": ("data_collection", DataCollection, None),
    "zdr": ("zdr", bool, False),
    "max_tokens": ("max_tokens", int, None),
}
