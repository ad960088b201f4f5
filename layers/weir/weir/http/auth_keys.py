"""POST /auth/keys, which exchanges a code for a key; and what a tenant does about sign-in."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from weir.domain.answers import Reply
from weir.domain.auth_codes import METHOD
from weir.domain.errors import InvalidRequestError
from weir.domain.sign_ins import Link
from weir.http import auth_operations as about
from weir.http.access import Access
from weir.http.auth_browsers import place_of
from weir.http.auth_requests import BODY, EXCHANGE, NEW_LINK, page_query, read_request
from weir.http.auth_settings_bodies import (
    LOCAL_SETTINGS,
    SETTINGS,
    read_settings,
    settings_body,
)
from weir.http.checks import Check
from weir.http.events import ProxyEvent, body_bytes
from weir.http.replies import json_reply
from weir.http.routes import Request, Route
from weir.http.strict_json import parse_object
from weir.http.wire_values import timestamp, workspace_id
from weir.services.auth_codes import AuthCodeDesk
from weir.services.auth_settings import SignInSettingsDesk
from weir.services.sign_in import SignIn

DEFAULT_LINK_S = 600

_BAD_REQUEST = 400
_CREATED = 201
_MS_PER_S = 1_000
_FIELD = re.compile(r"body\.(\w+)")
# OpenRouter's own words, to the letter.
_OTHER_METHOD = "Invalid code_challenge_method"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthKeyEndpoints:
    """Speaks for `AuthCodeDesk` and `SignIn` to apps and to tenants.

    Attributes:
        loopback: Whether an issuer may be on this machine; see `is_endpoint`.
    """

    codes: AuthCodeDesk
    sign_in: SignIn
    settings: SignInSettingsDesk
    loopback: bool

    def routes(self) -> Mapping[str, Route]:
        """Return the routes, and which keys each takes."""
        tenants = {
            "POST /api/v1/auth/keys/code": (self.give_code, about.GIVE_CODE),
            "POST /api/v1/auth/links": (self.give_link, about.GIVE_LINK),
            "GET /api/v1/auth/settings": (self.show_settings, about.SHOW_SETTINGS),
            "PUT /api/v1/auth/settings": (self.put_settings, about.PUT_SETTINGS),
        }
        exchange = Route(access=Access.NONE, endpoint=self.exchange, about=about.EXCHANGE_CODE)
        return {
            "POST /api/v1/auth/keys": exchange,
            **{
                name: Route(access=Access.MANAGEMENT, endpoint=endpoint, about=operation)
                for name, (endpoint, operation) in tenants.items()
            },
        }

    def exchange(self, request: Request) -> Reply:
        """Make a key for a code and show it, this once.

        Raises:
            InvalidRequestError: The method is another than that of the consent page, or the code
                is none.
        """
        try:
            values = _values(request.event, EXCHANGE)
        except InvalidRequestError as error:
            return json_reply(_zod(error), status=_BAD_REQUEST)
        if values.get("code_challenge_method") not in {None, METHOD}:
            raise InvalidRequestError(_OTHER_METHOD)
        issued = self.codes.exchange(
            values["code"],
            verifier=values.get("code_verifier"),
            request_id=request.request_id,
            now_ms=request.now_ms,
        )
        return json_reply(
            {"key": issued.secret, "user_id": issued.user_id},
            headers={"Cache-Control": "no-store"},
        )

    def give_code(self, request: Request) -> Reply:
        """Make a code for an app of the tenant's own.

        Raises:
            InvalidRequestError: The tenant's own settings do not allow it, or it names another
                workspace.
        """
        tenant, values = request.key.tenant, _values(request.event, BODY)
        named = values.get("workspace_id")
        if named is not None and named.lower() != workspace_id(tenant.tenant_id):
            raise InvalidRequestError("workspace_id names no workspace of yours: you have one")
        agreed = self.codes.agreed(
            read_request(values),
            settings=self.settings.show(tenant.tenant_id),
            now_ms=request.now_ms,
        )
        code = self.codes.give_unasked(
            tenant, request=agreed, giver=request.actor.who, now_ms=request.now_ms
        )
        given: about.CodeBody = {
            "id": code,
            "app_id": agreed.app_id(tenant),
            "created_at": timestamp(request.now_ms),
        }
        return json_reply({"data": given})

    def give_link(self, request: Request) -> Reply:
        """Make a link that signs a user of the tenant in, once."""
        tenant_id, values = request.key.tenant.tenant_id, _values(request.event, NEW_LINK)
        asked = values.get("authorization")
        if asked is not None:
            self.codes.agreed(
                read_request(asked),
                settings=self.settings.show(tenant_id),
                now_ms=request.now_ms,
            )
        life_s = int(values.get("expires_in") or DEFAULT_LINK_S)
        link = Link(
            tenant_id=tenant_id,
            user=values["user"],
            query="" if asked is None else page_query(asked, tenant_id=tenant_id),
            until_ms=request.now_ms + life_s * _MS_PER_S,
        )
        token = self.sign_in.new_link(link)
        given: about.LinkBody = {
            "url": place_of(request.event).url("/auth/link", f"token={token}"),
            "expires_at": timestamp(link.until_ms),
        }
        return json_reply({"data": given}, status=_CREATED)

    def show_settings(self, request: Request) -> Reply:
        """Show the tenant's settings."""
        tenant_id = request.key.tenant.tenant_id
        settings = self.settings.show(tenant_id)
        redirect_uri = place_of(request.event).way_back(tenant_id)
        return json_reply({"data": settings_body(settings, redirect_uri=redirect_uri)})

    def put_settings(self, request: Request) -> Reply:
        """Replace the tenant's settings."""
        values = _values(request.event, LOCAL_SETTINGS if self.loopback else SETTINGS)
        self.settings.replace(
            request.key.tenant.tenant_id,
            settings=read_settings(values),
            by=request.actor,
            now_ms=request.now_ms,
        )
        return self.show_settings(request)


def _values(event: ProxyEvent, check: Check) -> Mapping[str, Any]:
    body = parse_object(body_bytes(event))
    values = {name: member.value for name, member in body.members.items()}
    check("body", values)
    return values


def _zod(error: InvalidRequestError) -> Mapping[str, Any]:
    """Return OpenRouter's envelope for a body of another form, which only this route has."""
    named = _FIELD.match(error.message)
    issue = {
        "code": "custom",
        "path": [] if named is None else [named[1]],
        "message": error.message,
    }
    return {
        "success": False,
        "error": {"name": "ZodError", "message": json.dumps([issue], separators=(",", ":"))},
    }
