"""A cost that nobody knew is charged as soon as upstream tells it; then all books agree."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_socket
import requests

from local.simulator import Fault
from local.stack import LocalStack
from tests.support.stacks import (
    assert_books_balance,
    echo_stack,
    kill_workers,
    records,
    simulator,
    sweep,
    upstream_costs,
    wait_until,
)
from weir.domain.usage import RecordSource, RecordStatus, UsageRecord

HIDDEN_DRIP = Fault(name="drip", interval_s=0.05, cap=60, hidden_s=3600)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack with few tenants: a reconciliation reads all that there are."""
    pytest_socket.enable_socket()
    logs: Path = tmp_path_factory.mktemp("reconcile-logs")
    with echo_stack(logs) as running:
        yield running


def crash(stack: LocalStack) -> UsageRecord:
    """Kill a stream's function after its checkpoint; the sweep finds a cost that nobody knows."""
    sweep(stack)  # whatever another test has left behind
    before, writes = records(stack).keys(), len(stack.aws.calls)
    simulator(stack).faults.push(HIDDEN_DRIP)
    with requests.post(
        f"{stack.base_url}/chat/completions",
        json={
            "model": "weir/echo",
            "messages": [{"role": "user", "content": "hello"}],
            "stream": True,
        },
        headers={"Authorization": f"Bearer {stack.api_key}"},
        stream=True,
        timeout=30,
    ) as response:
        assert next(response.iter_content(1))
        # The checkpoint is the second write of this request.
        wait_until(lambda: stack.aws.calls[writes:].count("DynamoDB.UpdateItem") >= 2)
        kill_workers(stack)
    assert simulator(stack).ledger.wait_until_final(timeout_s=20)
    assert sweep(stack)["unknown"] == 1
    (new,) = records(stack).keys() - before
    return records(stack)[new]


def test_crashed_request_is_charged_once_upstream_tells_its_cost(stack: LocalStack) -> None:
    crashed = crash(stack)
    assert (crashed.status, crashed.price_nano_usd) == (RecordStatus.UNKNOWN, 0)

    hidden = stack.gateway.invoke("ReconcileFunction", {})
    simulator(stack).ledger.reveal()
    told = stack.gateway.invoke("ReconcileFunction", {})
    again = stack.gateway.invoke("ReconcileFunction", {})

    adjusted_by = records(stack)[crashed.generation_id].adjusted_by
    assert adjusted_by is not None
    adjustment = records(stack)[adjusted_by]
    assert adjustment.source is RecordSource.RECONCILIATION
    assert adjustment.upstream_generation_id == crashed.upstream_generation_id
    assert adjustment.usage.cost_nano_usd == sum(
        cost
        for upstream_id, cost in upstream_costs(stack).items()
        if upstream_id == crashed.upstream_generation_id
    )
    assert (hidden["resolved"], told["resolved"], again["resolved"]) == (0, 1, 0)
    assert hidden["unknown"] - told["unknown"] == 1
    assert told["upstream_books"] == "compared"
    assert (again["mismatches"], again["violations"], again["drifts"]) == ([], [], [])
    assert_books_balance(stack, swept=True)
