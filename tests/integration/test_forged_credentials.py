"""Forged and stale credentials: one refusal for all of them, and nothing is done for any."""

import http.client
import json
import secrets
import socket
from dataclasses import replace
from typing import Any

import pytest
import requests

from local.routes import LambdaIntegration, read_routes
from local.seed import issue_key, seed_tenant
from local.stack import LocalStack
from tests.support import template
from tests.support.forgeries import MALFORMED, MISPLACED, STALE, Headers, StaleKeys, bearer
from tests.support.isolation_rows import ABSENT, ROWS
from tests.support.stacks import simulator
from weir.domain.api_keys import RANDOM_BYTES, KeyKind, key_hash, mint
from weir.domain.tenants import TenantId
from weir.http.access import Access


def families() -> dict[tuple[str, str], str]:
    """Return one route for each function and kind of key, one that does something if there is."""
    found = {}
    for route in sorted(read_routes(template.deployed()), key=lambda each: each.method == "POST"):
        name = f"{route.method} {route.resource}"
        access = ROWS[name].access if name in ROWS else Access.NONE
        if isinstance(route.integration, LambdaIntegration) and access is not Access.NONE:
            found[route.integration.function, access.value] = name
    return found


# The two that spend money are asked both.
FAMILIES = sorted({*families().values(), "POST /api/v1/completions"})
NEEDS_KEY = [route for route in FAMILIES if ROWS[route].access is not Access.OPTIONAL]
REFUSED = {"error": {"code": 401, "message": "Invalid API key: it is unknown, disabled or expired"}}


@pytest.fixture(scope="module")
def keys(stack: LocalStack) -> StaleKeys:
    """Make keys, and let some go stale before anybody has used them."""
    tenant = seed_tenant(stack.books, tenant_id=TenantId("forged"), credit_usd=1)
    manager = issue_key(stack.books, tenant, kind=KeyKind.MANAGEMENT, label="manager")

    def call(method: str, path: str, body: object = None) -> Any:
        answer = requests.request(
            method, f"{stack.base_url}{path}", json=body, headers=bearer(manager), timeout=30
        )
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    def made(**wishes: object) -> str:
        return str(call("POST", "/keys", {"name": "a key", **wishes})["key"])

    disabled, deleted, rotated = made(), made(), made()
    call("PATCH", f"/keys/{key_hash(disabled)}", {"disabled": True})
    call("DELETE", f"/keys/{key_hash(deleted)}")
    call("POST", f"/keys/{key_hash(rotated)}/rotate", {"overlap_seconds": 0})
    good, expired = made(), mint(random=secrets.token_bytes(RANDOM_BYTES))
    stored = stack.books.keys.find(key_hash(good))
    assert stored is not None
    stack.books.keys.put_key(replace(stored, key_hash=key_hash(expired), expires_at_ms=1))
    return StaleKeys(
        good=good,
        disabled=disabled,
        expired=expired,
        deleted=deleted,
        rotated=rotated,
    )


def send(
    stack: LocalStack, route: str, headers: Headers, *, query: str = "", key_in_body: str = ""
) -> requests.Response:
    """Ask a route for something, with just these headers."""
    ask = ROWS[route].ask(ABSENT)
    body = ask.json
    if key_in_body:
        body = {**(body or {}), "api_key": key_in_body, "authorization": f"Bearer {key_in_body}"}
    target = ask.target + ("&" if "?" in ask.target else "?") * bool(query) + query
    method = route.partition(" ")[0]
    prepared = requests.Request(method, stack.gateway.url + target, json=body).prepare()
    for name, value in headers.items():
        prepared.headers[name] = value
    with requests.Session() as session:
        return session.send(prepared, timeout=30)


def test_there_are_many_forgeries() -> None:
    assert len(MALFORMED) + len(STALE) + len(MISPLACED) >= 50


