"""The endpoint over fakes: which reply an event gets, and what never leaves it."""

import base64
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.fakes import (
    PRICE,
    TENANT,
    USAGE,
    FakeArchive,
    FakeClock,
    FakeJournal,
    FakeKeys,
    FakePrices,
    FakeProvider,
    FakeResponse,
    make_key,
)
from weir.domain.api_keys import key_hash, mint
from weir.domain.errors import ProviderError, WeirError
from weir.http.chat import ChatEndpoint, Reply
from weir.services.admit import Admission
from weir.services.chat import Chat
from weir.services.meter import Metering

KEY = mint(random=bytes(range(28)))
ANSWER = json.dumps(
    {
        "id": "gen-upstream",
        "object": "chat.completion",
        "created": 1,
        "model": "weir/echo",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant"}}],
        "usage": {
            "prompt_tokens": 1,
            "completion_tokens": 1,
            "total_tokens": 2,
            "cost": 0.00000075,
        },
    }
).encode()
CHUNK = (
    b'data: {"id":"gen-upstream","model":"weir/echo","choices":[{"index":0,"delta":{},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,'
    b'"total_tokens":2,"cost":0.00000075}}\n\n'
)

Respond = Callable[..., Reply]


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal()


@pytest.fixture
def respond(journal: FakeJournal) -> Respond:
    def respond_to(outcome: FakeResponse | WeirError, **event: Any) -> Reply:
        ledger = FakeLedger()
        ledger.open_account(TENANT.tenant_id, 10**9)
        chat = Chat(
            keys=FakeKeys({key_hash(KEY): make_key()}),
            key_prefix="sk-weir-v1-",
            admission=Admission(
                prices=FakePrices({"weir/echo": PRICE}), ledger=ledger, random=bytes, lane=0
            ),
            provider=FakeProvider(outcome),
            metering=Metering(
                ledger=ledger,
                archive=FakeArchive([USAGE]),
                clock=FakeClock(),
                journal=journal,
                checkpoint_after_ms=2_000,
            ),
        )
        endpoint = ChatEndpoint(chat=chat, journal=journal)
        return endpoint.respond(make_event(**event), deadline_ms=1, request_id="request-1")

    return respond_to


def make_event(**overrides: Any) -> Any:
    body = {"model": "weir/echo", "messages": [{"role": "user", "content": "hi"}]}
    event = {
        "headers": {"Authorization": f"Bearer {KEY}"},
        "body": json.dumps(body | overrides.pop("fields", {})),
        "isBase64Encoded": False,
    }
    return event | overrides


def test_a_plain_answer_bears_our_id_in_body_and_header(respond: Respond) -> None:
    reply = respond(FakeResponse([ANSWER]))

    body = json.loads(b"".join(reply.body))
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    assert body["id"] == reply.headers["X-Generation-Id"] != "gen-upstream"


def test_a_stream_is_an_event_stream_that_ends_with_done(respond: Respond) -> None:
    reply = respond(FakeResponse([CHUNK, b"data: [DONE]\n\n"]), fields={"stream": True})

    events = b"".join(reply.body)
    assert reply.headers["Content-Type"] == "text/event-stream"
    assert reply.headers["Cache-Control"] == "no-cache"
    assert reply.headers["X-Generation-Id"].encode() in events
    assert events.endswith(b"data: [DONE]\n\n")


def test_a_body_in_base64_is_the_same_body(respond: Respond) -> None:
    body = make_event()["body"].encode()

    reply = respond(
        FakeResponse([ANSWER]), body=base64.b64encode(body).decode(), isBase64Encoded=True
    )

    assert reply.status == 200


def test_a_refusal_is_told_to_the_journal_and_the_client(
    respond: Respond, journal: FakeJournal
) -> None:
    reply = respond(ProviderError("Provider returned error", cost_is_zero=True, status=429))

    error = json.loads(b"".join(reply.body))["error"]
    assert reply.status == error["code"] == 429
    assert "X-Generation-Id" in reply.headers
    assert journal.lines[-1] == ("refused", 429)


def test_an_unforeseen_fault_shows_the_request_id_and_logs_no_values(
    respond: Respond, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    reply = respond(FakeResponse([RuntimeError("the prompt: PROMPT-CANARY")]))

    error = json.loads(b"".join(reply.body))["error"]
    assert reply.status == error["code"] == 500
    assert "request-1" in json.dumps(error)
    assert "RuntimeError" in caplog.text
    assert "PROMPT-CANARY" not in caplog.text + json.dumps(error)


def test_an_unforeseen_fault_in_a_stream_ends_in_an_error_event(
    respond: Respond, caplog: pytest.LogCaptureFixture
) -> None:
    script = [CHUNK, RuntimeError("the prompt: PROMPT-CANARY")]
    reply = respond(FakeResponse(script), fields={"stream": True})

    last = json.loads(b"".join(reply.body).decode().rstrip().rpartition("data: ")[2])
    assert last["error"]["code"] == 500
    assert last["id"] == reply.headers["X-Generation-Id"]
    assert "PROMPT-CANARY" not in caplog.text + json.dumps(last)
