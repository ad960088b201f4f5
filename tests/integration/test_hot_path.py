"""What a warm request costs: calls, connections, and the order of both."""

import threading

import requests

from local.simulator import Fault
from local.stack import LocalStack
from tests.support.stacks import simulator

BODY = {"model": "weir/echo", "messages": [{"role": "user", "content": "hello"}]}


def ask(stack: LocalStack) -> requests.Response:
    return requests.post(
        f"{stack.base_url}/chat/completions",
        json=BODY,
        headers={"Authorization": f"Bearer {stack.api_key}"},
        timeout=30,
    )


def test_a_warm_request_makes_three_writes_and_no_read(stack: LocalStack) -> None:
    assert ask(stack).status_code == 200
    before = len(stack.aws.calls)

    assert ask(stack).status_code == 200

    calls = stack.aws.calls[before:]
    assert calls == ["DynamoDB.UpdateItem", "DynamoDB.PutItem", "DynamoDB.UpdateItem"]


def test_exactly_one_write_happens_before_the_upstream_call(stack: LocalStack) -> None:
    assert ask(stack).status_code == 200
    upstream = simulator(stack)
    upstream.faults.push(Fault(name="slow-headers", delay_s=1.0))
    aws_before, upstream_before = len(stack.aws.calls), len(upstream.requests)
    client = threading.Thread(target=ask, args=(stack,))

    client.start()
    while len(upstream.requests) == upstream_before and client.is_alive():
        client.join(0.01)
    calls = stack.aws.calls[aws_before:]
    client.join()

    assert calls == ["DynamoDB.UpdateItem"]


def test_a_warm_request_opens_no_connection(stack: LocalStack) -> None:
    for _ in range(2):
        assert ask(stack).status_code == 200
    before = simulator(stack).connections

    for _ in range(5):
        assert ask(stack).status_code == 200

    assert simulator(stack).connections == before
