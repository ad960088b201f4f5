"""The isolation matrix: every route, by own, another's, absent and malformed ids, by every key."""

import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import unquote

import pytest
import requests

from local.routes import LambdaIntegration, read_routes
from local.simulator import Fault
from local.stack import LocalStack
from tests.support import template
from tests.support.isolation_rows import ROWS, Ask, Ids, Row, ids_of
from tests.support.marked_tenants import (
    MarkedTenant,
    chat_body,
    make_key,
    marks_in,
    open_marked_tenant,
    post,
    told,
)
from tests.support.stacks import simulator
from weir.http.access import Access

DEPLOYED = {
    f"{route.method} {route.resource}"
    for route in read_routes(template.deployed())
    if isinstance(route.integration, LambdaIntegration)
}
# Cookies of the sign-in pages stay with nobody.
SESSION = requests.Session()
SESSION.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
GARBAGE = "sk-weir-v1-" + "0" * 64
REFUSALS = {
    ("inference", Access.MANAGEMENT): 403,
    ("management", Access.INFERENCE): 403,
    ("inference", Access.OPERATOR): 403,
    ("management", Access.OPERATOR): 403,
}
"""Of good keys; every other route takes a tenant's keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: a credential, what is its own, and what is another's."""

    kind: str
    key: str | None
    own: MarkedTenant
    other: MarkedTenant

    @property
    def has_tenant(self) -> bool:
        """Whether it is somebody, with things of its own."""
        return self.kind in {"inference", "management"}


Crowd = tuple[MarkedTenant, MarkedTenant]


@pytest.fixture(scope="module", autouse=True)
def _connections() -> Iterator[None]:
    yield
    SESSION.close()


@pytest.fixture(scope="module")
def crowd(stack: LocalStack) -> Crowd:
    """Two tenants, with usage in the rollups."""
    crowd = open_marked_tenant(stack, "alpha"), open_marked_tenant(stack, "beta")
    stack.pump_once()
    return crowd


def callers(stack: LocalStack, crowd: Crowd) -> Iterator[Caller]:
    alpha, beta = crowd
    strangers = {"none": None, "garbage": GARBAGE, "operator": getattr(stack, "operator_key", None)}
    for kind, key in strangers.items():
        if key is not None or kind == "none":
            yield Caller(kind=kind, key=key, own=alpha, other=beta)
    for own, other in (crowd, (beta, alpha)):
        yield Caller(kind="inference", key=own.inference, own=own, other=other)
        yield Caller(kind="management", key=own.management, own=own, other=other)


def send(stack: LocalStack, route: str, ask: Ask, *, key: str | None) -> requests.Response:
    """Send a request to exactly this target: nobody may tidy its path up."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    method = route.partition(" ")[0]
    prepared = requests.Request(method, "http://unused", headers=headers, json=ask.json).prepare()
    prepared.url = stack.gateway.url + ask.target
    return SESSION.send(prepared, timeout=30)


def refusal(caller: Caller, access: Access) -> int | None:
    """Return the status by which a route refuses a caller, None when it takes it."""
    if access is Access.NONE or (access is Access.OPTIONAL and caller.key is None):
        return None
    if caller.kind == "operator":
        return None if access is Access.OPERATOR else 401
    if caller.kind in {"none", "garbage"}:
        return 401
    return REFUSALS.get((caller.kind, access))


def test_every_deployed_route_has_a_row() -> None:
    assert sorted(DEPLOYED - ROWS.keys()) == []


@pytest.mark.parametrize("route", sorted(DEPLOYED & ROWS.keys()))
def test_nobody_sees_what_is_anothers(stack: LocalStack, crowd: Crowd, route: str) -> None:
    row = ROWS[route]
    for caller in callers(stack, crowd):
        before = standing(stack, caller.other)
        if refusal(caller, row.access) is None:
            assert_admitted(stack, route, row, caller)
        else:
            assert_refused(stack, route, row, caller)
        # What is the operator's to change is everybody's.
        assert caller.kind == "operator" or standing(stack, caller.other) == before


def test_the_matrix_is_told(
    stack: LocalStack, crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    everybody = list(callers(stack, crowd))
    own, foreign = map(ids_of, crowd)
    asked = [
        len(ROWS[route].variations(own, foreign=foreign, tricks=1 if is_refused else None))
        for route in DEPLOYED & ROWS.keys()
        for caller in everybody
        for is_refused in [refusal(caller, ROWS[route].access) is not None]
    ]

    with capsys.disabled():
        sys.stdout.write(
            f"\nisolation: {len(DEPLOYED)} routes, {len(everybody)} callers, "
            f"{sum(asked)} requests\n"
        )
    assert len(everybody) >= 6


def assert_refused(stack: LocalStack, route: str, row: Row, caller: Caller) -> None:
    """Check that a caller is told one thing, whatever it names."""
    variations = row.variations(ids_of(caller.own), foreign=ids_of(caller.other), tricks=1)
    answers = [send(stack, route, row.ask(ids), key=caller.key) for _, _, ids in variations]

    assert {answer.status_code for answer in answers} == {refusal(caller, row.access)}
    assert len({answer.content for answer in answers}) == 1
    assert all(told(answer)[:2] == told(answers[0])[:2] for answer in answers)
    for answer in answers:
        assert not marks_in(answer, of=(caller.own, caller.other))


def assert_admitted(stack: LocalStack, route: str, row: Row, caller: Caller) -> None:
    """Check that a caller gets its own, and that another's is to it as what does not exist."""
    variations = row.variations(ids_of(caller.own), foreign=ids_of(caller.other))
    absent: Mapping[str, Ids] = {name: ids for name, how, ids in variations if how == "absent"}
    hidden = [caller.other] if caller.has_tenant else [caller.own, caller.other]
    for name, how, named in variations:
        is_operators = caller.kind == "operator" and name == "tenant" and how == "another's"
        if is_operators and row.spends == name:
            continue
        ids = renewed(stack, row, caller, named) if how == "own" else named
        ask = row.ask(ids)
        answer = send(stack, route, ask, key=caller.key)
        where = f"{route} {caller.kind} {how} {name} {getattr(ids, name, '')!r}: {answer.text}"
        if how == "own":
            assert answer.status_code in row.ok, where
        elif how == "malformed":
            assert 400 <= answer.status_code < 500, where
        elif how == "another's" and not is_operators:
            nothing = send(stack, route, row.ask(absent[name]), key=caller.key)
            assert as_if_named(answer, ids, name) == as_if_named(nothing, absent[name], name), where
        if caller.kind != "operator":
            assert not marks_in(answer, of=hidden, said=f"{unquote(ask.target)} {ask.json}"), where


