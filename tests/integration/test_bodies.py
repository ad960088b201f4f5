"""Every body that is served against OpenRouter's contract, its clients' models and its samples."""

import json
from collections.abc import Mapping
from typing import Any

import pydantic
import pytest
import requests
from openrouter import components, operations

from local.compatibility import DOCUMENT, rows, unused_reasons, with_section
from local.field_comparison import Verdict
from local.served_bodies import Served, events_of, served_bodies
from local.simulator import Fault
from local.stack import LocalStack
from tests.support.contract_facts import bodies, violations
from tests.support.stacks import simulator

MODELS: Mapping[str, Any] = {
    "chat": components.ChatResult,
    "models": components.ModelsListResponse,
    "models_user": components.ModelsListResponse,
    "models_count": components.ModelsCountResponse,
    "model": components.ModelResponse,
    "endpoints": operations.ListEndpointsResponse,
    "zdr": operations.ListEndpointsZdrResponse,
    "providers": operations.ListProvidersResponse,
    "key": operations.GetCurrentKeyResponse,
    "keys_list": operations.ListResponse,
    "keys_create": operations.CreateKeysResponse,
    "keys_get": operations.GetKeyResponse,
    "keys_update": operations.UpdateKeysResponse,
    "keys_delete": operations.DeleteKeysResponse,
    "credits": operations.GetCreditsResponse,
    "activity": components.ActivityResponse,
    "generation": components.GenerationResponse,
    "auth_keys": operations.ExchangeAuthCodeForAPIKeyResponse,
    "auth_code": operations.CreateAuthKeysCodeResponse,
}
"""How the official client reads a body."""
EVENTS = {"stream": "chat_chunk", "completions_stream": "completions_chunk"}
"""What each event of a stream is."""
STATUSES = {"keys_create": 201, "coinbase": 410, "error": 403}


@pytest.fixture(scope="module")
def served(stack: LocalStack) -> Mapping[str, Served]:
    return served_bodies(stack)


def test_every_body_of_the_contract_is_served(served: Mapping[str, Served]) -> None:
    shown = {EVENTS.get(name, name) for name in served}

    assert bodies().keys() <= shown
    assert {name: body.status for name, body in served.items()} == {
        name: STATUSES.get(name, 200) for name in served
    }


def test_every_body_is_what_the_contract_says(served: Mapping[str, Served]) -> None:
    found = {
        (name, violation)
        for name, body in served.items()
        for one in (body.body if name in EVENTS else [body.body])
        for violation in violations("error" if "error" in one else EVENTS.get(name, name), one)
    }

    assert found == set()


# The client itself warns of the field `rate_limit`, which it demands.
@pytest.mark.filterwarnings("ignore:.*DEPRECATED:DeprecationWarning")
def test_the_official_client_reads_every_body(served: Mapping[str, Served]) -> None:
    for name, model in MODELS.items():
        pydantic.TypeAdapter(model).validate_json(text(served[name].body))
    for event in served["stream"].body:
        components.ChatStreamChunk.model_validate_json(text(event))


def test_every_field_that_differs_has_a_reason(served: Mapping[str, Served]) -> None:
    compared = list(rows(served))

    assert [row for row in compared if row.is_unexplained] == []
    assert unused_reasons(compared) == []
    assert sum(row.verdict is Verdict.SAME for row in compared) > 400


def test_the_document_tells_what_is_served(served: Mapping[str, Served]) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")

    assert document == with_section(document, list(rows(served))), (
        "stale: .venv/bin/python -m local.compatibility --write"
    )


