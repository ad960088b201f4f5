"""Keys and prompts leave no trace: not in answers, and (see conftest) not in logs or tables."""

import secrets

import pytest
import requests

from local.simulator import Fault
from local.stack import LocalStack
from tests.support.stacks import CANARY_KEY, CANARY_PROMPT, CANARY_USER, simulator

# What upstream does, and the statuses of a plain and of a streamed answer to it.
FAULTS = [
    (None, 200, 200),
    (Fault(name="status", code=400), 400, 400),
    (Fault(name="status", code=403), 403, 403),
    (Fault(name="status", code=429), 429, 429),
    (Fault(name="status", code=500), 500, 500),
    (Fault(name="html"), 502, 502),
    (Fault(name="cut"), 502, 200),
    (Fault(name="mid-stream-error"), 200, 200),
    (Fault(name="bad-json"), 502, 200),
    (Fault(name="rst"), 502, 502),
    (Fault(name="many-headers"), 502, 502),
    (Fault(name="gzip"), 502, 502),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "plain_status", "stream_status"),
    FAULTS,
    ids=lambda value: value.name if isinstance(value, Fault) else str(value),
)
def test_no_key_is_ever_in_an_answer(
    stack: LocalStack, fault: Fault | None, plain_status: int, stream_status: int, *, stream: bool
) -> None:
    marker = secrets.token_hex(8)
    if fault:
        simulator(stack).faults.push(fault)

    response = requests.post(
        f"{stack.base_url}/chat/completions",
        json={
            "model": "weir/echo",
            "messages": [{"role": "user", "content": f"{CANARY_PROMPT} {marker} more words"}],
            "user": CANARY_USER,
            "stream": stream,
        },
        headers={"Authorization": f"Bearer {stack.api_key}"},
        timeout=30,
    )

    sent = [request for request in simulator(stack).requests if marker.encode() in request.body]
    assert [request.method for request in sent] == ["POST"]
    assert response.status_code == (stream_status if stream else plain_status)
    whole = f"{response.headers}{response.text}"
    assert CANARY_KEY not in whole
    assert stack.api_key not in whole
    assert "sk-or-" not in whole
    assert CANARY_USER not in whole
    assert CANARY_USER.encode() not in sent[0].body


def test_a_refusal_does_not_quote_the_prompt(stack: LocalStack) -> None:
    response = requests.post(
        f"{stack.base_url}/chat/completions",
        json={"model": "weir/echo", "messages": [{"role": "robot", "content": CANARY_PROMPT}]},
        headers={"Authorization": f"Bearer {stack.api_key}"},
        timeout=30,
    )

    assert response.status_code == 400
    assert "CANARY" not in response.text


def test_the_tenants_own_ids_are_namespaced_upstream(stack: LocalStack) -> None:
    requests.post(
        f"{stack.base_url}/chat/completions",
        json={
            "model": "weir/echo",
            "messages": [{"role": "user", "content": "hello"}],
            "user": "alice@example.com",
        },
        headers={"Authorization": f"Bearer {stack.api_key}", "X-Session-Id": "my-session"},
        timeout=30,
    )

    sent = simulator(stack).requests[-1]
    assert b"alice" not in sent.body
    assert sent.header("X-Session-Id") not in {None, "my-session"}
    assert sent.header("Authorization") != f"Bearer {stack.api_key}"
