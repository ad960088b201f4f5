"""One-time links, by which a tenant signs its users in."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.auth_gateway import WANTED, AuthGateway, form_token

MINUTE_MS = 60_000


@pytest.fixture
def gateway() -> AuthGateway:
    return AuthGateway()


def test_link_signs_a_user_in_once(gateway: AuthGateway) -> None:
    given = gateway.ask("POST /auth/links", {"user": "ada", "expires_in": 60})
    parts = urlsplit(given.data["url"])
    token = dict(parse_qsl(parts.query))["token"]

    assert given.status == 201
    assert given.data["expires_at"] == "2026-11-18T12:01:00Z"
    assert given.data["url"].startswith("https://gateway.example/live/auth/link?token=")
    assert token not in str(gateway.sign_ins.links)
    for _ in range(2):
        shown = gateway.browse("/auth/link", {"token": token})
        assert (shown.status, "Sign in as ada" in shown.text) == (200, True)
    assert gateway.open_link(token).status == 200
    for form in (None, {"token": token}):
        again = gateway.browse("/auth/link", {"token": token}, form)
        assert (again.status, "has been used" in again.text) == (400, True)


def test_link_leads_to_the_consent_page_when_an_app_waits(gateway: AuthGateway) -> None:
    asked_for = {**WANTED, "state": "s", "limit": 2, "key_label": None}
    given = gateway.ask("POST /auth/links", {"user": "bob", "authorization": asked_for})
    token = dict(parse_qsl(urlsplit(given.data["url"]).query))["token"]
    opened = gateway.open_link(token)
    page = gateway.follow(opened.headers["Location"])

    assert opened.status == 303
    assert "$2 in total" in page.text
    assert gateway.answer(page).headers["Location"].endswith("&state=s")


@pytest.mark.parametrize("way", ["no page", "no cookie", "another browser"])
def test_link_signs_nobody_in_who_was_not_shown_what_it_does(
    gateway: AuthGateway, way: str
) -> None:
    given = gateway.ask("POST /auth/links", {"user": "mallory"})
    token = dict(parse_qsl(urlsplit(given.data["url"]).query))["token"]
    page = gateway.browse("/auth/link", {"token": token})
    form = {"token": token, "form_token": form_token(page)}
    match way:
        case "no page":
            del form["form_token"]
        case "no cookie":
            gateway.cookie = ""
        case "another browser":
            gateway.cookie = f"__Host-weir-sign-in={'A' * 43}"

    answer = gateway.browse("/auth/link", form=form)

    assert answer.status == 403
    assert gateway.sign_ins.sessions == {}
    assert gateway.open_link(token).status == 200


@pytest.mark.parametrize("token", ["", "x", "A" * 43])
def test_link_is_refused_when_it_was_never_given(gateway: AuthGateway, token: str) -> None:
    assert gateway.browse("/auth/link", {"token": token}).status == 400
    assert gateway.browse("/auth/link", form={"token": token}).status == 400
    assert gateway.sign_ins.sessions == {}


def test_link_is_refused_when_its_time_is_over(gateway: AuthGateway) -> None:
    given = gateway.ask("POST /auth/links", {"user": "ada"})
    token = dict(parse_qsl(urlsplit(given.data["url"]).query))["token"]
    gateway.clock.ms += 10 * MINUTE_MS

    assert gateway.browse("/auth/link", {"token": token}).status == 400
    assert gateway.browse("/auth/link", form={"token": token}).status == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user": ""},
        {"user": " ada"},
        {"user": "x" * 256},
        {"user": "ädä"},
        {"user": "a\nb"},
        {"user": 5},
        {"user": "ada", "expires_in": 59},
        {"user": "ada", "expires_in": 86_401},
        {"user": "ada", "authorization": {}},
        {"user": "ada", "authorization": {**WANTED, "callback_url": "ftp://x"}},
        {"user": "ada", "authorization": {**WANTED, "expires_at": "2020-01-01T00:00:00Z"}},
    ],
)
def test_link_is_not_given_for_a_request_of_another_form(
    gateway: AuthGateway, body: dict[str, Any]
) -> None:
    assert gateway.ask("POST /auth/links", body).status == 400
    assert gateway.sign_ins.links == {}
