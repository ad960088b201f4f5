"""Sign-in over real HTTP: from an issuer or a link to a key that answers, and the many refusals."""

import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from openrouter import OpenRouter

from local.seed import issue_key, seed_tenant
from local.stack import LocalStack
from tests.support.browsers import CALLBACK, App, Browser, code_in
from tests.support.forged_tokens import FORGERIES, RSA
from tests.support.oidc_issuer import CLIENT_ID, OidcIssuer, ec_key
from weir.domain.api_keys import KeyKind
from weir.domain.auth_codes import token_hash
from weir.domain.tenants import TenantId


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    key = ec_key("first")
    with OidcIssuer(key=key, published=[key.jwk, RSA.jwk]) as running:
        yield running


@pytest.fixture(scope="module")
def manager(stack: LocalStack, issuer: OidcIssuer) -> dict[str, str]:
    """Header of the management key of a tenant whose users sign in at the issuer."""
    headers = _tenant(stack, "with-issuer")
    settings = {"oidc": {"issuer": issuer.url, "client_id": CLIENT_ID}}
    put = requests.put(
        f"{stack.base_url}/auth/settings", json=settings, headers=headers, timeout=20
    )
    assert put.status_code == 200, put.text
    return headers


@pytest.fixture(scope="module")
def linker(stack: LocalStack) -> dict[str, str]:
    """Header of the management key of a tenant that gives links to its users."""
    return _tenant(stack, "with-links")


@pytest.fixture
def app(stack: LocalStack) -> App:
    return App(stack.base_url)


def _tenant(stack: LocalStack, name: str) -> dict[str, str]:
    tenant = seed_tenant(stack.books, tenant_id=TenantId(name), credit_usd=Decimal(5))
    key = issue_key(stack.books, tenant, kind=KeyKind.MANAGEMENT, label="manager")
    return {"Authorization": f"Bearer {key}"}


def _link(stack: LocalStack, headers: dict[str, str], **body: Any) -> str:
    given = requests.post(
        f"{stack.base_url}/auth/links", json={"user": "ada", **body}, headers=headers, timeout=20
    )
    assert given.status_code == 201, given.text
    return str(given.json()["data"]["url"])


def _signed_in(app: App, manager: object, **changes: str) -> Browser:
    browser = Browser()
    browser.open(app.page("with-issuer", **changes))
    assert "Allow app.example" in browser.click().text
    return browser


def test_user_of_an_issuer_gives_an_app_a_key_that_answers(
    stack: LocalStack, issuer: OidcIssuer, manager: dict[str, str], app: App
) -> None:
    issuer.user = "auth0|ada"
    browser = _signed_in(app, manager, limit="1", usage_limit_type="monthly", state="s&1")
    answer = browser.submit(decision="approve", key_label="phone")
    issued = app.exchange(code_in(answer))

    assert answer.headers["Location"].startswith(f"{CALLBACK}?code=")
    assert answer.headers["Location"].endswith("&state=s%261")
    assert issued.status_code == 200
    assert issued.headers["Access-Control-Allow-Origin"] == "*"
    with OpenRouter(api_key=issued.json()["key"], server_url=stack.base_url) as client:
        said: Any = [{"role": "user", "content": "one two"}]
        assert client.chat.send(model="weir/echo", messages=said).choices
    listed = requests.get(f"{stack.base_url}/keys", headers=manager, timeout=20).json()["data"]
    (key,) = [one for one in listed if one["name"] == "phone"]
    assert (key["external_user"], key["creator_user_id"]) == (
        "auth0|ada",
        issued.json()["user_id"],
    )
    assert (key["limit"], key["limit_reset"]) == (1, "monthly")
    assert 0 < key["limit_remaining"] < 1
    gone = requests.delete(f"{stack.base_url}/keys/{key['hash']}", headers=manager, timeout=20)
    assert gone.json() == {"deleted": True}


def test_user_with_a_link_gives_an_app_a_key(
    stack: LocalStack, linker: dict[str, str], app: App
) -> None:
    url, browser = _link(stack, linker), Browser()
    for _ in range(2):
        assert "Sign in as ada" in browser.open(url).text
    assert browser.submit().status_code == 200
    assert browser.submit().status_code == 400
    assert "Signed in as" in browser.open(app.page("with-links")).text

    assert app.exchange(code_in(browser.submit(decision="approve"))).status_code == 200


def test_link_leads_on_to_the_app_that_waits(
    stack: LocalStack, linker: dict[str, str], app: App
) -> None:
    asked = {
        "callback_url": CALLBACK,
        "code_challenge": app.challenge,
        "code_challenge_method": "S256",
    }
    browser = Browser()
    browser.open(_link(stack, linker, authorization=asked))
    browser.open(stack.gateway.url + browser.submit().headers["Location"])

    assert app.exchange(code_in(browser.submit(decision="approve"))).status_code == 200


def test_official_client_exchanges_what_its_tenant_gives(
    stack: LocalStack, linker: dict[str, str], app: App
) -> None:
    key = linker["Authorization"].removeprefix("Bearer ")
    with OpenRouter(api_key=key, server_url=stack.base_url) as client:
        code = client.o_auth.create_auth_code(
            callback_url=CALLBACK, code_challenge=app.challenge, code_challenge_method="S256"
        )
        issued = client.o_auth.exchange_auth_code_for_api_key(
            code=code.data.id, code_verifier=app.verifier, code_challenge_method="S256"
        )

    assert issued.user_id is None
    assert issued.key.startswith("sk-weir-v1-")


