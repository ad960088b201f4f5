"""What a page knows of the browser that asks: where it thinks it is, its cookie, its forms."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote

from weir.domain.auth_callbacks import LOOPBACK
from weir.domain.errors import InvalidRequestError, PayloadTooLargeError
from weir.domain.sign_ins import SESSION_LIFE_MS
from weir.http.events import ProxyEvent, body_bytes, header

MAX_FORM_BYTES = 8_192

_STEM = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_MAX_FIELDS = 8
_MS_PER_S = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the pages are, as browsers see it.

    Attributes:
        origin: Scheme, host and port.
        stem: What stands before the routes: "" behind a custom domain, else the stage.
    """

    origin: str
    stem: str

    @property
    def is_secure(self) -> bool:
        """Tell whether it is reached over TLS."""
        return self.origin.startswith("https:")

    @property
    def cookie_name(self) -> str:
        """Return the name of the cookie: `__Host-` binds it to this very host, and needs TLS."""
        return "__Host-weir-sign-in" if self.is_secure else "weir-sign-in"

    def path(self, route: str, query: str = "") -> str:
        """Return the path of a route."""
        return f"{self.stem}{route}" + (f"?{query}" if query else "")

    def url(self, route: str, query: str = "") -> str:
        """Return the whole URL of a route."""
        return self.origin + self.path(route, query)

    def way_back(self, tenant_id: str) -> str:
        """Return where issuers send users of a tenant back to, each tenant's another one."""
        return self.url(f"/auth/callback/{quote(tenant_id, safe='')}")


def place_of(event: ProxyEvent) -> Place:
    """Return where a request was sent to; all of it is known to API Gateway, not to the client."""
    context: Mapping[str, Any] = event.get("requestContext") or {}
    domain = str(context.get("domainName") or "localhost").lower()
    host = (header(event, "host") or "").lower()
    # API Gateway takes a request for its own names only; the header merely adds a port here.
    if host.rpartition(":")[0] != domain or not host.rpartition(":")[2].isdecimal():
        host = domain
    path, resource = str(context.get("path") or "").rstrip("/"), str(event.get("resource") or "")
    for name, value in (event.get("pathParameters") or {}).items():
        resource = resource.replace(f"{{{name}}}", value)
    stem = path.removesuffix(resource) if path.endswith(resource) else ""
    scheme = "http" if domain in LOOPBACK else "https"
    return Place(
        origin=f"{scheme}://{host}", stem=stem if _STEM.fullmatch(stem) is not None else ""
    )


def cookie_of(event: ProxyEvent, place: Place) -> str | None:
    """Return the token that the browser was given; None without one."""
    pairs = (pair.strip().partition("=") for pair in (header(event, "cookie") or "").split(";"))
    return next((value for name, _, value in pairs if name == place.cookie_name and value), None)


def set_cookie(place: Place, token: str) -> Mapping[str, str]:
    """Return the header that gives a browser a token for ten minutes; "" takes it away."""
    seconds = SESSION_LIFE_MS // _MS_PER_S if token else 0
    secure = "; Secure" if place.is_secure else ""
    value = f"{place.cookie_name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"
    return {"Set-Cookie": value + secure}


def form_of(event: ProxyEvent) -> Mapping[str, str]:
    """Return the fields of a form.

    Raises:
        InvalidRequestError: The body is no form, or has a field twice.
        PayloadTooLargeError: It is larger than any form of ours.
    """
    body = body_bytes(event)
    if len(body) > MAX_FORM_BYTES:
        raise PayloadTooLargeError(f"The form is larger than {MAX_FORM_BYTES} bytes")
    try:
        fields = parse_qsl(
            body.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError as error:
        raise InvalidRequestError("The form cannot be read") from error
    if len(dict(fields)) != len(fields):
        raise InvalidRequestError("The form has a field twice")
    return dict(fields)
