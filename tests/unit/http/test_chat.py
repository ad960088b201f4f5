"""The endpoint over fakes: which reply an event gets, and what never leaves it."""

import base64
import itertools
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support.fake_answers import FakeAnswers
from tests.support.fake_ledger import FakeLedger
from tests.support.fakes import (
    PRICE,
    TENANT,
    USAGE,
    FakeArchive,
    FakeCancellations,
    FakeClock,
    FakeJournal,
    FakeKeys,
    FakePrices,
    FakeProvider,
    FakeQueue,
    FakeResponse,
    make_key,
)
from tests.support.metering import make_metering
from weir.domain.answers import Reply
from weir.domain.api_keys import key_hash, mint
from weir.domain.errors import ProviderError, WeirError
from weir.domain.price_plans import PricePlan
from weir.http.chat import ChatEndpoint
from weir.services.admit import Admission
from weir.services.chat import Chat
from weir.services.idempotency import Idempotency

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

TEXT: dict[str, Any] = {"resource": "/api/v1/completions", "fields": {"prompt": "A weir is"}}
TEXT_CHUNK = (
    b'data: {"id":"gen-upstream","object":"text_completion","model":"weir/echo",'
    b'"choices":[{"index":0,"text":" a","finish_reason":"stop"}],"usage":{"prompt_tokens":1,'
    b'"completion_tokens":1,"total_tokens":2,"cost":0.00000075}}\n\n'
)

Respond = Callable[..., Reply]


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal()


@pytest.fixture
def respond(journal: FakeJournal) -> Respond:
    ledger, clock = FakeLedger(), FakeClock()
    ledger.open_tenant_account(TENANT.tenant_id, credit_nano_usd=10**9)
    answers, serial = FakeAnswers(), itertools.count()

    def random(count: int) -> bytes:
        return next(serial).to_bytes(count)

    def respond_to(outcome: FakeResponse | WeirError, **event: Any) -> Reply:
        chat = Chat(
            keys=FakeKeys({key_hash(KEY): make_key(tenant=event.pop("tenant", TENANT))}),
            key_prefix="sk-weir-v1-",
            idempotency=Idempotency(
                answers=answers, clock=clock, journal=journal, random=random, claim_life_ms=1_000
            ),
            admission=Admission(
                prices=FakePrices({"weir/echo": PRICE}),
                ledger=ledger,
                journal=journal,
                random=random,
                lane=0,
            ),
            provider=FakeProvider(outcome),
            metering=make_metering(
                ledger,
                archive=FakeArchive([USAGE]),
                clock=clock,
                journal=journal,
                queue=FakeQueue(),
                cancellations=FakeCancellations(),
            ),
        )
        endpoint = ChatEndpoint(chat=chat, journal=journal)
        return endpoint.respond(make_event(**event), deadline_ms=1, request_id="request-1")

    return respond_to


def make_event(**overrides: Any) -> Any:
    body = {"model": "weir/echo", "messages": [{"role": "user", "content": "hi"}]}
    event = {
        "httpMethod": "POST",
        "resource": "/api/v1/chat/completions",
        "path": "/api/v1/chat/completions",
        "headers": {"Authorization": f"Bearer {KEY}"} | overrides.pop("more_headers", {}),
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


def test_a_text_completion_is_answered_like_a_chat(respond: Respond) -> None:
    plain = ANSWER.replace(b"chat.completion", b"text_completion")

    reply = respond(FakeResponse([plain]), **TEXT)

    body = json.loads(b"".join(reply.body))
    assert (reply.status, body["object"]) == (200, "text_completion")
    assert body["id"] == reply.headers["X-Generation-Id"] != "gen-upstream"


def test_a_stream_of_text_that_breaks_ends_in_an_error_event_of_its_kind(
    respond: Respond,
) -> None:
    fields = {**TEXT["fields"], "stream": True}
    scripts: list[list[object]] = [
        [TEXT_CHUNK, ProviderError("cut", cost_is_zero=False)],
        [RuntimeError("x")],
    ]
    for script in scripts:
        reply = respond(FakeResponse(script), **{**TEXT, "fields": fields})

        last = json.loads(b"".join(reply.body).decode().rstrip().rpartition("data: ")[2])
        assert (last["object"], last["id"]) == ("text_completion", reply.headers["X-Generation-Id"])
        (choice,) = last["choices"]
        assert (choice["text"], choice["finish_reason"]) == ("", "error")


def test_a_route_that_is_none_of_its_own_is_not_found(respond: Respond) -> None:
    reply = respond(FakeResponse([ANSWER]), resource="/api/v1/embeddings")

    assert reply.status == 404


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


@pytest.mark.parametrize(
    ("script", "fields"),
    [([ANSWER], {}), ([CHUNK, b"data: [DONE]\n\n"], {"stream": True})],
    ids=["plain", "stream"],
)
def test_an_answer_is_replayed_to_the_byte_when_its_key_is_sent_again(
    respond: Respond, script: list[object], fields: dict[str, object]
) -> None:
    more = {"Idempotency-Key": "order-17"}
    first = respond(FakeResponse(script), fields=fields, more_headers=more)
    sent = b"".join(first.body)

    again = respond(FakeResponse([]), fields=fields, more_headers=more)

    assert b"".join(again.body) == sent
    assert again.status == first.status
    assert again.headers == {**first.headers, "Idempotent-Replayed": "true"}


def test_an_error_that_may_have_cost_money_is_replayed_to_the_byte(respond: Respond) -> None:
    more = {"Idempotency-Key": "order-17"}
    broken = ProviderError("cut", cost_is_zero=False)
    first = respond(FakeResponse([broken]), more_headers=more)

    again = respond(FakeResponse([ANSWER]), more_headers=more)

    assert (again.status, list(again.body)) == (first.status, list(first.body))
    assert again.headers == {**first.headers, "Idempotent-Replayed": "true"}


def test_a_key_that_is_in_flight_is_a_conflict_with_a_time_to_wait(respond: Respond) -> None:
    more = {"Idempotency-Key": "order-17"}
    respond(FakeResponse([CHUNK]), fields={"stream": True}, more_headers=more)

    again = respond(FakeResponse([ANSWER]), fields={"stream": True}, more_headers=more)

    assert again.status == 409
    assert again.headers["Retry-After"] == "2"


def test_a_malformed_key_is_an_invalid_request(respond: Respond) -> None:
    reply = respond(FakeResponse([ANSWER]), more_headers={"Idempotency-Key": "é"})

    assert reply.status == 400


@pytest.mark.parametrize(
    ("script", "fields"),
    [([ANSWER], {}), ([CHUNK, b"data: [DONE]\n\n"], {"stream": True})],
    ids=["plain", "stream"],
)
def test_a_tenant_is_shown_its_own_price(
    respond: Respond, script: list[object], fields: dict[str, object]
) -> None:
    tenant = replace(TENANT, plan=PricePlan(version=1, multiplier_ppm=2_000_000))

    reply = respond(FakeResponse(script), fields=fields, tenant=tenant)

    shown = json.loads(b"".join(reply.body).partition(b"\n")[0].removeprefix(b"data: "))
    assert shown["usage"]["cost"] == pytest.approx(0.0000015)
