"""The pages of sign-in: GET and POST /auth, the way to an issuer and back, one-time links.

A browser is only ever sent on to a callback that was checked against its tenant's list. Whatever
goes wrong before that is told on a page. ADR 0020.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from weir.domain.answers import Reply
from weir.domain.auth_codes import TOKEN_BYTES, token
from weir.domain.auth_requests import AuthRequest
from weir.domain.errors import ForbiddenError, InvalidRequestError, WeirError
from weir.domain.ports import Journal
from weir.domain.sign_in_settings import (
    Brand,
    SignInSettings,
    SignInSettingsStore,
    TenantFinder,
)
from weir.domain.sign_ins import Session
from weir.domain.tenants import Tenant, TenantId
from weir.http import auth_views as views
from weir.http.access import Access
from weir.http.auth_browsers import Place, cookie_of, form_of, place_of, set_cookie
from weir.http.auth_html import PAGE_HEADERS, Look
from weir.http.auth_operations import PAGES
from weir.http.auth_requests import PageRequest, one_label, read_page_request
from weir.http.events import path_parameter
from weir.http.queries import text as query_text
from weir.http.routes import Request, Route
from weir.services.auth_codes import AuthCodeDesk
from weir.services.sign_in import Arrival, SignIn

_SEE_OTHER = 303
_NONCE_CHARS = 22
_NO_PAGE = "There is no such page: the address that the app has opened is not right"
_STALE = "This form is too old, or comes from elsewhere; start again from the app"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Visit:
    """A request for the consent page, and whose page it is."""

    asked: PageRequest
    agreed: AuthRequest
    tenant: Tenant
    settings: SignInSettings
    place: Place
    session_token: str | None
    session: Session | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthPages:
    """Speaks for `SignIn` and `AuthCodeDesk` to browsers.

    Attributes:
        usual_tenant: Whose page is shown to apps that name no tenant; None: none.
        random: Makes that many random bytes.
    """

    sign_in: SignIn
    codes: AuthCodeDesk
    tenants: TenantFinder
    settings: SignInSettingsStore
    journal: Journal
    usual_tenant: str | None
    random: Callable[[int], bytes]

    def routes(self) -> Mapping[str, Route]:
        """Return the routes; a browser shows no key, and is known by its cookie."""
        pages = {
            "GET /auth": self.show,
            "POST /auth": self.answer,
            "GET /auth/sign-in": self.leave,
            "GET /auth/callback/{tenant}": self.come_back,
            "GET /auth/link": self.show_link,
            "POST /auth/link": self.open_link,
        }
        return {
            name: Route(
                access=Access.NONE,
                endpoint=self._told(endpoint),
                about=PAGES[name],
                is_page=True,
            )
            for name, endpoint in pages.items()
        }

    def show(self, request: Request) -> Reply:
        """Show the consent page to a user who has signed in, else how to sign in."""
        visit = self._visit(request)
        look = self._look(visit.tenant, visit.settings)
        if visit.session is None or visit.session_token is None:
            way = None
            if visit.settings.oidc is not None:
                way = visit.place.path("/auth/sign-in", visit.asked.query)
            return views.sign_in_page(look, app=views.asking(visit.agreed.callback), way=way)
        return views.consent_page(
            look,
            request=visit.agreed,
            user=visit.session.shown,
            to=visit.place.path("/auth", visit.asked.query),
            session_token=visit.session_token,
        )

    def answer(self, request: Request) -> Reply:
        """Take the user's answer and send the browser back to the app.

        Raises:
            ForbiddenError: The form comes from no page of the browser's session.
            InvalidRequestError: It holds no answer.
        """
        visit, form = self._visit(request), form_of(request.event)
        if visit.session is None or visit.session_token is None:
            raise ForbiddenError(_STALE)
        if not views.is_from(form, session_token=visit.session_token):
            raise ForbiddenError(_STALE)
        match form.get("decision"):
            case "approve":
                return self._approved(visit, visit.session, form, now_ms=request.now_ms)
            case "deny":
                return self._denied(visit)
            case "leave":
                self.sign_in.end_session(visit.session_token)
                to = visit.place.path("/auth", visit.asked.query)
                return _redirect(to, **set_cookie(visit.place, ""))
            case _:
                raise InvalidRequestError("decision must be approve, deny or leave")

    def leave(self, request: Request) -> Reply:
        """Send the browser to the tenant's issuer."""
        visit = self._visit(request)
        departure = self.sign_in.leave(
            visit.tenant.tenant_id,
            client=visit.settings.oidc,
            redirect_uri=visit.place.way_back(visit.tenant.tenant_id),
            query=visit.asked.query,
            now_ms=request.now_ms,
        )
        return _redirect(departure.url, **set_cookie(visit.place, departure.browser_token))

    def come_back(self, request: Request) -> Reply:
        """Take a browser back from an issuer, and show it the consent page."""
        event, place = request.event, place_of(request.event)
        login = self.sign_in.returned(
            TenantId(path_parameter(event, "tenant")),
            state=query_text(event, "state") or "",
            browser_token=cookie_of(event, place),
            now_ms=request.now_ms,
        )
        tenant = self._tenant(login.tenant_id)
        settings = self.settings.settings(tenant.tenant_id)
        code = query_text(event, "code", max_chars=2_048)
        if code is None:
            again = place.path("/auth", login.query)
            return views.not_signed_in_page(self._look(tenant, settings), again=again)
        arrival = self.sign_in.arrive(
            login,
            client=settings.oidc,
            issuer=query_text(event, "iss"),
            code=code,
            now_ms=request.now_ms,
        )
        return self._arrived(arrival, place)

    def show_link(self, request: Request) -> Reply:
        """Show what a one-time link is for; it stays good, because programs follow links too."""
        link_token, place = query_text(request.event, "token") or "", place_of(request.event)
        link = self.sign_in.link(link_token, now_ms=request.now_ms)
        tenant = self._tenant(link.tenant_id)
        # Only a page of ours may send the form: nobody else signs a browser in as someone.
        browser_token = cookie_of(request.event, place) or token(self.random(TOKEN_BYTES))
        shown = views.link_page(
            self._look(tenant, self.settings.settings(tenant.tenant_id)),
            user=link.user,
            token=link_token,
            to=place.path("/auth/link"),
            browser_token=browser_token,
        )
        return _with_cookie(shown, place, browser_token)

    def open_link(self, request: Request) -> Reply:
        """Use a one-time link up and sign its user in.

        Raises:
            ForbiddenError: The form comes from no page that this browser was shown.
        """
        form, place = form_of(request.event), place_of(request.event)
        link_token, browser_token = form.get("token", ""), cookie_of(request.event, place)
        link = self.sign_in.link(link_token, now_ms=request.now_ms)
        tenant = self._tenant(link.tenant_id)
        if browser_token is None or not views.is_from(form, session_token=browser_token):
            raise ForbiddenError(_STALE)
        arrival = self.sign_in.open_link(link_token, now_ms=request.now_ms)
        if arrival.query:
            return self._arrived(arrival, place)
        look = self._look(tenant, self.settings.settings(tenant.tenant_id))
        return _with_cookie(views.signed_in_page(look), place, arrival.session_token)

    def _approved(
        self, visit: _Visit, session: Session, form: Mapping[str, str], *, now_ms: int
    ) -> Reply:
        request = visit.agreed.labelled(one_label(form.get("key_label", "")))
        code = self.codes.give(visit.tenant, request=request, user=session.user, now_ms=now_ms)
        if request.callback is None:
            return views.code_page(self._look(visit.tenant, visit.settings), code=code)
        return _redirect(request.callback.answered(code=code, state=visit.asked.state))

    def _denied(self, visit: _Visit) -> Reply:
        if visit.agreed.callback is None:
            return views.denied_page(self._look(visit.tenant, visit.settings))
        return _redirect(visit.agreed.callback.answered(error="access_denied"))

    def _arrived(self, arrival: Arrival, place: Place) -> Reply:
        to = place.path("/auth", arrival.query)
        return _redirect(to, **set_cookie(place, arrival.session_token))

    def _visit(self, request: Request) -> _Visit:
        asked = read_page_request(request.event, usual_tenant=self.usual_tenant)
        tenant = self._tenant(asked.tenant_id)
        settings = self.settings.settings(tenant.tenant_id)
        agreed = self.codes.agreed(asked.request, settings=settings, now_ms=request.now_ms)
        place = place_of(request.event)
        session_token = cookie_of(request.event, place)
        session = self.sign_in.session(
            session_token, tenant_id=tenant.tenant_id, now_ms=request.now_ms
        )
        return _Visit(
            asked=asked,
            agreed=agreed,
            tenant=tenant,
            settings=settings,
            place=place,
            session_token=session_token,
            session=session,
        )

    def _tenant(self, tenant_id: TenantId) -> Tenant:
        found = self.tenants.find(tenant_id)
        if found is None or found.is_closed:
            raise InvalidRequestError(_NO_PAGE)
        return found

    def _look(self, tenant: Tenant, settings: SignInSettings) -> Look:
        name = settings.brand.name or tenant.name or tenant.tenant_id
        return Look(name=name, brand=settings.brand, nonce=self._nonce())

    def _nonce(self) -> str:
        return token(self.random(TOKEN_BYTES))[:_NONCE_CHARS]

    def _told(self, endpoint: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
        """Make an endpoint tell its errors on a page that is nobody's."""

        def told(request: Request) -> Reply:
            try:
                return endpoint(request)
            except WeirError as error:
                self.journal.refused(error=error)
                return views.error_page(Look(name="", brand=Brand(), nonce=self._nonce()), error)

        return told


def _with_cookie(reply: Reply, place: Place, value: str) -> Reply:
    return replace(reply, headers={**reply.headers, **set_cookie(place, value)})


def _redirect(to: str, **headers: str) -> Reply:
    return Reply(status=_SEE_OTHER, headers={**PAGE_HEADERS, "Location": to, **headers}, body=())
