"""A tenant stops a running request: upstream is left, and what it made so far is charged."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from local.seed import issue_key, seed_tenant
from local.simulator import Fault
from local.simulator.ledger import Status
from local.stack import LocalStack
from tests.support.stacks import (
    assert_books_balance,
    kill_workers,
    records,
    simulator,
    sweep,
    upstream_costs,
    wait_until,
)
from weir.domain.api_keys import KeyKind
from weir.domain.generations import GenerationId
from weir.domain.tenants import TenantId
from weir.domain.usage import RecordSource, RecordStatus


def ask(stack: LocalStack, *, stream: bool) -> requests.Response:
    return requests.post(
        f"{stack.base_url}/chat/completions",
        json={
            "model": "weir/echo",
            "messages": [{"role": "user", "content": "hello"}],
            "stream": stream,
        },
        headers={"Authorization": f"Bearer {stack.api_key}"},
        stream=stream,
        timeout=30,
    )


def cancel(stack: LocalStack, named: str, *, key: str | None = None) -> requests.Response:
    return requests.post(
        f"{stack.base_url}/generation/{named}/cancel",
        headers={"Authorization": f"Bearer {key or stack.api_key}"},
        timeout=30,
    )


@pytest.fixture(autouse=True)
def _awake(stack: LocalStack) -> None:
    """Sweep what others left, and start the function that cancels: a cold start takes seconds."""
    sweep(stack)
    cancel(stack, "gen-1")


class Running:
    """A stream in its midst."""

    def __init__(self, response: requests.Response) -> None:
        self.id = GenerationId(response.headers["X-Generation-Id"])
        self._pieces = response.iter_content(None)
        self._text: bytes = next(self._pieces)

    def text(self) -> str:
        """Read it to its end and return all of it."""
        self._text += b"".join(self._pieces)
        return self._text.decode()

    def error(self) -> Mapping[str, Any]:
        """Read it to its end, which must be an error event, and return that."""
        text = self.text()
        assert "[DONE]" not in text
        event: Mapping[str, Any] = json.loads(text.rstrip().rpartition("data: ")[2])
        assert event["id"] == self.id
        assert event["choices"][0]["finish_reason"] == "error"
        return event


@contextmanager
def running(stack: LocalStack, *, cap: int = 80) -> Iterator[Running]:
    """Begin a stream of `cap` tokens, twenty a second."""
    simulator(stack).faults.push(Fault(name="drip", interval_s=0.05, cap=cap))
    with ask(stack, stream=True) as response:
        yield Running(response)


def assert_charged_as_upstream_says(stack: LocalStack, generation_id: str) -> None:
    record = records(stack)[generation_id]
    assert (record.status, record.source) == (RecordStatus.CANCELLED, RecordSource.REQUEST)
    assert record.http_status == 499
    assert record.upstream_generation_id is not None
    assert record.usage.cost_nano_usd == upstream_costs(stack)[record.upstream_generation_id] > 0
    assert record.price_nano_usd == record.usage.cost_nano_usd
    assert_books_balance(stack, swept=True)


def other_key(stack: LocalStack, name: str) -> str:
    tenant = seed_tenant(stack.books, tenant_id=TenantId(name), credit_usd=1)
    return issue_key(stack.books, tenant, kind=KeyKind.INFERENCE, label=name)


def test_a_cancelled_stream_ends_in_an_error_event_and_the_others_go_on(stack: LocalStack) -> None:
    with running(stack) as stopped, running(stack, cap=40) as other:
        answer = cancel(stack, stopped.id)

        assert answer.status_code == 200
        assert answer.json() == {"data": {"id": stopped.id, "cancelled": True}}
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert stopped.error()["error"]["code"] == 499
        assert other.text().endswith("data: [DONE]\n\n")

    record = records(stack)[stopped.id]
    entry = simulator(stack).ledger.find(record.upstream_generation_id or "")
    assert entry is not None
    assert entry.status is Status.CANCELLED, "upstream saw the connection go"
    assert entry.completion_tokens < 80
    assert_charged_as_upstream_says(stack, stopped.id)
    assert records(stack)[other.id].status is RecordStatus.COMPLETED


def test_a_cancelled_plain_request_is_answered_499(stack: LocalStack) -> None:
    simulator(stack).faults.push(Fault(name="silence", pause_s=4))
    answers: list[requests.Response] = []
    client = threading.Thread(target=lambda: answers.append(ask(stack, stream=False)))
    client.start()
    wait_until(lambda: len(held(stack)) == 1)

    assert cancel(stack, held(stack)[0]).status_code == 200
    client.join()

    (response,) = answers
    error = response.json()["error"]
    assert response.status_code == error["code"] == 499
    assert "cancelled" in error["message"]
    assert_charged_as_upstream_says(stack, response.headers["X-Generation-Id"])


def test_a_finished_request_is_a_409(stack: LocalStack) -> None:
    response = ask(stack, stream=False)

    answer = cancel(stack, response.json()["id"])

    assert answer.status_code == answer.json()["error"]["code"] == 409
    assert "already finished" in answer.json()["error"]["message"]


def test_a_foreign_request_reads_like_an_absent_one(stack: LocalStack) -> None:
    key = other_key(stack, "nosy")
    with running(stack, cap=20) as foreign:
        names = (foreign.id, f"{foreign.id[:-6]}absent", "gen-1", "x")
        answers = [cancel(stack, named, key=key) for named in names]
        assert foreign.text().endswith("data: [DONE]\n\n")
    answers.append(cancel(stack, foreign.id, key=key))

    for answer, named in zip(answers, (*names, foreign.id), strict=True):
        assert answer.status_code == 404
        assert answer.json() == {"error": {"code": 404, "message": f"Generation {named} not found"}}


def test_a_management_key_cancels_and_a_wrong_key_does_not(stack: LocalStack) -> None:
    with running(stack) as stopped:
        assert cancel(stack, stopped.id, key="sk-wrong").status_code == 401
        assert cancel(stack, stopped.id, key=stack.management_key).status_code == 200

        assert stopped.error()["error"]["code"] == 499


def test_the_sweep_settles_a_cancelled_request_whose_process_is_gone(stack: LocalStack) -> None:
    with running(stack) as gone:
        wait_until(lambda: is_checkpointed(stack, gone.id))
        kill_workers(stack)

    assert cancel(stack, gone.id).status_code == 200
    assert simulator(stack).ledger.wait_until_final(timeout_s=20)
    sweep(stack)

    assert records(stack)[gone.id].source is RecordSource.SWEEP
    assert cancel(stack, gone.id).status_code == 409
    assert_books_balance(stack, swept=True)


def test_a_browser_may_cancel(stack: LocalStack) -> None:
    response = requests.options(
        f"{stack.base_url}/generation/gen-1/cancel",
        headers={"Origin": "https://app.example", "Access-Control-Request-Method": "POST"},
        timeout=30,
    )

    assert response.status_code in {200, 204}
    assert "POST" in response.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_another_method_is_a_404_in_the_envelope(stack: LocalStack, method: str) -> None:
    response = requests.request(method, f"{stack.base_url}/generation/gen-1/cancel", timeout=30)

    assert response.status_code == response.json()["error"]["code"] == 404


def held(stack: LocalStack) -> list[GenerationId]:
    return [name for account in stack.books.ledger.accounts() for name in account.holds]


def is_checkpointed(stack: LocalStack, generation_id: GenerationId) -> bool:
    return any(
        account.holds[generation_id].upstream_generation_id is not None
        for account in stack.books.ledger.accounts()
        if generation_id in account.holds
    )
