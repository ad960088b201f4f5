"""A tenant's settings of sign-in on the wire."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.support.account_gateway import STRANGER
from tests.support.auth_gateway import OIDC, WITH_ISSUER, AuthGateway
from weir.domain.errors import InvalidRequestError
from weir.domain.sign_in_settings import SignInSettings
from weir.http.auth_settings_bodies import LOCAL_SETTINGS, SETTINGS

FULL = {
    "brand": {
        "name": "Acme",
        "logo_url": "https://cdn.example.com/logo.svg",
        "accent_color": "#ff8800",
        "background_color": "#000000",
        "support_url": "https://acme.example.com/help",
    },
    "oidc": {"issuer": "https://login.example.com/acme", "client_id": "weir"},
    "callback_urls": ["https://app.example.com", "http://localhost"],
    "keys": {
        "limit": 2.5,
        "limit_reset": "monthly",
        "max_limit": 10,
        "expires_in": 3_600,
        "max_expires_in": 86_400,
    },
}
USUAL: dict[str, Any] = {
    "brand": {
        "name": None,
        "logo_url": None,
        "accent_color": "#1d4ed8",
        "background_color": "#f1f3f6",
        "support_url": None,
    },
    "oidc": None,
    "callback_urls": [],
    "keys": dict.fromkeys(
        ("limit", "limit_reset", "max_limit", "expires_in", "max_expires_in"), None
    ),
}


@pytest.fixture
def gateway() -> AuthGateway:
    return AuthGateway()


def test_settings_are_the_usual_ones_until_they_are_set(gateway: AuthGateway) -> None:
    shown = gateway.ask("GET /auth/settings").data
    cleared = gateway.ask("PUT /auth/settings", {}).data

    assert shown == cleared
    assert shown.pop("redirect_uri") == "https://gateway.example/live/auth/callback/acme"
    assert shown == USUAL


def test_settings_are_kept_and_told_to_the_audit_log(gateway: AuthGateway) -> None:
    put = gateway.ask("PUT /auth/settings", FULL)
    shown = gateway.ask("GET /auth/settings")
    again = gateway.ask("PUT /auth/settings", text=json.dumps(shown.data, default=float))

    assert put.status == 200
    assert {name: shown.data[name] for name in FULL} == json.loads(
        json.dumps(FULL), parse_float=Decimal
    )
    assert again.data == shown.data
    first, second = gateway.settings.log
    assert first.actor.request_id == "request-1"
    assert first.deed.before == USUAL
    assert first.deed.after.keys() == FULL.keys()
    assert (second.deed.before, second.deed.after) == ({}, {})


def test_log_tells_what_was_replaced_when_another_replaced_it_first(gateway: AuthGateway) -> None:
    gateway.settings.meanwhile = [WITH_ISSUER]

    answer = gateway.ask("PUT /auth/settings", {})

    assert (answer.status, answer.data["oidc"]) == (200, None)
    (entry,) = gateway.settings.log
    assert entry.deed.before == {"oidc": {"issuer": OIDC.issuer, "client_id": OIDC.client_id}}


def test_settings_are_left_when_others_replace_them_all_the_time(gateway: AuthGateway) -> None:
    gateway.settings.meanwhile = [SignInSettings(), WITH_ISSUER] * 3

    answer = gateway.ask("PUT /auth/settings", FULL)

    assert (answer.status, answer.headers["Retry-After"]) == (409, "1")
    assert gateway.settings.log == []


def test_settings_are_those_of_the_key_alone(gateway: AuthGateway) -> None:
    gateway.ask("PUT /auth/settings", FULL)

    assert gateway.ask("GET /auth/settings", key=STRANGER).data["oidc"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"brand": {"name": ""}},
        {"brand": {"name": "x" * 101}},
        {"brand": {"logo_url": "http://cdn.example.com/x"}},
        {"brand": {"logo_url": "https://cdn.example.com/x;script-src *"}},
        {"brand": {"logo_url": "javascript:alert(1)"}},
        {"brand": {"accent_color": "red"}},
        {"brand": {"accent_color": "#ff88001"}},
        {"brand": {"background_color": "#fff;}body{display:none"}},
        {"brand": {"support_url": "mailto:help@example.com"}},
        {"oidc": {"issuer": "http://login.example.com", "client_id": "c"}},
        {"oidc": {"issuer": "http://127.0.0.1:9001", "client_id": "c"}},
        {"oidc": {"issuer": "https://169.254.169.254", "client_id": "c"}},
        {"oidc": {"issuer": 5, "client_id": "c"}},
        {"oidc": {"issuer": "https://login.example.com"}},
        {"oidc": {"issuer": "https://login.example.com", "client_id": ""}},
        {"callback_urls": ["app.example"]},
        {"callback_urls": ["https://app.example?x"]},
        {"callback_urls": ["https://app.example"] * 51},
        {"callback_urls": [5]},
        {"keys": {"limit": 2, "max_limit": 1}},
        {"keys": {"expires_in": 100, "max_expires_in": 60}},
        {"keys": {"limit": -1}},
        {"keys": {"limit_reset": "yearly"}},
        {"keys": {"expires_in": 59}},
    ],
)
def test_settings_are_refused_when_pages_could_not_keep_them(
    gateway: AuthGateway, body: dict[str, Any]
) -> None:
    answer = gateway.ask("PUT /auth/settings", body)

    assert (answer.status, answer.body["error"]["code"]) == (400, 400)
    assert gateway.settings.stored == {}


@pytest.mark.parametrize(
    ("issuer", "taken", "taken_here"),
    [
        ("https://login.example.com", True, True),
        ("http://127.0.0.1:9001", False, True),
        ("http://login.example.com", False, False),
        ("", False, False),
        (5, False, False),
    ],
)
def test_issuer_is_on_this_machine_only_where_aws_is(
    issuer: object, *, taken: bool, taken_here: bool
) -> None:
    body = {"oidc": {"issuer": issuer, "client_id": "c"}}

    for check, is_taken in ((SETTINGS, taken), (LOCAL_SETTINGS, taken_here)):
        if is_taken:
            check("body", body)
            continue
        with pytest.raises(InvalidRequestError, match=r"body\.oidc\.issuer"):
            check("body", body)
