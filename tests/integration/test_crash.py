"""SIGKILL in mid-stream: the sweep finds upstream's real cost."""

import json
import socket

from local.simulator import Fault
from local.stack import LocalStack
from tests.support.stacks import (
    assert_books_balance,
    kill_workers,
    records,
    simulator,
    sweep,
    upstream_costs,
)
from weir.domain.usage import RecordSource, RecordStatus


def open_stream(stack: LocalStack) -> socket.socket:
    simulator(stack).faults.push(Fault(name="drip", interval_s=0.05, cap=60))
    body = json.dumps(
        {
            "model": "weir/echo",
            "messages": [{"role": "user", "content": "hello"}],
            "stream": True,
        }
    ).encode()
    host, port = stack.gateway.url.removeprefix("http://").split(":")
    client = socket.create_connection((host, int(port)), timeout=20)
    client.sendall(
        b"POST /api/v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
        % (stack.api_key.encode(), len(body), body)
    )
    return client


def test_a_killed_request_is_settled_at_upstreams_cost_by_the_sweep(stack: LocalStack) -> None:
    sweep(stack)  # whatever another test has left behind
    before = records(stack).keys()
    writes = len(stack.aws.calls)

    with open_stream(stack) as client:
        while b"data: " not in client.recv(65536):
            pass
        # The checkpoint is the second write of this request.
        while stack.aws.calls[writes:].count("DynamoDB.UpdateItem") < 2:
            assert client.recv(65536)
        kill_workers(stack)
        while client.recv(65536):
            pass

    assert records(stack).keys() == before
    assert simulator(stack).ledger.wait_until_final(timeout_s=20)
    assert sweep(stack)["settled"] == 1
    (new,) = records(stack).keys() - before
    record = records(stack)[new]
    assert (record.status, record.source) == (RecordStatus.INTERRUPTED, RecordSource.SWEEP)
    assert record.upstream_generation_id is not None
    assert record.usage.cost_nano_usd == upstream_costs(stack)[record.upstream_generation_id] > 0
    assert set(sweep(stack).values()) == {0}
    assert_books_balance(stack, swept=True)
