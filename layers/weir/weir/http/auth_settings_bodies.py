"""A tenant's settings of sign-in as JSON, both ways."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypedDict

from weir.domain.auth_callbacks import CALLBACK, MAX_CHARS, read_allowed
from weir.domain.errors import InvalidRequestError
from weir.domain.money import NanoUsd, nano_usd
from weir.domain.periods import LimitPeriod
from weir.domain.sign_in_settings import (
    DEFAULT_ACCENT,
    DEFAULT_BACKGROUND,
    ENDPOINT,
    Brand,
    KeyBounds,
    OidcClient,
    SignInSettings,
    is_endpoint,
)
from weir.http.checks import (
    Check,
    array,
    described,
    integer,
    nullable,
    number,
    one_of,
    record,
    refuse,
    text,
)
from weir.http.wire_values import RESETS, dollars_or_none

MAX_CALLBACKS = 50
MAX_NAME_CHARS = 100
MAX_LIFE_S = 10 * 366 * 24 * 60 * 60

_MAX_LIMIT_USD = 999_999_999
_PERIODS = {word: period for period, word in RESETS.items()}
_COLOUR = r"#[0-9a-fA-F]{6}"
_CLIENT_ID = r"[!-~]{1,256}"


class BrandBody(TypedDict):
    """How the pages look."""

    name: str | None
    logo_url: str | None
    accent_color: str
    background_color: str
    support_url: str | None


class OidcBody(TypedDict):
    """Who signs users in."""

    issuer: str
    client_id: str


class KeyBoundsBody(TypedDict):
    """What keys get that ask for nothing, and what none may exceed; lives in seconds."""

    limit: Decimal | None
    limit_reset: str | None
    max_limit: Decimal | None
    expires_in: int | None
    max_expires_in: int | None


class ChosenBody(TypedDict):
    """What a tenant has chosen."""

    brand: BrandBody
    oidc: OidcBody | None
    callback_urls: list[str]
    keys: KeyBoundsBody


class SettingsBody(ChosenBody):
    """All of it. `redirect_uri` is what the issuer must be told of this gateway."""

    redirect_uri: str


@described(lambda: {"type": "string", "pattern": f"^{_COLOUR}$"})
def _colour(path: str, value: Any) -> None:
    if not isinstance(value, str) or not re.fullmatch(_COLOUR, value):
        refuse(path, value, expected="a colour like #1d4ed8", quote=True)


@described(lambda: {"type": "string", "pattern": f"^{_CLIENT_ID}$"})
def _client_id(path: str, value: Any) -> None:
    if not isinstance(value, str) or not re.fullmatch(_CLIENT_ID, value):
        refuse(path, value, expected="1 to 256 printable ASCII characters")


@described(lambda: {"type": "string", "pattern": f"^{ENDPOINT}$"})
def _public_url(path: str, value: Any) -> None:
    if not isinstance(value, str) or not is_endpoint(value, loopback=False):
        refuse(path, value, expected="an https URL with a public host name")


@described(lambda: {"type": "string", "pattern": f"^{CALLBACK}$", "maxLength": MAX_CHARS})
def _allowed(_path: str, value: Any) -> None:
    read_allowed(value if isinstance(value, str) else "")


@described(lambda: {"type": "string", "pattern": f"^{ENDPOINT}$"})
def _local_issuer(path: str, value: Any) -> None:
    if not isinstance(value, str) or not is_endpoint(value, loopback=True):
        refuse(path, value, expected="an https URL with a public host name, or this machine's")


_LIMIT = nullable(number(0, _MAX_LIMIT_USD))
_LIFE = nullable(integer(60, MAX_LIFE_S))
_BRAND = record(
    {
        "name": nullable(text(MAX_NAME_CHARS, min_chars=1)),
        "logo_url": nullable(_public_url),
        "accent_color": nullable(_colour),
        "background_color": nullable(_colour),
        "support_url": nullable(_public_url),
    }
)
_KEYS = record(
    {
        "limit": _LIMIT,
        "limit_reset": nullable(one_of(tuple(_PERIODS))),
        "max_limit": _LIMIT,
        "expires_in": _LIFE,
        "max_expires_in": _LIFE,
    }
)


def _settings(issuer: Check) -> Check:
    client = record({"issuer": issuer, "client_id": _client_id}, required=_OIDC)
    members = {
        "brand": nullable(_BRAND),
        "oidc": nullable(client),
        "callback_urls": nullable(array(_allowed, max_items=MAX_CALLBACKS)),
        "keys": nullable(_KEYS),
    }
    return record(members)


_OIDC = ("issuer", "client_id")
SETTINGS = _settings(_public_url)
LOCAL_SETTINGS = _settings(_local_issuer)
"""The same where an issuer may be on this machine; see `is_endpoint`."""


def read_settings(values: Mapping[str, Any]) -> SignInSettings:
    """Read the body of PUT /auth/settings, which was checked: what is absent is cleared.

    Raises:
        InvalidRequestError: A usual value is above its maximum.
    """
    brand, oidc = values.get("brand") or {}, values.get("oidc")
    return SignInSettings(
        brand=Brand(
            name=brand.get("name"),
            logo_url=brand.get("logo_url"),
            accent=brand.get("accent_color") or DEFAULT_ACCENT,
            background=brand.get("background_color") or DEFAULT_BACKGROUND,
            support_url=brand.get("support_url"),
        ),
        oidc=None if oidc is None else OidcClient(**{name: oidc[name] for name in _OIDC}),
        callbacks=tuple(values.get("callback_urls") or ()),
        bounds=_bounds(values.get("keys") or {}),
    )


def settings_body(settings: SignInSettings, *, redirect_uri: str) -> SettingsBody:
    """Write a tenant's settings."""
    return {**settings_facts(settings), "redirect_uri": redirect_uri}


def settings_facts(settings: SignInSettings) -> ChosenBody:
    """Write what a tenant has chosen, as it could be sent again."""
    brand, oidc, bounds = settings.brand, settings.oidc, settings.bounds
    return {
        "brand": {
            "name": brand.name,
            "logo_url": brand.logo_url,
            "accent_color": brand.accent,
            "background_color": brand.background,
            "support_url": brand.support_url,
        },
        "oidc": None if oidc is None else {"issuer": oidc.issuer, "client_id": oidc.client_id},
        "callback_urls": list(settings.callbacks),
        "keys": {
            "limit": dollars_or_none(bounds.limit_nano_usd),
            "limit_reset": RESETS.get(bounds.period),
            "max_limit": dollars_or_none(bounds.max_limit_nano_usd),
            "expires_in": bounds.life_s,
            "max_expires_in": bounds.max_life_s,
        },
    }


def _bounds(values: Mapping[str, Any]) -> KeyBounds:
    found = KeyBounds(
        limit_nano_usd=_amount(values.get("limit")),
        period=_PERIODS.get(values.get("limit_reset") or "", LimitPeriod.TOTAL),
        max_limit_nano_usd=_amount(values.get("max_limit")),
        life_s=_whole(values.get("expires_in")),
        max_life_s=_whole(values.get("max_expires_in")),
    )
    for name, usual, most in (
        ("limit", found.limit_nano_usd, found.max_limit_nano_usd),
        ("expires_in", found.life_s, found.max_life_s),
    ):
        if usual is not None and most is not None and usual > most:
            raise InvalidRequestError(f"body.keys.{name} must not be above max_{name}")
    return found


def _amount(value: Any) -> NanoUsd | None:
    return None if value is None else nano_usd(value)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
