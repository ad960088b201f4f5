"""The routes of the auth function over stores in memory, and a browser that keeps its cookie."""

import json
import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.support.account_gateway import MANAGER, PREFIX, AccountGateway, Answer
from tests.support.fake_sign_ins import (
    FakeAuthCodes,
    FakeIssuer,
    FakeSettings,
    FakeSignIns,
    FakeTenants,
)
from tests.support.fakes import TENANT, FakeJournal
from weir.domain.auth_codes import challenge_of
from weir.domain.sign_in_settings import OidcClient, SignInSettings
from weir.http.access import Gate
from weir.http.auth_keys import AuthKeyEndpoints
from weir.http.auth_pages import AuthPages
from weir.http.auth_settings_bodies import settings_facts
from weir.http.routes import Routes
from weir.services.auth_codes import AuthCodeDesk
from weir.services.auth_settings import SignInSettingsDesk
from weir.services.sign_in import SignIn

VERIFIER = "v" * 43
CHALLENGE = challenge_of(VERIFIER)
CALLBACK = "https://app.example/back"
WANTED = {
    "callback_url": CALLBACK,
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
OIDC = OidcClient(issuer="https://issuer.example", client_id="weir")
WITH_ISSUER = SignInSettings(oidc=OIDC)


def asked(**changes: str | None) -> dict[str, str]:
    """The query of a consent page, with changes; None leaves a parameter out."""
    query = {
        "tenant": str(TENANT.tenant_id),
        "callback_url": CALLBACK,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in query.items() if value is not None}


@dataclass
class AuthGateway:
    """Answers browsers, apps and the tenant acme.

    Attributes:
        cookie: What the browser keeps.
        domain: What it has asked for, by its name.
        stage: What stands before the routes.
    """

    account: AccountGateway = field(default_factory=AccountGateway)
    sign_ins: FakeSignIns = field(default_factory=FakeSignIns)
    codes: FakeAuthCodes = field(default_factory=FakeAuthCodes)
    settings: FakeSettings = field(default_factory=FakeSettings)
    issuer: FakeIssuer = field(default_factory=FakeIssuer)
    journal: FakeJournal = field(default_factory=FakeJournal)
    cookie: str = ""
    domain: str = "gateway.example"
    host: str = "gateway.example"
    stage: str = "/live"
    usual_tenant: str | None = None
    serial: int = 0

    def __post_init__(self) -> None:
        self.clock = self.account.clock
        self.tenants = FakeTenants({TENANT.tenant_id: TENANT})
        desk = AuthCodeDesk(
            codes=self.codes, tenants=self.tenants, mint=self.account.mint, random=self.random
        )
        sign_in = SignIn(sign_ins=self.sign_ins, provider=self.issuer, random=self.random)
        pages = AuthPages(
            sign_in=sign_in,
            codes=desk,
            tenants=self.tenants,
            settings=self.settings,
            journal=self.journal,
            usual_tenant=self.usual_tenant,
            random=self.random,
        )
        endpoints = AuthKeyEndpoints(
            codes=desk,
            sign_in=sign_in,
            settings=SignInSettingsDesk(
                store=self.settings, random=self.random, facts=settings_facts
            ),
            loopback=False,
        )
        self.routes = Routes(
            table={**pages.routes(), **endpoints.routes()},
            gate=Gate(keys=self.account.register, key_prefix=PREFIX),
            clock=self.clock,
            journal=self.journal,
        )

    def random(self, count: int) -> bytes:
        """Bytes that no other call returns."""
        self.serial += 1
        return self.serial.to_bytes(count)

    def browse(
        self, path: str, query: dict[str, str] | None = None, form: dict[str, str] | None = None
    ) -> Answer:
        """Open a page, or send a form."""
        answer = self._send(
            "GET" if form is None else "POST",
            path,
            query=query or {},
            body=None if form is None else urlencode(form),
            headers={"Cookie": self.cookie} if self.cookie else {},
        )
        if "Set-Cookie" in answer.headers:
            self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        return answer

    def follow(self, url: str, form: dict[str, str] | None = None) -> Answer:
        """Open a URL of the gateway's own."""
        parts = urlsplit(unescape(url))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        return self.browse(parts.path.removeprefix(self.stage), query, form)

    def ask(
        self, route: str, body: Any = None, *, key: str | None = MANAGER, text: str | None = None
    ) -> Answer:
        """Call the API; `text` is a body as it is."""
        method, _, path = route.partition(" ")
        return self._send(
            method,
            f"/api/v1{path}",
            query={},
            body=json.dumps(body) if text is None else text,
            headers={} if key is None else {"Authorization": f"Bearer {key}"},
        )

    def sign_in(self, user: str = "ada", **changes: str | None) -> Answer:
        """Sign a user in with a link, and return the consent page."""
        link = self.ask("POST /auth/links", {"user": user}).data["url"]
        token = dict(parse_qsl(urlsplit(link).query))["token"]
        assert self.open_link(token).status == 200
        return self.browse("/auth", asked(**changes))

    def open_link(self, token: str) -> Answer:
        """Open a one-time link and press its button."""
        page = self.browse("/auth/link", {"token": token})
        if page.status != 200:
            return page
        return self.browse("/auth/link", form={"token": token, "form_token": form_token(page)})

    def answer(self, page: Answer, decision: str = "approve", **fields: str) -> Answer:
        """Press a button of the consent page."""
        form = {"form_token": form_token(page), "decision": decision, **fields}
        return self.follow(action(page), form)

    def code(self, **changes: str | None) -> str:
        """Let a user agree, and return the code."""
        answer = self.answer(self.sign_in("ada", **changes))
        assert answer.status == 303, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))["code"]

    def exchange(self, code: str, **changes: Any) -> Answer:
        """Exchange a code, as an app does."""
        return self.ask(
            "POST /auth/keys", {"code": code, "code_verifier": VERIFIER, **changes}, key=None
        )

    def _send(
        self, method: str, path: str, *, query: dict[str, str], body: Any, headers: dict[str, str]
    ) -> Answer:
        before, is_callback, tenant = path.partition("/auth/callback/")
        result = self.routes.respond(
            {
                "httpMethod": method,
                "resource": f"{before}/auth/callback/{{tenant}}" if is_callback else path,
                "pathParameters": {"tenant": tenant} if is_callback else None,
                "path": path,
                "queryStringParameters": query or None,
                "multiValueQueryStringParameters": {name: [text] for name, text in query.items()},
                "headers": {"Host": self.host, **headers},
                "requestContext": {"domainName": self.domain, "path": f"{self.stage}{path}"},
                "body": body,
            },
            request_id="request-1",
        )
        return Answer(result["statusCode"], result["headers"], result["body"])


def action(page: Answer) -> str:
    """Where the page's form goes."""
    found = re.search(r'action="([^"]+)"', page.text)
    assert found, page.text
    return unescape(found[1])


def form_token(page: Answer) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]
