"""Keys and prompts leave no trace: not in answers, and (see conftest) not in logs or tables."""

import pytest
import requests

from local.simulator import Fault
from local.stack import LocalStack
from tests.support.stacks import CANARY_KEY, CANARY_PROMPT, simulator

FAULTS = [
    None,
    Fault(name="status", code=400),
    Fault(name="status", code=403),
    Fault(name="status", code=429),
    Fault(name="status", code=500),
    Fault(name="html"),
    Fault(name="cut"),
    Fault(name="mid-stream-error"),
    Fault(name="bad-json"),
    Fault(name="rst"),
    Fault(name="many-headers"),
    Fault(name="gzip"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name if fault else "none")
def test_no_key_is_ever_in_an_answer(
    stack: LocalStack, fault: Fault | None, *, stream: bool
) -> None:
    if fault:
        simulator(stack).faults.push(fault)

    response = requests.post(
        f"{stack.base_url}/chat/completions",
        json={
            "model": "weir/echo",
            "messages": [{"role": "user", "content": f"{CANARY_PROMPT} and more words"}],
            "user": f"user-{CANARY_PROMPT}",
            "stream": stream,
        },
        headers={"Authorization": f"Bearer {stack.api_key}"},
        timeout=30,
    )

    whole = f"{response.headers}{response.text}"
    assert CANARY_KEY not in whole
    assert stack.api_key not in whole
    assert "sk-or-" not in whole
    assert f"user-{CANARY_PROMPT}" not in whole


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
