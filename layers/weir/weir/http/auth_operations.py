"""What clients are told of the routes of sign-in."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from weir.domain.auth_codes import MAX_LABEL_CHARS, METHOD
from weir.domain.tenants import TENANT_ID
from weir.http import queries
from weir.http.auth_requests import (
    BODY,
    CALLBACK_URL,
    CHALLENGE,
    EXCHANGE,
    LIMIT,
    MAX_STATE_CHARS,
    NEW_LINK,
    PERIOD,
)
from weir.http.auth_settings_bodies import SETTINGS, SettingsBody
from weir.http.moments import moment
from weir.http.operations import Operation
from weir.http.schemas import Schema

HTML = "text/html"
_SEE_OTHER = 303


class ExchangedKeyBody(TypedDict):
    """A new key, shown this once, and whose it is; flat, as OpenRouter has it."""

    key: str
    user_id: str | None


class ZodError(TypedDict):
    """OpenRouter's error for a body of another form; the message is a list of issues, as JSON."""

    name: Literal["ZodError"]
    message: str


class ZodEnvelope(TypedDict):
    """OpenRouter's envelope for a body of another form, on this route alone."""

    success: Literal[False]
    error: ZodError


class CodeBody(TypedDict):
    """A code that the tenant gives to an app."""

    id: str
    app_id: int
    created_at: str


class GivenCode(TypedDict):
    """A new code, shown this once."""

    data: CodeBody


class LinkBody(TypedDict):
    """A link that signs a user in, once."""

    url: str
    expires_at: str


class GivenLink(TypedDict):
    """A new link, shown this once."""

    data: LinkBody


class Settings(TypedDict):
    """The tenant's settings of sign-in."""

    data: SettingsBody


_TEXT: Schema = {"type": "string", "maxLength": 2048}
_ASKED: Mapping[str, Schema] = {
    "tenant": {"type": "string", "pattern": f"^{TENANT_ID}$"},
    "callback_url": CALLBACK_URL.schema,
    "code_challenge": CHALLENGE.schema,
    "code_challenge_method": {"type": "string", "enum": [METHOD]},
    "key_label": {"type": "string", "maxLength": MAX_LABEL_CHARS},
    "limit": LIMIT.schema,
    "usage_limit_type": PERIOD.schema,
    "expires_at": moment.schema,
    "state": {"type": "string", "maxLength": MAX_STATE_CHARS},
    "workspace_id": _TEXT,
    "required_workspace_id": _TEXT,
}
_NEEDED = ("code_challenge", "code_challenge_method")
_FROM_ISSUER: Mapping[str, Schema] = {"state": queries.TEXT, "code": _TEXT, "iss": queries.TEXT}
_TOKEN: Mapping[str, Schema] = {"token": queries.TEXT}
_DECISION: Schema = {
    "type": "object",
    "properties": {
        "form_token": {"type": "string"},
        "decision": {"type": "string", "enum": ["approve", "deny", "leave"]},
        "key_label": {"type": "string", "maxLength": MAX_LABEL_CHARS},
    },
    "required": ["form_token", "decision"],
}
_LINK: Schema = {
    "type": "object",
    "properties": {"token": {"type": "string"}, "form_token": {"type": "string"}},
    "required": ["token", "form_token"],
}
# Browsers are told of every error on a page.
_ERRORS = dict.fromkeys((400, 403, 413, 502, 503), HTML)


def _page(
    summary: str,
    *statuses: int,
    query: Mapping[str, Schema] = _ASKED,
    required: Sequence[str] = _NEEDED,
    form: Schema | None = None,
) -> Operation:
    return Operation(
        summary=summary,
        replies={**dict.fromkeys(statuses, HTML), **_ERRORS},
        query=query,
        required=required,
        form=form,
    )


PAGES = {
    "GET /auth": _page("Show the consent page, or how to sign in", 200),
    "POST /auth": _page(
        "Take the user's answer and return to the app", 200, _SEE_OTHER, form=_DECISION
    ),
    "GET /auth/sign-in": _page("Go to the tenant's issuer to sign in", _SEE_OTHER),
    "GET /auth/callback/{tenant}": _page(
        "Come back from the tenant's issuer", _SEE_OTHER, query=_FROM_ISSUER, required=("state",)
    ),
    "GET /auth/link": _page(
        "Show what a one-time link is for", 200, query=_TOKEN, required=("token",)
    ),
    "POST /auth/link": _page(
        "Sign in with a one-time link", 200, _SEE_OTHER, query={}, required=(), form=_LINK
    ),
}
EXCHANGE_CODE = Operation(
    summary="Exchange an authorization code for an API key, which is shown this once",
    replies={200: ExchangedKeyBody, 400: ZodEnvelope},
    refusals=(403, 409),
    body=EXCHANGE,
)
GIVE_CODE = Operation(
    summary="Make an authorization code for an app of the tenant's own",
    replies={200: GivenCode},
    body=BODY,
)
GIVE_LINK = Operation(
    summary="Make a one-time link that signs a user in", replies={201: GivenLink}, body=NEW_LINK
)
SHOW_SETTINGS = Operation(summary="Show the tenant's settings of sign-in", replies={200: Settings})
PUT_SETTINGS = Operation(
    summary="Replace the tenant's settings of sign-in",
    replies={200: Settings},
    refusals=(409,),
    body=SETTINGS,
)