def renewed(stack: LocalStack, row: Row, caller: Caller, ids: Ids) -> Ids:
    """Return the ids with something new in place of what the request destroys."""
    if row.spends == "key_hash":
        made = make_key(stack, caller.own.marker, management=caller.own.management)
        return replace(ids, key_hash=made)
    if row.spends == "tenant":
        tenant = f"spent-{secrets.token_hex(6)}"
        answer = post(stack, "/tenants", {"id": tenant}, key=caller.key or "")
        assert answer.status_code == 201, answer.text
        return replace(ids, tenant=tenant)
    return ids


def as_if_named(
    answer: requests.Response, ids: Ids, name: str
) -> tuple[int, dict[str, str], bytes]:
    """Return what an answer tells, with a placeholder for what the request named."""
    status, headers, body = told(answer)
    return status, headers, body.replace(getattr(ids, name).encode(), b"<named>")


def standing(stack: LocalStack, tenant: MarkedTenant) -> object:
    """Return what nobody but its tenant may change."""
    return stack.books.keys.find(tenant.key_hash)


def test_nobody_stops_anothers_request(stack: LocalStack, crowd: Crowd) -> None:
    alpha, beta = crowd
    simulator(stack).faults.push(Fault(name="drip", interval_s=0.05, cap=20))
    with requests.post(
        f"{stack.base_url}/chat/completions",
        json=chat_body(alpha.marker, stream=True, max_tokens=100),
        headers={"Authorization": f"Bearer {alpha.inference}"},
        stream=True,
        timeout=30,
    ) as running:
        generation = running.headers["X-Generation-Id"]
        path = f"/generation/{generation}/cancel"
        refused = [post(stack, path, {}, key=key) for key in (beta.inference, beta.management)]
        text = running.text

    assert {answer.status_code for answer in refused} == {404}
    assert text.endswith("data: [DONE]\n\n")


def test_the_same_idempotency_key_is_anothers_request_with_another_tenant(
    stack: LocalStack, crowd: Crowd
) -> None:
    body = {"model": "weir/echo", "messages": [{"role": "user", "content": "the same"}]}

    def ask(tenant: MarkedTenant) -> requests.Response:
        return requests.post(
            f"{stack.base_url}/chat/completions",
            json=body,
            headers={"Authorization": f"Bearer {tenant.inference}", "Idempotency-Key": "one"},
            timeout=30,
        )

    first, second = (ask(tenant) for tenant in crowd)

    assert first.status_code == second.status_code == 200
    assert first.json()["id"] != second.json()["id"]
    assert "Idempotent-Replayed" not in second.headers
    assert ask(crowd[0]).json()["id"] == first.json()["id"]


def test_end_users_and_sessions_of_two_tenants_differ_upstream(
    stack: LocalStack, crowd: Crowd
) -> None:
    sent = []
    for tenant in crowd:
        body = chat_body("nobody", user="the same", session_id="the same")
        assert post(stack, "/chat/completions", body, key=tenant.inference).status_code == 200
        received = simulator(stack).requests[-1]
        sent.append(received.body)
        assert not any(mark.encode() in received.body for mark in tenant.marks)

    assert sent[0] != sent[1]
    assert b"the same" not in sent[0] + sent[1]
