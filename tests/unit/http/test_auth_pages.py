"""The consent page: what it shows, whom it lets answer, and where it sends the browser."""

import re
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.auth_gateway import (
    CALLBACK,
    WITH_ISSUER,
    AuthGateway,
    action,
    asked,
    form_token,
)
from tests.support.fakes import TENANT
from weir.domain.auth_codes import token_hash
from weir.domain.sign_in_settings import Brand, SignInSettings
from weir.domain.tenants import TenantId

MINUTE_MS = 60_000
HOSTILE = "\"'><script>alert(1)</script>&amp;"


@pytest.fixture
def gateway() -> AuthGateway:
    return AuthGateway()


def test_user_is_told_how_to_sign_in_when_there_is_no_session(gateway: AuthGateway) -> None:
    by_link = gateway.browse("/auth", asked())
    gateway.settings.stored[TENANT.tenant_id] = WITH_ISSUER
    by_issuer = gateway.browse("/auth", asked())

    assert "one-time link" in by_link.text
    assert 'href="/live/auth/sign-in?tenant=acme&amp;callback_url=' in by_issuer.text
    assert "<form" not in by_link.text + by_issuer.text


def test_page_says_who_asks_for_what(gateway: AuthGateway) -> None:
    page = gateway.sign_in(
        key_label="Ada's phone",
        limit="2.50",
        usage_limit_type="weekly",
        expires_at="2027-12-31T23:59:59Z",
    )

    assert page.status == 200
    for shown in ("app.example", "ada", "$2.5, weekly", "31 December 2027, 23:59 UTC"):
        assert shown in page.text
    assert 'value="Ada&#x27;s phone"' in page.text


def test_page_can_do_nothing_but_show_itself(gateway: AuthGateway) -> None:
    logo = "https://cdn.example/logo.png"
    brand = Brand(name="Acme & Sons", logo_url=logo, support_url="https://acme.example/help")
    gateway.settings.stored[TENANT.tenant_id] = SignInSettings(brand=brand)
    page = gateway.sign_in()

    policy = page.headers["Content-Security-Policy"]
    nonce = re.search(r'<style nonce="([\w-]+)">', page.text)
    assert nonce
    assert policy == (
        f"default-src 'none'; style-src 'nonce-{nonce[1]}'; img-src https://cdn.example; "
        "form-action 'self' https://app.example; frame-ancestors 'none'; base-uri 'none'"
    )
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in page.headers
    assert "<script" not in page.text
    assert "Acme &amp; Sons" in page.text
    assert 'href="https://acme.example/help"' in page.text


def test_every_value_is_escaped(gateway: AuthGateway) -> None:
    gateway.settings.stored[TENANT.tenant_id] = SignInSettings(brand=Brand(name=HOSTILE))
    page = gateway.sign_in(HOSTILE, key_label=HOSTILE, state=HOSTILE)

    assert page.status == 200
    assert "<script" not in page.text
    assert page.text.count("&lt;script&gt;") >= 3


def test_browser_returns_with_code_and_state_when_the_user_agrees(gateway: AuthGateway) -> None:
    page = gateway.sign_in(state="a b&c=d", callback_url=f"{CALLBACK}?kept=1")
    answer = gateway.answer(page, key_label="Renamed")

    to = answer.headers["Location"]
    query = dict(parse_qsl(urlsplit(to).query))
    (code,) = gateway.codes.stored.values()
    assert answer.status == 303
    assert to.startswith(f"{CALLBACK}?kept=1&code=")
    assert query["state"] == "a b&c=d"
    assert token_hash(query["code"]) == code.code_hash
    assert query["code"] not in str(gateway.codes.stored)
    assert (code.user, code.terms.label) == ("ada", "Renamed")


def test_label_is_that_of_the_app_when_the_user_clears_it(gateway: AuthGateway) -> None:
    gateway.answer(gateway.sign_in(), key_label=" \u200b ")
    gateway.answer(gateway.sign_in(key_label="a\u202eb\nc"))

    labels = [code.terms.label for code in gateway.codes.stored.values()]
    assert labels == ["app.example", "a b c"]


