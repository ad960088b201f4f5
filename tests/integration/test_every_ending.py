"""However a request ends: one usage record, no hold after the sweep, books that balance."""

import json
import socket
from collections.abc import Mapping
from typing import Any

import pytest
import requests

from local.simulator import Fault
from local.stack import LocalStack
from tests.support.stacks import (
    assert_books_balance,
    record_of,
    records,
    simulator,
    sweep,
    upstream_costs,
    wait_until,
)
from weir.domain.usage import RecordSource, RecordStatus

COMPLETED, FAILED = RecordStatus.COMPLETED, RecordStatus.FAILED
INTERRUPTED, UNKNOWN = RecordStatus.INTERRUPTED, RecordStatus.UNKNOWN


def ask(
    stack: LocalStack, fault: Fault | None = None, *, stream: bool = False, words: int = 6
) -> requests.Response:
    if fault is not None:
        simulator(stack).faults.push(fault)
    body = {
        "model": "weir/echo",
        "messages": [{"role": "user", "content": "word " * words}],
        "stream": stream,
    }
    return requests.post(
        f"{stack.base_url}/chat/completions",
        json=body,
        headers={"Authorization": f"Bearer {stack.api_key}"},
        timeout=30,
    )


def events(response: requests.Response) -> list[Mapping[str, Any]]:
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n")]
    return [json.loads(line) for line in lines if line.startswith("{")]


def assert_settled(
    stack: LocalStack,
    response: requests.Response,
    status: RecordStatus,
    source: RecordSource = RecordSource.REQUEST,
) -> None:
    """Check the request's one record, who wrote it, and its cost at upstream.

    All books together are audited when the session ends.
    """
    generation_id = response.headers["X-Generation-Id"]
    assert simulator(stack).ledger.wait_until_final()
    assert (record_of(stack, generation_id) is not None) is (source is RecordSource.REQUEST)
    sweep(stack)
    found = record_of(stack, generation_id)
    assert found is not None
    assert (found.status, found.source) == (status, source)
    if status in {COMPLETED, INTERRUPTED}:
        assert found.upstream_generation_id is not None
        assert found.usage.cost_nano_usd == upstream_costs(stack)[found.upstream_generation_id]
    else:
        assert found.usage.cost_nano_usd == 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_good_answer_is_charged_as_upstream_says(stack: LocalStack, *, stream: bool) -> None:
    response = ask(stack, stream=stream)

    assert response.status_code == 200
    assert_settled(stack, response, COMPLETED)
    assert records(stack)[response.headers["X-Generation-Id"]].usage.cost_nano_usd > 0


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("code", "seen"),
    [
        (400, 400), (402, 503), (403, 403), (404, 404), (413, 413), (422, 422), (429, 429),
        (500, 500), (502, 502), (503, 503), (529, 529),
    ],
)  # fmt: skip
def test_an_upstream_error_costs_nothing(
    stack: LocalStack, code: int, seen: int, *, stream: bool
) -> None:
    response = ask(stack, Fault(name="status", code=code), stream=stream)

    error = response.json()["error"]
    assert response.status_code == error["code"] == seen
    assert response.headers["Content-Type"] == "application/json"
    assert_settled(stack, response, FAILED)


@pytest.mark.parametrize("code", [408, 524])
def test_a_timeout_at_upstreams_edge_may_have_cost_something(stack: LocalStack, code: int) -> None:
    response = ask(stack, Fault(name="status", code=code))

    assert response.status_code == response.json()["error"]["code"] == code
    assert_settled(stack, response, UNKNOWN, RecordSource.SWEEP)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(name="mid-stream-error"),
        Fault(name="first-event-error"),
        Fault(name="cut"),
        Fault(name="rst", chunks=2),
        Fault(name="bad-json"),
        Fault(name="drip", interval_s=0.2),
        Fault(name="silence", pause_s=30),
    ],
    ids=lambda fault: fault.name,
)
def test_a_stream_that_breaks_ends_in_an_error_event(stack: LocalStack, fault: Fault) -> None:
    response = ask(stack, fault, stream=True)

    last = events(response)[-1]
    assert response.status_code == 200
    assert isinstance(last["error"]["code"], int)
    assert last["choices"][0]["finish_reason"] == "error"
    assert last["id"] == response.headers["X-Generation-Id"]
    assert "[DONE]" not in response.text
    assert_settled(stack, response, INTERRUPTED)


def test_a_client_is_kept_company_while_upstream_is_silent(stack: LocalStack) -> None:
    response = ask(stack, Fault(name="silence", pause_s=3), stream=True)

    between = response.text.partition("data: ")[2]
    assert ": OPENROUTER PROCESSING" in between
    assert response.text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("fault", "status"),
    [("no-usage", INTERRUPTED), ("no-done", COMPLETED), ("no-generation-header", COMPLETED)],
)
def test_a_stream_that_is_only_unusual_is_complete(
    stack: LocalStack, fault: str, status: RecordStatus
) -> None:
    response = ask(stack, Fault(name=fault), stream=True)

    assert response.text.endswith("data: [DONE]\n\n")
    assert all("error" not in event for event in events(response))
    assert_settled(stack, response, status)
    assert records(stack)[response.headers["X-Generation-Id"]].usage.cost_nano_usd > 0


@pytest.mark.parametrize(
    ("fault", "seen", "status"),
    [
        (Fault(name="cut"), 502, INTERRUPTED),
        (Fault(name="cut", content_length=False), 502, INTERRUPTED),
        (Fault(name="bad-json"), 502, INTERRUPTED),
        (Fault(name="gzip"), 502, INTERRUPTED),
        (Fault(name="html", code=200), 502, UNKNOWN),
        (Fault(name="html"), 502, FAILED),
        (Fault(name="redirect"), 502, FAILED),
        (Fault(name="rst"), 502, UNKNOWN),
        (Fault(name="drip", interval_s=0.2), 408, INTERRUPTED),
        (Fault(name="never"), 408, UNKNOWN),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else str(value),
)
def test_a_plain_answer_that_breaks_is_an_error_with_its_status(
    stack: LocalStack, fault: Fault, seen: int, status: RecordStatus
) -> None:
    response = ask(stack, fault)

    assert response.status_code == response.json()["error"]["code"] == seen
    assert response.json()["error"]["message"]
    assert_settled(stack, response, status)


def test_an_error_inside_a_200_gets_its_own_status(stack: LocalStack) -> None:
    response = ask(stack, Fault(name="error-in-200"))

    assert response.status_code == response.json()["error"]["code"] >= 400
    assert_settled(stack, response, UNKNOWN, RecordSource.SWEEP)


def test_a_client_that_leaves_mid_stream_is_charged_what_upstream_charged(
    stack: LocalStack,
) -> None:
    before = records(stack).keys()
    simulator(stack).faults.push(Fault(name="drip", interval_s=0.05, cap=40))
    body = json.dumps(
        {
            "model": "weir/echo",
            "messages": [{"role": "user", "content": "hello"}],
            "stream": True,
        }
    ).encode()
    host, port = stack.gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.sendall(
            b"POST /api/v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
            b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
            % (stack.api_key.encode(), len(body), body)
        )
        while b"data: " not in client.recv(4096):
            pass

    assert simulator(stack).ledger.wait_until_final(timeout_s=20)
    wait_until(lambda: bool(records(stack).keys() - before))
    (new,) = records(stack).keys() - before
    record = records(stack)[new]
    assert record.upstream_generation_id is not None
    assert record.usage.cost_nano_usd == upstream_costs(stack)[record.upstream_generation_id] > 0
    assert_books_balance(stack, swept=True)