@pytest.mark.parametrize("route", FAMILIES)
def test_every_malformed_key_is_refused_alike_and_nothing_is_looked_up(
    stack: LocalStack, keys: StaleKeys, route: str
) -> None:
    send(stack, route, bearer(keys.good))  # warm: nothing is left to be read once
    asked, looked_up = len(simulator(stack).requests), len(stack.aws.calls)

    answers = {name: send(stack, route, make(keys.good)) for name, make in MALFORMED.items()}

    assert {name: (answer.status_code, answer.json()) for name, answer in answers.items()} == (
        dict.fromkeys(MALFORMED, (401, REFUSED))
    )
    assert len({answer.content for answer in answers.values()}) == 1
    assert len(simulator(stack).requests) == asked
    assert table_calls(stack, since=looked_up) == []


@pytest.mark.parametrize("route", FAMILIES)
def test_every_stale_key_is_refused_in_the_same_words(
    stack: LocalStack, keys: StaleKeys, route: str
) -> None:
    asked = len(simulator(stack).requests)

    answers = {name: send(stack, route, bearer(find(keys))) for name, find in STALE.items()}

    assert {name: (answer.status_code, answer.json()) for name, answer in answers.items()} == (
        dict.fromkeys(STALE, (401, REFUSED))
    )
    assert len(simulator(stack).requests) == asked


@pytest.mark.parametrize("route", NEEDS_KEY)
def test_a_good_key_opens_nothing_from_where_no_key_belongs(
    stack: LocalStack, keys: StaleKeys, route: str
) -> None:
    asked, looked_up = len(simulator(stack).requests), len(stack.aws.calls)

    answers = {}
    for name, place in MISPLACED.items():
        headers, query, body = place(keys.good)
        answers[name] = send(stack, route, headers, query=query, key_in_body=body)

    assert {answer.status_code for answer in answers.values()} == {401}
    assert len({answer.content for answer in answers.values()}) == 1
    assert "Authorization" in answers["nowhere"].json()["error"]["message"]
    assert len(simulator(stack).requests) == asked
    assert table_calls(stack, since=looked_up) == []


@pytest.mark.parametrize("route", FAMILIES)
@pytest.mark.parametrize("order", [1, -1])
def test_a_good_key_beside_another_header_is_refused(
    stack: LocalStack, keys: StaleKeys, route: str, order: int
) -> None:
    ask = ROWS[route].ask(ABSENT)
    body = json.dumps(ask.json).encode() if ask.json is not None else b""
    lines = [f"Bearer {keys.good}", f"Bearer sk-weir-v1-{'0' * 64}"][::order]
    method = route.partition(" ")[0]
    head = "".join(f"Authorization: {line}\r\n" for line in lines)

    status, text = raw(stack, method, ask.target, head=head, body=body)

    assert (status, json.loads(text)) == (401, REFUSED)


def test_a_management_key_calls_no_model_and_asks_nobody(stack: LocalStack) -> None:
    asked = len(simulator(stack).requests)

    answer = send(stack, "POST /api/v1/chat/completions", bearer(stack.management_key))

    assert answer.status_code == answer.json()["error"]["code"] == 403
    assert len(simulator(stack).requests) == asked


@pytest.mark.parametrize("head", ["Authorization: Bearer a\x01b\r\n", "Authorization: a\0b\r\n"])
def test_control_characters_are_refused_before_anybody_reads_them(
    stack: LocalStack, head: str
) -> None:
    before = len(stack.aws.calls)

    status, _ = raw(stack, "GET", "/api/v1/key", head=head)

    assert status == 400
    assert len(stack.aws.calls) == before


def test_a_megabyte_of_key_is_refused_before_anybody_reads_it(stack: LocalStack) -> None:
    before = len(stack.aws.calls)

    status, _ = raw(stack, "GET", "/api/v1/key", head=f"Authorization: Bearer {'a' * 2**20}\r\n")

    assert 400 <= status < 500
    assert len(stack.aws.calls) == before


def table_calls(stack: LocalStack, *, since: int) -> list[str]:
    """Return what the tables were asked for; the operator's key is in no table."""
    return [call for call in stack.aws.calls[since:] if call.startswith("DynamoDB")]


def raw(
    stack: LocalStack, method: str, target: str, *, head: str, body: bytes = b""
) -> tuple[int, str]:
    """Send what no HTTP library would; return status and body."""
    host, port = stack.gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as client:
        request = f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}"
        client.sendall(f"{request}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        return answer.status, answer.read().decode()
