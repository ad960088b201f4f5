"""Browsers that go to an issuer and come back."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from tests.support.oidc_issuer import CLIENT_ID, OidcIssuer
from weir.adapters.clock import SystemClock
from weir.adapters.oidc import OidcProvider
from weir.adapters.oidc_documents import OidcDocuments
from weir.domain.sign_in_settings import OidcClient
from weir.domain.sign_ins import Login, Person
from weir.domain.tenants import TenantId

REDIRECT = "https://gateway.example/auth/callback/acme"


def client_of(issuer: OidcIssuer) -> OidcClient:
    return OidcClient(issuer=issuer.url, client_id=CLIENT_ID)


def login_at(issuer: OidcIssuer, **changes: Any) -> Login:
    facts = {
        "tenant_id": TenantId("acme"),
        "issuer": issuer.url,
        "nonce": "the nonce",
        "verifier": "v" * 43,
        "browser_hash": "",
        "redirect_uri": REDIRECT,
        "query": "",
        "until_ms": 0,
    }
    return Login(**{**facts, **changes})


def provider(*, clock: Any = None, loopback: bool = True) -> OidcProvider:
    clock = clock or SystemClock()
    return OidcProvider(OidcDocuments(clock=clock, loopback=loopback), clock=clock)


def sign_in(oidc: OidcProvider, issuer: OidcIssuer, *, back: Login | None = None) -> Person:
    """Go to the issuer and come back, as a browser does."""
    login = login_at(issuer)
    url = oidc.sign_in_url(client_of(issuer), login=login, state="the state")
    answer = requests.get(url, allow_redirects=False, timeout=5)
    sent = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert answer.headers["Location"].startswith(REDIRECT)
    assert sent["state"] == ["the state"]
    return oidc.person(client_of(issuer), login=back or login, code=sent["code"][0])
