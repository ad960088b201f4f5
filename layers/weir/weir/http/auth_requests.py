"""What an app asks for, from the query of the consent page or from a JSON body. ADR 0020."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from weir.domain.auth_callbacks import CALLBACK, read_callback
from weir.domain.auth_callbacks import MAX_CHARS as MAX_CALLBACK_CHARS
from weir.domain.auth_codes import MAX_LABEL_CHARS, METHOD, KeyTerms, is_challenge
from weir.domain.auth_requests import AuthRequest
from weir.domain.errors import InvalidRequestError
from weir.domain.money import nano_usd
from weir.domain.periods import LimitPeriod
from weir.domain.tenants import TenantId
from weir.http.checks import described, integer, nullable, number, one_of, record, refuse, text
from weir.http.events import ProxyEvent
from weir.http.moments import epoch_ms, moment
from weir.http.wire_values import RESETS, workspace_id

MAX_STATE_CHARS = 1_024
MAX_TENANT_CHARS = 64
MIN_LINK_S = 60
MAX_LINK_S = 24 * 60 * 60

_MAX_CHARS = 2_048
_MAX_LIMIT_USD = 999_999_999
_PERIODS = {word: period for period, word in RESETS.items()}
_USER = re.compile(r"[!-~](?:[ -~]{0,253}[!-~])?")
_ANY_TEXT = nullable(text(_MAX_CHARS))
_NO_METHOD = (
    "code_challenge_method must be S256: without it RFC 7636 means plain, which is not taken here"
)

PARAMETERS = (
    *("tenant", "callback_url", "code_challenge", "code_challenge_method", "key_label", "limit"),
    *("usage_limit_type", "expires_at", "state", "workspace_id", "required_workspace_id"),
)


@described(lambda: {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"})
def _challenge(path: str, value: Any) -> None:
    if not isinstance(value, str) or not is_challenge(value):
        refuse(path, value, expected="the 43 characters of a SHA-256 in base64url")


@described(
    lambda: {
        "type": "string",
        "format": "uri",
        "pattern": f"^{CALLBACK}$",
        "maxLength": MAX_CALLBACK_CHARS,
    }
)
def _callback(_path: str, value: Any) -> None:
    read_callback(value if isinstance(value, str) else "")


@described(lambda: {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"})
def _user(path: str, value: Any) -> None:
    if not isinstance(value, str) or not _USER.fullmatch(value):
        refuse(path, value, expected="1 to 255 printable ASCII characters")


CALLBACK_URL, CHALLENGE = _callback, _challenge
LIMIT = number(0, _MAX_LIMIT_USD)
PERIOD = one_of(tuple(_PERIODS))
TERMS = {
    "key_label": nullable(text(MAX_LABEL_CHARS)),
    "limit": nullable(LIMIT),
    "usage_limit_type": nullable(PERIOD),
    "expires_at": nullable(moment),
}
BODY = record(
    {
        **TERMS,
        "callback_url": CALLBACK_URL,
        "code_challenge": CHALLENGE,
        "code_challenge_method": one_of((METHOD,)),
        "workspace_id": _ANY_TEXT,
    },
    required=("callback_url", "code_challenge", "code_challenge_method"),
)
LINKED = record(
    {
        **TERMS,
        "callback_url": nullable(CALLBACK_URL),
        "code_challenge": CHALLENGE,
        "code_challenge_method": one_of((METHOD,)),
        "state": nullable(text(MAX_STATE_CHARS)),
    },
    required=("code_challenge", "code_challenge_method"),
)
NEW_LINK = record(
    {
        "user": _user,
        "expires_in": nullable(integer(MIN_LINK_S, MAX_LINK_S)),
        "authorization": nullable(LINKED),
    },
    required=("user",),
)
EXCHANGE = record(
    {
        "code": text(),
        "code_verifier": nullable(text()),
        "code_challenge_method": nullable(one_of((METHOD, "plain"))),
    },
    required=("code",),
)
_QUERY = record(
    {**TERMS, "code_challenge": CHALLENGE, "state": nullable(text(MAX_STATE_CHARS))},
    required=("code_challenge",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """What brings a browser to the consent page.

    Attributes:
        tenant_id: Whose page.
        request: What the app asks for.
        state: Returned to the app as it is.
        query: All of it again, as it stands in a URL of the pages.
    """

    tenant_id: TenantId
    request: AuthRequest
    state: str | None
    query: str


def read_page_request(event: ProxyEvent, *, usual_tenant: str | None) -> PageRequest:
    """Read the query of the consent page.

    Args:
        event: With the query.
        usual_tenant: Whose page it is when the app names none.

    Raises:
        InvalidRequestError: A parameter is missing, there twice, or not what it should be.
    """
    given = _parameters(event)
    tenant = given.get("tenant") or usual_tenant
    if tenant is None or len(tenant) > MAX_TENANT_CHARS:
        raise InvalidRequestError("tenant is missing: the app must say whose page this is")
    if given.get("code_challenge_method") != METHOD:
        raise InvalidRequestError(_NO_METHOD)
    values: dict[str, Any] = {**given, "limit": _amount(given.get("limit"))}
    _QUERY("query", values)
    tenant_id = TenantId(tenant)
    required = given.get("required_workspace_id")
    if required is not None and required.lower() != workspace_id(tenant_id):
        raise InvalidRequestError("required_workspace_id names another workspace")
    return PageRequest(
        tenant_id=tenant_id,
        request=read_request(values),
        state=given.get("state"),
        query=urlencode(given),
    )


def read_request(values: Mapping[str, Any]) -> AuthRequest:
    """Return what an app asks for; the values were checked, but for the callback.

    Raises:
        InvalidRequestError: The callback is none that a code may be sent to.
    """
    callback, limit = values.get("callback_url"), values.get("limit")
    terms = KeyTerms(
        label=one_label(values.get("key_label") or ""),
        spend_nano_usd=None if limit is None else nano_usd(limit),
        period=_PERIODS.get(values.get("usage_limit_type") or "", LimitPeriod.TOTAL),
        expires_at_ms=epoch_ms(values.get("expires_at")),
    )
    return AuthRequest(
        callback=None if callback is None else read_callback(callback),
        challenge=values["code_challenge"],
        terms=terms,
    )


def page_query(values: Mapping[str, Any], *, tenant_id: TenantId) -> str:
    """Write what an app asks for as a query of the consent page, from a body that was checked."""
    given = {name: values[name] for name in PARAMETERS if values.get(name) is not None}
    return urlencode({**given, "tenant": tenant_id})


def one_label(given: str) -> str:
    """Return a label on one line; what cannot be seen could make one name look like another.

    Raises:
        InvalidRequestError: It is longer than a label may be.
    """
    if len(given) > MAX_LABEL_CHARS:
        raise InvalidRequestError(f"key_label must have at most {MAX_LABEL_CHARS} characters")
    return " ".join("".join(c if c.isprintable() else " " for c in given).split())


def _parameters(event: ProxyEvent) -> dict[str, str]:
    repeated = event.get("multiValueQueryStringParameters") or {}
    for name in PARAMETERS:
        if len(repeated.get(name, ())) > 1:
            raise InvalidRequestError(f"{name} is there more than once")
    given = event.get("queryStringParameters") or {}
    found = {name: given[name] for name in PARAMETERS if given.get(name)}
    for name, value in found.items():
        if len(value) > _MAX_CHARS:
            raise InvalidRequestError(f"{name} must have at most {_MAX_CHARS} characters")
    return found


def _amount(given: str | None) -> Decimal | None:
    if given is None:
        return None
    try:
        amount = Decimal(given) if given.isascii() and "_" not in given else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise InvalidRequestError("limit must be a number of USD")
    return amount
