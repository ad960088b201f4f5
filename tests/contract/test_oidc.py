"""OpenID Connect against a real issuer: what it is asked, and what happens when it fails."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fakes import FakeClock
from tests.support.forged_tokens import RSA
from tests.support.oidc_issuer import CLIENT_ID, OidcIssuer
from tests.support.oidc_visits import client_of, login_at, provider, sign_in
from weir.adapters.oidc_documents import COOLDOWN_MS, FAILED_TTL_MS, KEYS_GRACE_MS, KEYS_TTL_MS
from weir.domain.errors import ForbiddenError, ProviderError
from weir.domain.sign_in_settings import OidcClient


@pytest.fixture
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer() as running:
        yield running


@pytest.mark.parametrize(
    "changes", [{"verifier": "w" * 43}, {"redirect_uri": "https://evil.example"}]
)
def test_code_is_refused_when_another_comes_back(issuer: OidcIssuer, changes: Any) -> None:
    with pytest.raises(ForbiddenError):
        sign_in(provider(), issuer, back=login_at(issuer, **changes))


def test_new_key_is_found_when_the_issuer_rotates(issuer: OidcIssuer) -> None:
    clock = FakeClock(int(time.time() * 1000))
    oidc = provider(clock=clock)
    sign_in(oidc, issuer)
    issuer.rotate(RSA)
    with pytest.raises(ForbiddenError):
        sign_in(oidc, issuer)
    clock.ms += COOLDOWN_MS

    assert sign_in(oidc, issuer).subject == "ada"


def test_issuer_is_left_in_peace_when_key_ids_are_made_up(issuer: OidcIssuer) -> None:
    oidc = provider()
    issuer.token = lambda claims: issuer.key.sign(claims, kid="made up")
    for _ in range(5):
        with pytest.raises(ForbiddenError):
            sign_in(oidc, issuer)

    assert issuer.asked.count("/jwks") == 1
    assert issuer.asked.count("/.well-known/openid-configuration") == 1


def test_keys_are_believed_for_a_day_when_they_cannot_be_had(issuer: OidcIssuer) -> None:
    clock = FakeClock(int(time.time() * 1000))
    oidc = provider(clock=clock)
    sign_in(oidc, issuer)
    issuer.faults["/jwks"] = 503
    clock.ms += KEYS_TTL_MS
    assert sign_in(oidc, issuer).subject == "ada"
    clock.ms += KEYS_GRACE_MS

    with pytest.raises(ProviderError):
        sign_in(oidc, issuer)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/.well-known/openid-configuration", 500),
        ("/.well-known/openid-configuration", 302),
        ("/.well-known/openid-configuration", b"not json"),
        ("/.well-known/openid-configuration", b"[]"),
        ("/.well-known/openid-configuration", b"[" * 100_000),
        ("/.well-known/openid-configuration", b'{"x":"' + b"x" * 300_000 + b'"}'),
        ("/token", 500),
        ("/token", b"not json"),
        ("/jwks", 404),
        ("/jwks", b"{"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_failure_is_told_when_the_issuer_answers_nonsense(
    issuer: OidcIssuer, path: str, fault: int | bytes
) -> None:
    issuer.faults[path] = fault

    with pytest.raises(ProviderError, match="cannot be reached right now"):
        sign_in(provider(), issuer)


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://mallory.example"},
        {"token_endpoint": "http://169.254.169.254/latest"},
        {"token_endpoint": "https://10.0.0.1/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
        {"jwks_uri": "https://issuer.example:65536/jwks"},
        {"token_endpoint": "https://issuer.example:99999"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)
def test_issuer_is_not_used_when_it_points_elsewhere(issuer: OidcIssuer, document: Any) -> None:
    issuer.discovery = document

    with pytest.raises(ProviderError):
        sign_in(provider(), issuer)


def test_this_machine_is_never_asked_on_lambda(issuer: OidcIssuer) -> None:
    issuer.discovery = {
        "authorization_endpoint": "https://login.example.com/a",
        "token_endpoint": "https://login.example.com/t",
    }

    with pytest.raises(ProviderError):
        provider(loopback=False).sign_in_url(client_of(issuer), login=login_at(issuer), state="s")

    assert issuer.asked == ["/.well-known/openid-configuration"]


def test_failure_is_told_when_nobody_listens(issuer: OidcIssuer) -> None:
    oidc, client = provider(), OidcClient(issuer="http://127.0.0.1:9", client_id=CLIENT_ID)

    with pytest.raises(ProviderError, match="cannot be reached right now"):
        oidc.sign_in_url(client, login=login_at(issuer), state="s")


def test_issuer_that_fails_is_left_in_peace_for_a_moment(issuer: OidcIssuer) -> None:
    clock = FakeClock(int(time.time() * 1000))
    oidc = provider(clock=clock)
    issuer.faults["/.well-known/openid-configuration"] = 503
    for _ in range(3):
        with pytest.raises(ProviderError, match="cannot be reached right now"):
            sign_in(oidc, issuer)
    assert issuer.asked == ["/.well-known/openid-configuration"]

    issuer.faults.clear()
    clock.ms += FAILED_TTL_MS

    assert sign_in(oidc, issuer).subject == "ada"


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/jwks"])
def test_user_does_not_wait_when_the_issuer_hangs(
    issuer: OidcIssuer, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("weir.adapters.oidc.DEADLINE_MS", 200)
    issuer.faults[path] = None

    with pytest.raises(ProviderError, match="cannot be reached right now"):
        sign_in(provider(), issuer)


def test_query_of_an_endpoint_is_kept(issuer: OidcIssuer) -> None:
    issuer.discovery = {"authorization_endpoint": f"{issuer.url}/authorize?p=policy"}

    url = provider().sign_in_url(client_of(issuer), login=login_at(issuer), state="s")

    assert url.startswith(f"{issuer.url}/authorize?p=policy&response_type=code&")
