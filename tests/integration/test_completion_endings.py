"""However a request for a text ends: one record at upstream's cost, no hold, books that balance."""

import json
import socket

import pytest
import requests

from local.simulator import Fault
from local.simulator.ledger import Status
from local.stack import LocalStack
from tests.support.completion_calls import MODEL, PROMPT, ask, assert_settled, last_event
from tests.support.stacks import (
    assert_books_balance,
    records,
    simulator,
    upstream_costs,
    wait_until,
)
from weir.domain.usage import RecordStatus

COMPLETED, FAILED = RecordStatus.COMPLETED, RecordStatus.FAILED
INTERRUPTED, CANCELLED = RecordStatus.INTERRUPTED, RecordStatus.CANCELLED
STREAM_FAULTS = ("mid-stream-error", "first-event-error", "cut", "bad-json")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("code", "seen"), [(400, 400), (402, 503), (500, 500)])
def test_an_upstream_error_costs_nothing(
    stack: LocalStack, code: int, seen: int, *, stream: bool
) -> None:
    simulator(stack).faults.push(Fault(name="status", code=code))

    response = ask(stack, stream=stream)

    assert response.status_code == response.json()["error"]["code"] == seen
    assert_settled(stack, response.headers["X-Generation-Id"], FAILED)


@pytest.mark.parametrize("fault", STREAM_FAULTS)
def test_a_stream_that_breaks_ends_in_an_error_event(stack: LocalStack, fault: str) -> None:
    simulator(stack).faults.push(Fault(name=fault))

    response = ask(stack, stream=True)

    event = last_event(response.text)
    assert response.status_code == 200
    assert "[DONE]" not in response.text
    assert isinstance(event["error"]["code"], int)
    assert (event["object"], event["id"]) == (
        "text_completion",
        response.headers["X-Generation-Id"],
    )
    (choice,) = event["choices"]
    assert (choice["text"], choice["finish_reason"]) == ("", "error")
    assert_settled(stack, response.headers["X-Generation-Id"], INTERRUPTED)


@pytest.mark.parametrize("fault", ["cut", "bad-json", "gzip"])
def test_a_plain_answer_that_breaks_is_an_error_with_its_status(
    stack: LocalStack, fault: str
) -> None:
    simulator(stack).faults.push(Fault(name=fault))

    response = ask(stack)

    assert response.status_code == response.json()["error"]["code"] == 502
    assert_settled(stack, response.headers["X-Generation-Id"], INTERRUPTED)


@pytest.mark.parametrize("fault", ["no-usage", "no-done"])
def test_a_stream_that_is_only_unusual_is_complete(stack: LocalStack, fault: str) -> None:
    simulator(stack).faults.push(Fault(name=fault))

    response = ask(stack, stream=True)

    assert response.text.endswith("data: [DONE]\n\n")
    status = INTERRUPTED if fault == "no-usage" else COMPLETED
    assert_settled(stack, response.headers["X-Generation-Id"], status)


def test_a_cancelled_stream_is_charged_what_it_cost(stack: LocalStack) -> None:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    # The function that cancels is awake then: the stream does not wait for it to start.
    absent = requests.post(f"{stack.base_url}/generation/gen-1/cancel", headers=headers, timeout=30)
    assert absent.status_code == 404
    simulator(stack).faults.push(Fault(name="drip", interval_s=0.05, cap=80))
    body = {"model": MODEL, "prompt": PROMPT, "stream": True}
    with requests.post(
        f"{stack.base_url}/completions", json=body, headers=headers, stream=True, timeout=30
    ) as response:
        generation_id = response.headers["X-Generation-Id"]
        cancelled = requests.post(
            f"{stack.base_url}/generation/{generation_id}/cancel", headers=headers, timeout=30
        )
        event = last_event(response.text)

    assert cancelled.status_code == 200
    assert (event["error"]["code"], event["object"]) == (499, "text_completion")
    record = assert_settled(stack, generation_id, CANCELLED)
    entry = simulator(stack).ledger.find(record.upstream_generation_id or "")
    assert entry is not None
    assert entry.status is Status.CANCELLED


def test_a_client_that_leaves_is_charged_what_upstream_charged(stack: LocalStack) -> None:
    before = records(stack).keys()
    simulator(stack).faults.push(Fault(name="drip", interval_s=0.05, cap=40))
    body = json.dumps({"model": MODEL, "prompt": PROMPT, "stream": True}).encode()
    host, port = stack.gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(
            b"POST /api/v1/completions HTTP/1.1\r\nHost: x\r\n"
            b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
            % (stack.api_key.encode(), len(body), body)
        )
        while b"data: " not in connection.recv(4096):
            pass

    assert simulator(stack).ledger.wait_until_final(timeout_s=20)
    wait_until(lambda: bool(records(stack).keys() - before))
    (new,) = records(stack).keys() - before
    record = records(stack)[new]
    assert record.usage.cost_nano_usd == upstream_costs(stack)[record.upstream_generation_id or ""]
    assert record.usage.cost_nano_usd > 0
    assert_books_balance(stack, swept=True)
