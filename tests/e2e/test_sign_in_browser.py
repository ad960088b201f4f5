"""Sign-in in a real browser, from an app of another origin to a streamed answer."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from local.seed import issue_key, seed_tenant
from local.stack import ROOT, LocalStack
from tests.support.browser_app import BrowserApp
from tests.support.browsers import App
from tests.support.oidc_issuer import CLIENT_ID, OidcIssuer
from tests.support.stacks import assert_books_balance, echo_stack
from weir.domain.api_keys import KeyKind
from weir.domain.auth_codes import CODE_LIFE_MS, token_hash
from weir.domain.tenants import TenantId

pytestmark = pytest.mark.e2e

CLIENTS = ROOT / ".tools" / "clients"
DRIVER = Path(__file__).with_name("sign_in.mjs")
FOREIGN = "https://foreign.example/back"


@pytest.fixture(scope="module")
def chromium() -> str:
    """Return the path of Chromium; Debian's is installed where it is missing and may be."""
    if not shutil.which("chromium") and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", "-qq", *command], check=False, stdout=subprocess.DEVNULL)
    found = shutil.which("chromium")
    if found is None:
        pytest.fail("there is no Chromium: install Debian's package `chromium`")
    return found


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with echo_stack(tmp_path_factory.mktemp("logs")) as running:
        yield running
        assert_books_balance(running)


@pytest.fixture(scope="module")
def seen(
    stack: LocalStack, chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Any]:
    """Return what the browser saw on all its ways."""
    if not (CLIENTS / ".installed").exists():
        pytest.fail("puppeteer is not installed: run `make .tools/clients/.installed`")
    with OidcIssuer(asks=True, user="ada") as issuer, BrowserApp(stack.gateway.url) as app:
        task = {
            **_task(stack, issuer, app),
            "chromium": chromium,
            "clients": str(CLIENTS),
            "profile": str(tmp_path_factory.mktemp("profile")),
            "shots": os.environ.get("SIGN_IN_SHOTS"),
        }
        done = subprocess.run(
            [CLIENTS / "node", DRIVER],
            input=json.dumps(task),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=240,
        )
        return {**json.loads(done.stdout), "app": app.url, "issuer_url": issuer.url}


def _task(stack: LocalStack, issuer: OidcIssuer, app: BrowserApp) -> dict[str, Any]:
    brand = {"name": "Northwind", "accent_color": "#0f766e"}
    oidc = {"issuer": issuer.url, "client_id": CLIENT_ID}
    _tenant(stack, "by-issuer", brand=brand, oidc=oidc)
    manager = _tenant(stack, "by-link", brand=brand, callback_urls=["http://localhost"])
    link = _post(stack, "links", manager, user="bob")
    wanted = App(stack.base_url)
    asked = {
        "callback_url": f"{app.url}/back",
        "code_challenge": wanted.challenge,
        "code_challenge_method": "S256",
    }
    fresh, plain, expired = (_post(stack, "keys/code", manager, **asked)["id"] for _ in range(3))
    _age(stack, expired)
    foreign = urlencode({**asked, "tenant": "by-link", "callback_url": FOREIGN})
    return {
        "app": app.url,
        "issuerTenant": "by-issuer",
        "linkTenant": "by-link",
        "link": link["url"],
        "verifier": wanted.verifier,
        "fresh": fresh,
        "plain": plain,
        "expired": expired,
        "foreign": f"{stack.gateway.url}/auth?{foreign}",
    }


def _tenant(stack: LocalStack, name: str, **settings: Any) -> dict[str, str]:
    tenant = seed_tenant(stack.books, tenant_id=TenantId(name), credit_usd=Decimal(1))
    key = issue_key(stack.books, tenant, kind=KeyKind.MANAGEMENT, label="manager")
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{stack.base_url}/auth/settings"
    assert requests.put(url, json=settings, headers=headers, timeout=20).ok
    return headers


def _post(stack: LocalStack, path: str, headers: Mapping[str, str], **body: Any) -> dict[str, Any]:
    answer = requests.post(f"{stack.base_url}/auth/{path}", json=body, headers=headers, timeout=20)
    assert answer.ok, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def _age(stack: LocalStack, code: str) -> None:
    stack.aws.client("dynamodb").update_item(
        TableName=stack.tables["EphemeralTable"],
        Key={"pk": {"S": f"CODE#{token_hash(code)}"}},
        UpdateExpression="SET ct = ct - :age",
        ExpressionAttributeValues={":age": {"N": str(CODE_LIFE_MS)}},
    )


def _assert_answered(way: Mapping[str, Any]) -> None:
    assert way["issued"]["status"] == 200
    assert way["issued"]["body"]["user_id"].startswith("user_")
    assert (way["state"], way["from"]) == (True, "gateway")
    answer = way["answer"]
    assert (answer["status"], answer["ended"]) == (200, True)
    assert "three" in answer["said"]
    assert answer["pieces"] > 2


def test_user_of_an_issuer_lets_an_app_stream_an_answer(seen: Mapping[str, Any]) -> None:
    way = seen["issuer"]

    assert "Sign in to continue" in way["before"]
    assert way["atIssuer"] == seen["issuer_url"]
    for shown in ("Northwind", "a program on this device", "ada", "$1 in total"):
        assert shown in way["consent"]
    assert way["violations"] == []
    _assert_answered(way)


def test_user_with_a_link_lets_an_app_stream_an_answer(seen: Mapping[str, Any]) -> None:
    way = seen["link"]

    assert "one-time link" in way["before"]
    assert "You are signed in" in way["opened"]
    assert "bob" in way["consent"]
    _assert_answered(way)


def test_app_is_told_when_the_user_denies(seen: Mapping[str, Any]) -> None:
    way = seen["denied"]

    assert (way["error"], way["code"]) == ("access_denied", None)
    assert "state" not in way["url"]


@pytest.mark.parametrize(
    ("way", "status", "message"),
    [
        ("reuse", 400, "Invalid code"),
        ("expired", 403, "Authorization code expired"),
        ("wrong", 403, "Invalid code or code_verifier"),
        ("after", 400, "Invalid code"),
        ("plain", 400, "Invalid code_challenge_method"),
    ],
)
def test_app_is_told_why_a_code_is_refused(
    seen: Mapping[str, Any], way: str, status: int, message: str
) -> None:
    told = seen["refused"][way]

    assert told == {"status": status, "body": {"error": {"code": status, "message": message}}}


def test_browser_stays_when_the_callback_is_foreign(
    seen: Mapping[str, Any], stack: LocalStack
) -> None:
    stayed = seen["refused"]["foreign"]

    assert stayed["url"].startswith(stack.gateway.url)
    assert "callback_url is not one that is allowed here" in stayed["text"]