CHAT = {"model": "weir/echo", "messages": [{"role": "user", "content": "hi"}]}
TEXT = {"model": "weir/echo", "prompt": "hi"}
REFUSED: Mapping[str, tuple[str, str, Any, int]] = {
    "no body": ("POST", "/chat/completions", None, 400),
    "no prompt": ("POST", "/completions", {"model": "weir/echo"}, 400),
    "a field out of range": ("POST", "/chat/completions", {**CHAT, "temperature": 3}, 400),
    "an unknown model": ("POST", "/chat/completions", {**CHAT, "model": "no/such"}, 400),
    "a key that cannot manage": ("GET", "/keys", None, 403),
    "no such generation": ("GET", "/generation?id=gen-1", None, 404),
    "no id": ("GET", "/generation", None, 400),
    "no such model": ("GET", "/model/no/such", None, 404),
    "a parameter that is not served": ("GET", "/models?use_rss=true", None, 400),
    "no such route": ("GET", "/nothing", None, 404),
    "gone": ("POST", "/credits/coinbase", {}, 410),
    "what ended cannot be cancelled": ("POST", "/generation/gen-1/cancel", None, 404),
    "a wrong verifier": ("POST", "/auth/keys", {"code": "x" * 43, "code_verifier": "x" * 43}, 400),
}


@pytest.mark.parametrize("case", REFUSED)
def test_every_refusal_is_what_the_contract_says(stack: LocalStack, case: str) -> None:
    method, path, body, status = REFUSED[case]

    answer = ask(stack, method, path, body=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)
    assert violations("error", answer.json()) == []


@pytest.mark.parametrize("body", [CHAT, TEXT], ids=["chat", "text"])
@pytest.mark.parametrize("code", [400, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 524, 529])
def test_every_failure_of_upstream_is_what_the_contract_says(
    stack: LocalStack, body: Mapping[str, Any], code: int
) -> None:
    simulator(stack).faults.push(Fault(name="status", code=code))

    answer = ask(stack, "POST", path_of(body), body=body)

    assert answer.status_code == answer.json()["error"]["code"] >= 400
    assert violations("error", answer.json()) == []


@pytest.mark.parametrize("fault", ["mid-stream-error", "first-event-error", "cut", "bad-json"])
@pytest.mark.parametrize(
    ("body", "event"), [(CHAT, "chat_chunk"), (TEXT, "completions_chunk")], ids=["chat", "text"]
)
def test_every_event_of_a_broken_stream_is_what_the_contract_says(
    stack: LocalStack, body: Mapping[str, Any], event: str, fault: str
) -> None:
    simulator(stack).faults.push(Fault(name=fault))

    answer = ask(stack, "POST", path_of(body), body={**body, "stream": True})

    events = events_of(answer.text)
    assert isinstance(events[-1]["error"]["code"], int)
    assert [violations(event, each) for each in events] == [[]] * len(events)
    if event == "chat_chunk":
        for each in events:
            components.ChatStreamChunk.model_validate_json(text(each))


@pytest.mark.parametrize(
    ("name", "body", "violation"),
    [
        ("credits", {"data": {"total_credits": 1}}, "data.total_usage is missing"),
        ("credits", {"data": {"total_credits": "1", "total_usage": 0}}, "data.total_credits is"),
        ("keys_delete", {"deleted": False}, "deleted is"),
        ("models_count", {"data": {"count": 1.5}}, "data.count is"),
        ("activity", {"data": None}, "data is"),
        ("error", {"error": {"code": "401", "message": "no"}}, "error.code is"),
        ("model", {"data": {"description": None}}, "data.description is null"),
    ],
)
def test_a_body_is_refused_when_it_breaks_the_contract(
    name: str, body: object, violation: str
) -> None:
    assert any(violation in found for found in violations(name, body))


def text(body: object) -> str:
    """Write a body again: its amounts are Decimals."""
    return json.dumps(body, default=float)


def path_of(body: Mapping[str, Any]) -> str:
    return "/completions" if "prompt" in body else "/chat/completions"


def ask(stack: LocalStack, method: str, path: str, *, body: Any) -> requests.Response:
    return requests.request(
        method,
        f"{stack.base_url}{path}",
        json=body,
        headers={"Authorization": f"Bearer {stack.api_key}"},
        timeout=30,
    )
