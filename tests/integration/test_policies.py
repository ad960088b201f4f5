"""A tenant's policy over the wire: what it refuses reaches nobody and costs nothing."""

import json
from dataclasses import replace
from typing import Any

import pytest
import requests

from local.seed import issue_key, seed_tenant
from local.stack import LocalStack
from tests.support.stacks import assert_books_balance, records, simulator
from weir.domain.api_keys import KeyKind
from weir.domain.money import nano_usd
from weir.domain.policies import DataCollection, Policy
from weir.domain.tenants import TenantId

ECHO = "weir/echo"
POLICY = Policy(
    models=(ECHO,),
    providers=("weir-simulator",),
    data_collection=DataCollection.DENY,
    zdr=True,
    max_tokens=200,
)
FORCED = {"only": ["weir-simulator"], "data_collection": "deny", "zdr": True}
WAYS_AROUND: list[tuple[str, dict[str, Any]]] = [
    ("models", {"model": "weir/other"}),
    ("models", {"models": [ECHO, "weir/other"]}),
    ("models", {"model": f"{ECHO}:unheard-of"}),
    ("models", {"model": "~weir/echo-latest"}),
    ("models", {"model": "openrouter/auto"}),
    ("models", {"model": "@preset/mine"}),
    ("models", {"model": f"{ECHO}@preset/mine"}),
    ("models", {"preset": "mine"}),
    ("models", {"plugins": [{"id": "auto-router", "allowed_models": [ECHO]}]}),
    ("models", {"plugins": [{"id": "fusion", "model": "weir/other"}]}),
    ("models", {"tools": [{"type": "openrouter:advisor", "parameters": {"model": ECHO}}]}),
    ("models", {"provider": {"options": {"weir-simulator": {"model": "weir/other"}}}}),
    ("models", {"unheard_of": "weir/other"}),
    ("providers", {"provider": {"only": ["openai"]}}),
    ("providers", {"provider": {"order": ["weir-simulator", "openai"]}}),
    ("data_collection", {"provider": {"data_collection": "allow"}}),
    ("data_collection", {"model": f"{ECHO}:online"}),
    ("zdr", {"provider": {"zdr": False}}),
    ("max_tokens", {"max_tokens": 201}),
]


def open_key(stack: LocalStack, name: str, policy: Policy) -> str:
    tenant = seed_tenant(
        stack.books,
        tenant_id=TenantId(name),
        credit_usd=1,
        policy=policy,
        # Nothing is refused here for want of a price.
        unpriced_hold_nano_usd=nano_usd(1) // 1000,
    )
    return issue_key(stack.books, tenant, kind=KeyKind.INFERENCE, label="a key")


def ask(stack: LocalStack, key: str, *, marker: str, **fields: Any) -> requests.Response:
    messages = [{"role": "user", "content": f"policy {marker}"}]
    return requests.post(
        f"{stack.base_url}/chat/completions",
        json={"model": ECHO, "messages": messages, **fields},
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )


def received(stack: LocalStack, marker: str) -> list[dict[str, Any]]:
    """Return the bodies with a marker that upstream got."""
    bodies = [request.body for request in simulator(stack).requests]
    return [json.loads(body) for body in bodies if f"policy {marker}".encode() in body]


def test_every_way_around_a_policy_is_a_403_that_names_it(stack: LocalStack) -> None:
    key = open_key(stack, "bound", POLICY)
    before = records(stack).keys()

    for name, fields in WAYS_AROUND:
        for stream in (False, True):
            response = ask(stack, key, marker="around", stream=stream, **fields)

            error = response.json()["error"]
            assert (response.status_code, error["code"]) == (403, 403), fields
            assert error["metadata"]["error_type"] == "permission_denied"
            assert error["metadata"]["policy"] == name, fields
            assert f'the policy "{name}" of this tenant does not allow' in error["message"]
            assert "Retry-After" not in response.headers

    assert received(stack, "around") == []
    assert records(stack).keys() == before
    assert_books_balance(stack, swept=True)


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_policy_forces_is_what_upstream_gets(stack: LocalStack, *, stream: bool) -> None:
    key = open_key(stack, f"forced-{stream}".lower(), POLICY)
    marker = f"forced {stream}"

    response = ask(stack, key, marker=marker, stream=stream, provider={"sort": "price"})

    assert response.status_code == 200, response.text
    (body,) = received(stack, marker)
    assert body["provider"] == {"sort": "price", **FORCED}
    assert (body["model"], body["max_tokens"]) == (ECHO, 200)


def test_a_policy_holds_for_text_completions_too(stack: LocalStack) -> None:
    key = open_key(stack, "bound-texts", POLICY)

    def complete(**fields: Any) -> requests.Response:
        return requests.post(
            f"{stack.base_url}/completions",
            json={"model": ECHO, "prompt": "policy text", **fields},
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
        )

    refused = [complete(**fields) for _, fields in WAYS_AROUND]

    assert [response.status_code for response in refused] == [403] * len(WAYS_AROUND)
    assert received(stack, "text") == []
    assert complete().status_code == 200
    (body,) = received(stack, "text")
    assert (body["provider"], body["max_tokens"]) == (FORCED, 200)


def test_a_policy_is_one_tenants_alone(stack: LocalStack) -> None:
    open_key(stack, "strict", replace(POLICY, models=()))
    key = open_key(stack, "free", Policy())

    response = ask(stack, key, marker="free", max_tokens=300, unheard_of={"model": "weir/other"})

    assert response.status_code == 200
    (body,) = received(stack, "free")
    assert "provider" not in body
    assert (body["max_tokens"], body["unheard_of"]) == (300, {"model": "weir/other"})


def test_a_replay_is_refused_when_the_policy_forbids_it(stack: LocalStack) -> None:
    key = open_key(stack, "replaying", POLICY)

    def replay(**fields: Any) -> requests.Response:
        return requests.post(
            f"{stack.base_url}/chat/completions",
            json={"model": ECHO, "messages": [{"role": "user", "content": "hi"}], **fields},
            headers={"Authorization": f"Bearer {key}", "Idempotency-Key": "once"},
            timeout=30,
        )

    assert replay(model="weir/other").status_code == 403
    assert replay().status_code == 200
    assert replay(model="weir/other").status_code == 403


def test_a_tenants_own_models_are_those_it_can_ask_for(stack: LocalStack) -> None:
    key = open_key(stack, "listing", replace(POLICY, models=("weir/*",)))
    listing = requests.get(
        f"{stack.base_url}/models/user", headers={"Authorization": f"Bearer {key}"}, timeout=30
    )

    names = [model["id"] for model in listing.json()["data"]]

    assert ECHO in names
    assert [ask(stack, key, marker="own", model=name).status_code for name in names] == [
        200 for _ in names
    ]