def test_browser_returns_without_code_and_state_when_the_user_denies(gateway: AuthGateway) -> None:
    answer = gateway.answer(gateway.sign_in(state="s"), "deny")

    assert answer.headers["Location"] == f"{CALLBACK}?error=access_denied"
    assert gateway.codes.stored == {}


def test_code_is_shown_when_there_is_no_callback(gateway: AuthGateway) -> None:
    page = gateway.answer(gateway.sign_in(callback_url=None))

    shown = re.search(r"<code>([\w-]{43})</code>", page.text)
    assert page.status == 200
    assert shown
    assert token_hash(shown[1]) in gateway.codes.stored
    denied = gateway.answer(gateway.sign_in(callback_url=None), "deny")
    assert (denied.status, "no key" in denied.text) == (200, True)


@pytest.mark.parametrize(
    ("callback", "told", "source"),
    [
        ("http://localhost:3000/cb", "a program on this device", "http://localhost:3000"),
        ("http://[::1]:3000/cb", "a program on this device", "http:"),
        ("https://app.example:8443/cb", "app.example", "https://app.example:8443"),
    ],
)
def test_form_may_lead_to_the_callback_and_nowhere_else(
    gateway: AuthGateway, callback: str, told: str, source: str
) -> None:
    page = gateway.sign_in(callback_url=callback)

    assert told in page.text
    assert f"form-action 'self' {source};" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("way", ["no cookie", "other cookie", "no token", "old", "elsewhere"])
def test_nobody_answers_but_the_page_of_the_session(gateway: AuthGateway, way: str) -> None:
    page = gateway.sign_in()
    form = {"form_token": form_token(page), "decision": "approve"}
    match way:
        case "no cookie":
            gateway.cookie = ""
        case "other cookie":
            gateway.cookie = f"__Host-weir-sign-in={'A' * 43}"
        case "no token":
            del form["form_token"]
        case "old":
            gateway.clock.ms += 10 * MINUTE_MS
        case "elsewhere":
            form["form_token"] = form_token(gateway.sign_in("bob"))

            gateway.cookie = gateway.cookie[:-1] + ("A" if gateway.cookie[-1] != "A" else "B")

    answer = gateway.follow(action(page), form)

    assert answer.status == 403
    assert "Location" not in answer.headers
    assert gateway.codes.stored == {}


def test_session_of_one_tenant_is_none_of_another(gateway: AuthGateway) -> None:
    other = replace(TENANT, tenant_id=TenantId("other"), namespace_key=b"o" * 32)
    gateway.tenants.stored[other.tenant_id] = other
    gateway.sign_in()

    assert "one-time link" in gateway.browse("/auth", asked(tenant="other")).text


def test_session_ends_when_the_user_is_another(gateway: AuthGateway) -> None:
    page = gateway.sign_in()
    answer = gateway.answer(page, "leave")

    assert answer.status == 303
    assert answer.headers["Location"].startswith("/live/auth?tenant=acme&")
    assert gateway.sign_ins.sessions == {}
    assert answer.headers["Set-Cookie"].startswith("__Host-weir-sign-in=; Path=/; Max-Age=0;")
    assert "Sign in" in gateway.follow(answer.headers["Location"]).text


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"decision": "maybe"}, 400),
        ({"decision": "approve", "key_label": "x" * 101}, 400),
        ({"decision": "approve", "filler": "x" * 8_192}, 413),
        ({str(number): "" for number in range(9)}, 400),
    ],
)
def test_form_is_refused_when_it_is_none_of_ours(
    gateway: AuthGateway, form: dict[str, str], status: int
) -> None:
    answer = gateway.answer(gateway.sign_in(), **{"decision": "", **form})

    assert answer.status == status
    assert gateway.codes.stored == {}


@pytest.mark.parametrize("body", ["a=1&a=2", "a=%ff", "\ud800"])
def test_form_is_refused_when_it_can_be_read_in_two_ways(gateway: AuthGateway, body: str) -> None:
    gateway.sign_in()
    answer = gateway._send(
        "POST", "/auth", query=asked(), body=body, headers={"Cookie": gateway.cookie}
    )

    assert answer.status == 400
