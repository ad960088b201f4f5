"""Sign-ins: a user at the tenant's issuer or with a one-time link, and the session that follows.

Everything here is short-lived and found by the SHA-256 of a token that only the user's browser has.
"""

import hmac
from dataclasses import dataclass
from typing import Protocol

from weir.domain.sign_in_settings import OidcClient
from weir.domain.tenants import TenantId

LOGIN_LIFE_MS = 10 * 60 * 1_000
SESSION_LIFE_MS = 10 * 60 * 1_000
MAX_USER_CHARS = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user who was sent to an issuer and has not come back yet.

    Attributes:
        issuer: That of the tenant when the user left.
        nonce: Must come back in the ID token.
        verifier: Of PKCE, towards the issuer.
        browser_hash: SHA-256 of the token in the cookie of the browser that left.
        redirect_uri: Where the issuer sends the browser.
        query: What the app asked for, to go on with.
        until_ms: Epoch milliseconds.
    """

    tenant_id: TenantId
    issuer: str
    nonce: str
    verifier: str
    browser_hash: str
    redirect_uri: str
    query: str
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link by which a tenant signs one of its users in, once.

    Attributes:
        user: Who, in the tenant's own words.
        query: What an app asked for, to go on with; "" when nothing.
        until_ms: Epoch milliseconds.
    """

    tenant_id: TenantId
    user: str
    query: str
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whoever an issuer says has signed in.

    Attributes:
        subject: Whom the tenant's books know.
        shown: What people call themselves, for the consent page alone.
    """

    subject: str
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A user who has signed in.

    Attributes:
        shown: What the consent page calls the user.
        until_ms: Epoch milliseconds.
    """

    tenant_id: TenantId
    user: str
    shown: str
    until_ms: int


class SignIns(Protocol):
    """Where sign-ins are kept, by the SHA-256 of a token. May raise StoreUnavailableError."""

    def put_login(self, state_hash: str, login: Login) -> None:
        """Store a login."""
        ...

    def take_login(self, state_hash: str) -> Login | None:
        """Return and remove a login; of many callers one gets it."""
        ...

    def put_link(self, link_hash: str, link: Link) -> None:
        """Store a link."""
        ...

    def link(self, link_hash: str) -> Link | None:
        """Return a link, and leave it where it is."""
        ...

    def take_link(self, link_hash: str) -> Link | None:
        """Return and remove a link; of many callers one gets it."""
        ...

    def put_session(self, session_hash: str, session: Session) -> None:
        """Store a session."""
        ...

    def session(self, session_hash: str) -> Session | None:
        """Return a session, consistently read."""
        ...

    def end_session(self, session_hash: str) -> None:
        """Remove a session, if there is one."""
        ...


class IdentityProvider(Protocol):
    """An OpenID Connect issuer, as a public client sees it."""

    def sign_in_url(self, client: OidcClient, *, login: Login, state: str) -> str:
        """Return where a browser must go to sign in.

        Raises:
            ProviderError: The issuer cannot be asked, or tells nothing usable of itself.
        """
        ...

    def person(self, client: OidcClient, *, login: Login, code: str) -> Person:
        """Return who came back with a code.

        Raises:
            ForbiddenError: The issuer does not take the code, or its ID token proves nothing.
            ProviderError: The issuer cannot be asked.
        """
        ...


def form_token(session_token: str) -> str:
    """Return what a form must carry so that it can only have come from a page of the session."""
    return hmac.digest(session_token.encode(), b"form", "sha256").hex()