def test_code_is_refused_as_the_contract_says(
    stack: LocalStack, linker: dict[str, str], app: App
) -> None:
    body = {
        "callback_url": CALLBACK,
        "code_challenge": app.challenge,
        "code_challenge_method": "S256",
    }

    def given() -> str:
        answer = requests.post(
            f"{stack.base_url}/auth/keys/code", json=body, headers=linker, timeout=20
        )
        return str(answer.json()["data"]["id"])

    used, wrong, old = given(), given(), given()
    assert app.exchange(used).status_code == 200
    _age(stack, old)
    answers = {
        "reuse": app.exchange(used),
        "plain": app.exchange(wrong, code_challenge_method="plain"),
        "wrong verifier": app.exchange(wrong, code_verifier="w" * 43),
        "after that": app.exchange(wrong),
        "old": app.exchange(old),
        "unknown": app.exchange("A" * 43),
        "no form": app.exchange(used, code_verifier=5),
    }

    told = {name: answer.json()["error"] for name, answer in answers.items()}
    assert told.pop("no form")["name"] == "ZodError"
    assert told == {
        "reuse": {"code": 400, "message": "Invalid code"},
        "plain": {"code": 400, "message": "Invalid code_challenge_method"},
        "wrong verifier": {"code": 403, "message": "Invalid code or code_verifier"},
        "after that": {"code": 400, "message": "Invalid code"},
        "old": {"code": 403, "message": "Authorization code expired"},
        "unknown": {"code": 400, "message": "Invalid code"},
    }
    assert requests.get(f"{stack.base_url}/auth/keys", timeout=20).status_code == 404


def test_one_key_is_made_when_many_exchange_a_code_at_once(
    stack: LocalStack, manager: dict[str, str], app: App
) -> None:
    code = code_in(_signed_in(app, manager).submit(decision="approve", key_label="raced"))
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(app.exchange(code).status_code))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, 400, 400, 400, 400, 400]
    listed = requests.get(f"{stack.base_url}/keys", headers=manager, timeout=20).json()["data"]
    assert len([key for key in listed if key["name"] == "raced"]) == 1


@pytest.mark.parametrize("name", sorted(FORGERIES))
def test_nobody_is_signed_in_by_a_forged_token(
    issuer: OidcIssuer, manager: dict[str, str], app: App, name: str
) -> None:
    issuer.token = FORGERIES[name]
    browser = Browser()
    try:
        browser.open(app.page("with-issuer"))
        answer = browser.click()
    finally:
        issuer.token = None

    assert (answer.status_code, "does not confirm" in answer.text) == (403, True)
    assert "Sign in to continue" in browser.open(app.page("with-issuer")).text


def test_issuer_may_rotate_its_keys(
    issuer: OidcIssuer, manager: dict[str, str], app: App, stack: LocalStack
) -> None:
    with OidcIssuer(key=ec_key("fresh")) as other:
        settings = {"oidc": {"issuer": other.url, "client_id": CLIENT_ID}}
        headers = _tenant(stack, "rotating")
        url = f"{stack.base_url}/auth/settings"
        assert requests.put(url, json=settings, headers=headers, timeout=20).ok
        browser = Browser()
        browser.open(app.page("rotating"))
        assert "Allow app.example" in browser.click().text
        other.faults["/jwks"] = 500
        again = Browser()
        again.open(app.page("rotating"))
        # What is remembered is enough while the keys cannot be had.
        assert "Allow app.example" in again.click().text


def test_nothing_is_sent_to_a_callback_that_was_not_checked(
    stack: LocalStack, manager: dict[str, str], app: App
) -> None:
    for callback in ("https://evil.example#", "//evil.example", "https://a@evil.example"):
        for path in ("/auth", "/auth/sign-in"):
            url = app.page("with-issuer", callback_url=callback).replace("/auth?", f"{path}?")
            answer = requests.get(url, allow_redirects=False, timeout=20)
            assert (answer.status_code, "Location" in answer.headers) == (400, False)


def test_pages_tell_nobody_else_what_they_show(app: App, manager: dict[str, str]) -> None:
    browser = _signed_in(app, manager)
    answer = browser.session.get(browser.url, timeout=20)

    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    cookie = browser.cookie
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"


def test_no_token_is_written_down(
    stack: LocalStack,
    issuer: OidcIssuer,
    manager: dict[str, str],
    linker: dict[str, str],
    app: App,
) -> None:
    link = _link(stack, linker)
    browser = _signed_in(app, manager)
    cookie = browser.cookie
    code = code_in(browser.submit(decision="approve"))
    key = app.exchange(code).json()["key"]
    app.exchange(code)

    secrets = [link.partition("token=")[2], str(cookie.value), code, key, app.verifier]
    text = "".join(path.read_text(errors="replace") for path in _logs(stack))
    for table in ("EphemeralTable", "ControlTable"):
        for page in stack.database.pages("Scan", {"TableName": stack.tables[table]}):
            text += str(page["Items"])
    assert all(len(secret) >= 43 for secret in secrets)
    assert [secret for secret in secrets if secret in text] == []


def _logs(stack: LocalStack) -> list[Path]:
    return [*stack._options.logs.iterdir()]


def _age(stack: LocalStack, code: str) -> None:
    """Make a code ten minutes old."""
    stack.aws.client("dynamodb").update_item(
        TableName=stack.tables["EphemeralTable"],
        Key={"pk": {"S": f"CODE#{token_hash(code)}"}},
        UpdateExpression="SET ct = ct - :age",
        ExpressionAttributeValues={":age": {"N": "600000"}},
    )
