"""Signing in: at the tenant's issuer, or with a link that the tenant gave to the user. ADR 0020."""

from collections.abc import Callable
from dataclasses import dataclass

from weir.domain.auth_codes import TOKEN_BYTES, is_token, token, token_hash
from weir.domain.errors import ForbiddenError, InvalidRequestError
from weir.domain.sign_in_settings import OidcClient
from weir.domain.sign_ins import (
    LOGIN_LIFE_MS,
    SESSION_LIFE_MS,
    IdentityProvider,
    Link,
    Login,
    Person,
    Session,
    SignIns,
)
from weir.domain.tenants import TenantId

_GONE = "This sign-in is over: it took longer than ten minutes, or began in another browser"
_USED = "This link has been used, or its time is over; ask for a new one"
_NO_ISSUER = "Signing in is not set up here: open the link that you were given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A browser on its way to an issuer.

    Attributes:
        url: Where it goes.
        browser_token: For its cookie.
    """

    url: str
    browser_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A user who has signed in.

    Attributes:
        session_token: For the cookie of the browser.
        query: What the app asked for; "" when nothing.
    """

    session_token: str
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Signs users in. Every method may raise StoreUnavailableError.

    Attributes:
        random: Makes that many random bytes.
    """

    sign_ins: SignIns
    provider: IdentityProvider
    random: Callable[[int], bytes]

    def leave(
        self,
        tenant_id: TenantId,
        *,
        client: OidcClient | None,
        redirect_uri: str,
        query: str,
        now_ms: int,
    ) -> Departure:
        """Send a browser to the tenant's issuer.

        Raises:
            InvalidRequestError: The tenant has none.
            ProviderError: It cannot be asked where its sign-in is.
        """
        if client is None:
            raise InvalidRequestError(_NO_ISSUER)
        state, browser_token = self._token(), self._token()
        login = Login(
            tenant_id=tenant_id,
            issuer=client.issuer,
            nonce=self._token(),
            verifier=self._token(),
            browser_hash=token_hash(browser_token),
            redirect_uri=redirect_uri,
            query=query,
            until_ms=now_ms + LOGIN_LIFE_MS,
        )
        url = self.provider.sign_in_url(client, login=login, state=state)
        self.sign_ins.put_login(token_hash(state), login)
        return Departure(url=url, browser_token=browser_token)

    def returned(
        self, tenant_id: TenantId, *, state: str, browser_token: str | None, now_ms: int
    ) -> Login:
        """Return the login of a browser that comes back from an issuer; there is no second time.

        Args:
            tenant_id: Whose way back the browser took. An issuer may send a browser on to another
                tenant's: that one's code comes back on that one's way, and is not for the first.
            state: That the browser brings.
            browser_token: From its cookie.
            now_ms: Epoch milliseconds.

        Raises:
            ForbiddenError: It never left from here, took too long, came back on another tenant's
                way, or another browser left.
        """
        login = self.sign_ins.take_login(token_hash(state)) if is_token(state) else None
        if login is None or browser_token is None or now_ms >= login.until_ms:
            raise ForbiddenError(_GONE)
        if login.tenant_id != tenant_id:
            raise ForbiddenError(_GONE)
        if token_hash(browser_token) != login.browser_hash:
            raise ForbiddenError(_GONE)
        return login

    def arrive(
        self,
        login: Login,
        *,
        client: OidcClient | None,
        issuer: str | None,
        code: str,
        now_ms: int,
    ) -> Arrival:
        """Open a session for whoever the issuer says has come back.

        Args:
            login: That was `returned`.
            client: Of the tenant, now.
            issuer: Who the answer says it comes from; None: it does not say (RFC 9207).
            code: For the issuer.
            now_ms: Epoch milliseconds.

        Raises:
            ForbiddenError: The issuer does not say so, or it is another one than the user left for.
            ProviderError: The issuer cannot be asked.
        """
        if client is None or login.issuer != client.issuer or issuer not in {None, client.issuer}:
            raise ForbiddenError(_GONE)
        person = self.provider.person(client, login=login, code=code)
        return self._session(login.tenant_id, person, query=login.query, now_ms=now_ms)

    def new_link(self, link: Link) -> str:
        """Make a link of a tenant; its token is returned this once."""
        made = self._token()
        self.sign_ins.put_link(token_hash(made), link)
        return made

    def link(self, link_token: str, *, now_ms: int) -> Link:
        """Return what a link is for, and leave it good: whoever scans links must not use it up.

        Raises:
            InvalidRequestError: It was used, is too old, or never was.
        """
        found = self.sign_ins.link(token_hash(link_token)) if is_token(link_token) else None
        return _still_good(found, now_ms)

    def open_link(self, link_token: str, *, now_ms: int) -> Arrival:
        """Use a link up and open a session for its user.

        Raises:
            InvalidRequestError: It was used, is too old, or never was.
        """
        taken = self.sign_ins.take_link(token_hash(link_token)) if is_token(link_token) else None
        link = _still_good(taken, now_ms)
        person = Person(subject=link.user, shown=link.user)
        return self._session(link.tenant_id, person, query=link.query, now_ms=now_ms)

    def session(
        self, session_token: str | None, *, tenant_id: TenantId, now_ms: int
    ) -> Session | None:
        """Return the session of a browser with this tenant, None when there is none."""
        if session_token is None or not is_token(session_token):
            return None
        found = self.sign_ins.session(token_hash(session_token))
        if found is None or found.tenant_id != tenant_id or now_ms >= found.until_ms:
            return None
        return found

    def end_session(self, session_token: str) -> None:
        """End the session of a browser."""
        self.sign_ins.end_session(token_hash(session_token))

    def _session(self, tenant_id: TenantId, person: Person, *, query: str, now_ms: int) -> Arrival:
        made = self._token()
        session = Session(
            tenant_id=tenant_id,
            user=person.subject,
            shown=person.shown,
            until_ms=now_ms + SESSION_LIFE_MS,
        )
        self.sign_ins.put_session(token_hash(made), session)
        return Arrival(session_token=made, query=query)

    def _token(self) -> str:
        return token(self.random(TOKEN_BYTES))


def _still_good(link: Link | None, now_ms: int) -> Link:
    if link is None or now_ms >= link.until_ms:
        raise InvalidRequestError(_USED)
    return link
