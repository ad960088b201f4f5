"""Idempotency-Key through the deployed function: one charge, one upstream call, one answer."""

import random
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from local.simulator import Fault
from local.stack import LocalStack
from tests.support.stacks import (
    CANARY_PROMPT,
    kill_workers,
    records,
    simulator,
    sweep,
    wait_until,
)
from weir.domain.usage import RecordStatus

CLIENTS = 6  # each a process of its own; `make chaos` has 32
REPLAY = ["DynamoDB.PutItem"]


def ask(
    stack: LocalStack, key: str, content: str = "hello there", **fields: object
) -> requests.Response:
    return requests.post(
        f"{stack.base_url}/chat/completions",
        json={
            "model": "weir/echo",
            "messages": [{"role": "user", "content": content}],
            **fields,
        },
        headers={"Authorization": f"Bearer {stack.api_key}", "Idempotency-Key": key},
        timeout=30,
        stream=bool(fields.get("stream")),
    )


def told(response: requests.Response) -> dict[str, str]:
    """The headers of an answer that a replay must repeat."""
    names = ("Content-Type", "Cache-Control", "X-Generation-Id", "Access-Control-Allow-Origin")
    return {name: response.headers[name] for name in names if name in response.headers}


@pytest.fixture
def key() -> str:
    return secrets.token_hex(16)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_replayed_without_another_charge(
    stack: LocalStack, key: str, *, stream: bool
) -> None:
    content = f"{CANARY_PROMPT} say it again"
    first = ask(stack, key, content, stream=stream)
    sent, before = first.content, (records(stack), len(simulator(stack).requests))
    calls = len(stack.aws.calls)

    again = ask(stack, key, content, stream=stream)

    assert again.content == sent
    assert (again.status_code, told(again)) == (200, told(first))
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert stack.aws.calls[calls:] == REPLAY
    assert (records(stack), len(simulator(stack).requests)) == before
    if stream:
        assert again.content.endswith(b"data: [DONE]\n\n")


def test_a_request_with_a_key_costs_two_more_writes(stack: LocalStack, key: str) -> None:
    ask(stack, secrets.token_hex(16))
    calls = len(stack.aws.calls)

    ask(stack, key)

    assert stack.aws.calls[calls:] == [
        "DynamoDB.PutItem",  # the claim
        "DynamoDB.UpdateItem",
        "DynamoDB.PutItem",
        "DynamoDB.UpdateItem",
        "DynamoDB.PutItem",  # the answer
    ]


def test_many_at_once_make_one_upstream_call_and_get_one_answer(
    stack: LocalStack, key: str
) -> None:
    simulator(stack).faults.push(Fault(name="slow-headers", delay_s=1.0))
    before = len(simulator(stack).requests)

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda _: ask(stack, key), range(CLIENTS)))

    winners = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 409]
    assert len(winners) + len(refused) == CLIENTS
    assert {answer.content for answer in winners} == {ask(stack, key).content}
    assert all(answer.headers["Retry-After"] == "2" for answer in refused)
    assert len(simulator(stack).requests) == before + 1


def test_another_body_under_the_same_key_is_refused(stack: LocalStack, key: str) -> None:
    ask(stack, key)

    other = ask(stack, key, "something else")

    assert other.status_code == other.json()["error"]["code"] == 422


def test_a_large_answer_is_replayed_from_the_bucket(stack: LocalStack, key: str) -> None:
    content = random.Random(key).randbytes(500_000).hex()
    first = ask(stack, key, content)
    calls = len(stack.aws.calls)

    again = ask(stack, key, content)

    assert (first.status_code, again.content) == (200, first.content)
    assert len(first.content) > 1_000_000
    claim, fetch = stack.aws.calls[calls:]
    assert [claim] == REPLAY
    assert fetch.startswith("GET ")
    assert "/answers/" in fetch


def test_a_refused_request_starts_afresh(stack: LocalStack, key: str) -> None:
    simulator(stack).faults.push(Fault(name="status", code=429))

    first, second = ask(stack, key), ask(stack, key)

    assert (first.status_code, second.status_code) == (429, 200)
    assert "Idempotent-Replayed" not in second.headers


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_broke_off_is_not_paid_twice(
    stack: LocalStack, key: str, *, stream: bool
) -> None:
    simulator(stack).faults.push(Fault(name="cut"))
    first = ask(stack, key, stream=stream)
    sent, before = first.content, len(simulator(stack).requests)

    again = ask(stack, key, stream=stream)

    assert (again.status_code, again.content) == (first.status_code, sent)
    assert len(simulator(stack).requests) == before


def test_the_answer_is_kept_whole_when_the_client_leaves(stack: LocalStack, key: str) -> None:
    simulator(stack).faults.push(Fault(name="drip", interval_s=0.05, cap=12))
    with ask(stack, key, stream=True) as leaving:
        next(leaving.iter_content(64))
    generation_id = leaving.headers["X-Generation-Id"]

    wait_until(lambda: ask(stack, key, stream=True).status_code == 200)

    record = records(stack)[generation_id]
    assert (record.status, record.usage.completion_tokens) == (RecordStatus.COMPLETED, 12)
    again = ask(stack, key, stream=True)
    assert again.headers["X-Generation-Id"] == generation_id
    assert again.content.endswith(b"data: [DONE]\n\n")


def test_a_key_stays_claimed_when_its_request_is_killed(stack: LocalStack, key: str) -> None:
    simulator(stack).faults.push(Fault(name="drip", interval_s=0.05, cap=60))
    with ask(stack, key, stream=True) as killed:
        next(killed.iter_content(64))
        kill_workers(stack)

    again = ask(stack, key, stream=True)

    assert again.status_code == 409
    assert simulator(stack).ledger.wait_until_final(timeout_s=20)
    sweep(stack)  # others of this stack count the holds
