"""The way to a tenant's issuer and back."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.auth_gateway import WITH_ISSUER, AuthGateway, asked
from tests.support.fakes import TENANT
from weir.domain.errors import ForbiddenError, ProviderError

BACK = f"/auth/callback/{TENANT.tenant_id}"
MINUTE_MS = 60_000


@pytest.fixture
def gateway() -> AuthGateway:
    return AuthGateway()


def test_issuer_signs_the_user_in(gateway: AuthGateway) -> None:
    gateway.settings.stored[TENANT.tenant_id] = WITH_ISSUER
    left = gateway.browse("/auth/sign-in", asked(state="kept"))
    state = dict(parse_qsl(urlsplit(left.headers["Location"]).query))["state"]
    first = gateway.cookie
    back = gateway.browse(BACK, {"code": "c", "state": state})
    page = gateway.follow(back.headers["Location"])

    ((client, login, code),) = gateway.issuer.asked
    assert (client, code) == (WITH_ISSUER.oidc, "c")
    assert login.redirect_uri == f"https://gateway.example/live{BACK}"
    assert back.status == 303
    assert gateway.cookie != first
    assert "ada@example.com" in page.text
    assert "state=kept" in gateway.answer(page).headers["Location"]


@pytest.mark.parametrize(
    "way",
    [
        *("twice", "no cookie", "other browser", "late", "garbled", "other issuer", "gone"),
        "another tenant's way",
    ],
)
def test_browser_is_not_taken_back_when_it_did_not_leave_so(gateway: AuthGateway, way: str) -> None:
    gateway.settings.stored[TENANT.tenant_id] = WITH_ISSUER
    left = gateway.browse("/auth/sign-in", asked())
    state = dict(parse_qsl(urlsplit(left.headers["Location"]).query))["state"]
    query = {"code": "c", "state": state}
    match way:
        case "twice":
            assert gateway.browse(BACK, query).status == 303
        case "no cookie":
            gateway.cookie = ""
        case "other browser":
            gateway.browse("/auth/sign-in", asked())
        case "late":
            gateway.clock.ms += 10 * MINUTE_MS
        case "garbled":
            query["state"] = state[:-1]
        case "other issuer":
            query["iss"] = "https://mallory.example"
        case "gone":
            gateway.settings.stored.clear()
    gateway.sign_ins.sessions.clear()

    # One issuer could else send a browser on to another, and be given that one's code (RFC 9700).
    way_back = "/auth/callback/globex" if way == "another tenant's way" else BACK
    answer = gateway.browse(way_back, query)

    assert answer.status == 403
    assert "Location" not in answer.headers
    assert gateway.sign_ins.sessions == {}


@pytest.mark.parametrize(
    ("error", "status"),
    [(ForbiddenError("not confirmed"), 403), (ProviderError("no answer", cost_is_zero=True), 502)],
)
def test_user_is_told_when_the_issuer_fails(
    gateway: AuthGateway, error: ForbiddenError | ProviderError, status: int
) -> None:
    gateway.settings.stored[TENANT.tenant_id] = WITH_ISSUER
    left = gateway.browse("/auth/sign-in", asked())
    state = dict(parse_qsl(urlsplit(left.headers["Location"]).query))["state"]
    gateway.issuer.outcome = error
    back = gateway.browse(BACK, {"code": "c", "state": state})

    assert (back.status, error.message.capitalize() in back.text) == (status, True)
    if status == 502:
        assert gateway.browse("/auth/sign-in", asked()).status == 502


def test_user_can_try_again_when_the_issuer_sends_nobody(gateway: AuthGateway) -> None:
    gateway.settings.stored[TENANT.tenant_id] = WITH_ISSUER
    left = gateway.browse("/auth/sign-in", asked())
    state = dict(parse_qsl(urlsplit(left.headers["Location"]).query))["state"]
    back = gateway.browse(BACK, {"error": "access_denied", "state": state})

    assert back.status == 403
    assert 'href="/live/auth?tenant=acme&amp;' in back.text


def test_there_is_no_way_to_an_issuer_when_there_is_none(gateway: AuthGateway) -> None:
    answer = gateway.browse("/auth/sign-in", asked())

    assert (answer.status, "open the link" in answer.text) == (400, True)
