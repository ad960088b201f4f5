"""Codes for keys, codes and links that a tenant gives, and its settings of sign-in."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.support.account_gateway import HOLDER, MANAGER
from tests.support.auth_gateway import CHALLENGE, VERIFIER, WANTED, AuthGateway, asked
from tests.support.fakes import TENANT
from weir.domain.api_keys import key_hash
from weir.domain.auth_codes import token_hash, user_id
from weir.domain.tenants import TenantStatus
from weir.http.wire_values import workspace_id

MINUTE_MS = 60_000


@pytest.fixture
def gateway() -> AuthGateway:
    return AuthGateway()


def test_code_becomes_the_key_that_the_user_agreed_to(gateway: AuthGateway) -> None:
    code = gateway.code(
        key_label="phone", limit="5", usage_limit_type="daily", expires_at="2027-01-01T00:00:00Z"
    )
    answer = gateway.exchange(code)

    ada = user_id(TENANT, "ada")
    made = gateway.account.register.stored[key_hash(answer.body["key"])]
    assert answer.status == 200
    assert answer.body.keys() == {"key", "user_id"}
    assert answer.body["user_id"] == ada
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"
    shown = gateway.account.ask(f"GET /keys/{made.key_hash}").data
    assert (shown["name"], shown["limit"], shown["limit_reset"]) == ("phone", 5, "daily")
    assert (shown["external_user"], shown["creator_user_id"]) == ("ada", ada)
    assert shown["expires_at"] == "2027-01-01T00:00:00Z"
    (entry,) = gateway.account.register.log
    assert (entry.actor.who, entry.actor.request_id) == (ada, "request-1")


def test_key_has_no_account_when_it_has_no_limit(gateway: AuthGateway) -> None:
    answer = gateway.exchange(gateway.code(callback_url="http://localhost:1/cb"))

    made = gateway.account.register.stored[key_hash(answer.body["key"])]
    assert (made.limit_period, made.name, made.expires_at_ms) == (None, "App", None)


def test_code_is_good_once(gateway: AuthGateway) -> None:
    code = gateway.code()
    first, second = gateway.exchange(code), gateway.exchange(code)

    assert first.status == 200
    assert second.text == '{"error":{"code":400,"message":"Invalid code"}}'


def test_one_key_is_made_when_two_exchange_a_code_at_once(gateway: AuthGateway) -> None:
    code, others = gateway.code(), []
    gateway.codes.meanwhile = lambda: others.append(gateway.exchange(code))

    late = gateway.exchange(code)

    assert [others[0].status, late.status] == [200, 400]
    assert late.body["error"]["message"] == "Invalid code"


@pytest.mark.parametrize("verifier", ["w" * 43, VERIFIER[:-1], CHALLENGE, "", None])
def test_code_is_used_up_when_its_verifier_is_not_there(
    gateway: AuthGateway, verifier: str | None
) -> None:
    code = gateway.code()
    wrong = gateway.exchange(code, code_verifier=verifier)
    right = gateway.exchange(code)

    assert wrong.text == '{"error":{"code":403,"message":"Invalid code or code_verifier"}}'
    assert (right.status, right.body["error"]["message"]) == (400, "Invalid code")
    assert len(gateway.account.register.stored) == 3


def test_code_is_told_to_be_expired_when_it_is(gateway: AuthGateway) -> None:
    code = gateway.code()
    gateway.clock.ms += 10 * MINUTE_MS

    answer = gateway.exchange(code)

    assert answer.text == '{"error":{"code":403,"message":"Authorization code expired"}}'


@pytest.mark.parametrize("code", ["", "x", "auth_code_abc123", "A" * 43, "A" * 10_000, "ü" * 43])
def test_code_is_unknown_when_it_was_never_given(gateway: AuthGateway, code: str) -> None:
    answer = gateway.exchange(code)

    assert answer.text == '{"error":{"code":400,"message":"Invalid code"}}'


def test_method_must_be_that_of_the_consent_page(gateway: AuthGateway) -> None:
    code = gateway.code()
    plain = gateway.exchange(code, code_challenge_method="plain")

    assert plain.text == '{"error":{"code":400,"message":"Invalid code_challenge_method"}}'
    assert gateway.exchange(code, code_challenge_method="S256").status == 200
    assert gateway.exchange(gateway.code(), code_challenge_method=None).status == 200


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ("{}", ["code"]),
        ('{"code":5}', ["code"]),
        ('{"code":null}', ["code"]),
        ('{"code":"c","code_verifier":5}', ["code_verifier"]),
        ('{"code":"c","code_challenge_method":"S512"}', ["code_challenge_method"]),
        ("[]", []),
        ("", []),
        ("code=c", []),
        ('{"code":"c","code":"d"}', []),
    ],
)
def test_body_of_another_form_is_refused_in_the_envelope_of_this_route(
    gateway: AuthGateway, body: str, path: list[str]
) -> None:
    answer = gateway.ask("POST /auth/keys", text=body, key=None)

    assert answer.status == 400
    assert answer.body.keys() == {"success", "error"}
    assert answer.body["success"] is False
    assert answer.body["error"]["name"] == "ZodError"
    (issue,) = json.loads(answer.body["error"]["message"])
    assert issue["path"] == path


def test_code_is_worth_nothing_when_its_tenant_is_closed(gateway: AuthGateway) -> None:
    codes = [gateway.code(), gateway.code()]
    closed = replace(TENANT, status=TenantStatus.CLOSED)
    gateway.tenants.stored[TENANT.tenant_id] = closed
    refused = gateway.exchange(codes[0])
    gateway.tenants.stored.clear()

    assert (refused.status, gateway.exchange(codes[1]).status) == (403, 403)


def test_tenant_gives_a_code_itself(gateway: AuthGateway) -> None:
    wish = {"limit": 1.5, "usage_limit_type": "weekly", "key_label": "job"}
    given = gateway.ask("POST /auth/keys/code", {**WANTED, **wish})
    again = gateway.ask("POST /auth/keys/code", WANTED)

    assert given.status == 200
    assert given.data.keys() == {"id", "app_id", "created_at"}
    assert given.data["created_at"] == "2026-11-18T12:00:00Z"
    assert type(given.data["app_id"]) is int
    assert given.data["app_id"] == again.data["app_id"]
    answer = gateway.exchange(given.data["id"])
    made = gateway.account.register.stored[key_hash(answer.body["key"])]
    assert (answer.body["user_id"], made.external_user, made.name) == (None, None, "job")
    (entry,) = gateway.account.register.log
    manager = gateway.account.register.stored[key_hash(MANAGER)]
    assert entry.actor.who == manager.label


@pytest.mark.parametrize(
    "changes",
    [
        {"callback_url": None},
        {"callback_url": "http://app.example"},
        {"callback_url": ...},
        {"code_challenge": ...},
        {"code_challenge": "x"},
        {"code_challenge_method": ...},
        {"code_challenge_method": "plain"},
        {"limit": -1},
        {"limit": "5"},
        {"usage_limit_type": "yearly"},
        {"expires_at": "soon"},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"key_label": "x" * 101},
        {"workspace_id": "another"},
    ],
)
def test_code_is_not_given_for_a_request_of_another_form(
    gateway: AuthGateway, changes: dict[str, Any]
) -> None:
    body = {name: value for name, value in {**WANTED, **changes}.items() if value is not ...}

    answer = gateway.ask("POST /auth/keys/code", body)

    assert (answer.status, answer.body["error"]["code"]) == (400, 400)
    assert gateway.codes.stored == {}


def test_own_workspace_may_be_named(gateway: AuthGateway) -> None:
    own = workspace_id(TENANT.tenant_id).upper()

    assert gateway.ask("POST /auth/keys/code", {**WANTED, "workspace_id": own}).status == 200
    assert gateway.browse("/auth", asked(required_workspace_id=own)).status == 200


@pytest.mark.parametrize(
    "route",
    ["POST /auth/keys/code", "POST /auth/links", "GET /auth/settings", "PUT /auth/settings"],
)
@pytest.mark.parametrize(("key", "status"), [(None, 401), ("sk-garbled", 401), (HOLDER, 403)])
def test_only_a_management_key_speaks_for_a_tenant(
    gateway: AuthGateway, route: str, key: str | None, status: int
) -> None:
    assert gateway.ask(route, {}, key=key).status == status


def test_code_hash_is_all_that_is_stored(gateway: AuthGateway) -> None:
    code = gateway.ask("POST /auth/keys/code", WANTED).data["id"]

    assert [*gateway.codes.stored] == [token_hash(code)]
    assert code not in str(gateway.codes.stored)
