"""Requests for text completions by a local stack, and what must hold once one has ended."""

import json
from collections.abc import Mapping
from typing import Any

import requests

from local.stack import LocalStack
from tests.support.stacks import (
    assert_books_balance,
    records,
    simulator,
    sweep,
    upstream_costs,
    wait_until,
)
from weir.domain.usage import RecordSource, RecordStatus, UsageRecord

MODEL = "weir/echo"
PROMPT = "one two three"


def ask(stack: LocalStack, *, key: str | None = None, **fields: Any) -> requests.Response:
    return requests.post(
        f"{stack.base_url}/completions",
        json={"model": MODEL, "prompt": PROMPT, **fields},
        headers={"Authorization": f"Bearer {key or stack.api_key}"},
        timeout=30,
    )


def last_event(text: str) -> Mapping[str, Any]:
    event: Mapping[str, Any] = json.loads(text.rstrip().rpartition("data: ")[2])
    return event


def assert_settled(
    stack: LocalStack, generation_id: str, status: RecordStatus = RecordStatus.COMPLETED
) -> UsageRecord:
    """Check the request's one record, its cost at upstream, and all books."""
    assert simulator(stack).ledger.wait_until_final()
    wait_until(lambda: generation_id in records(stack))
    sweep(stack)
    record = records(stack)[generation_id]
    assert (record.status, record.source) == (status, RecordSource.REQUEST)
    if status is RecordStatus.FAILED:
        assert record.usage.cost_nano_usd == 0
    else:
        assert record.upstream_generation_id is not None
        assert record.usage.cost_nano_usd == upstream_costs(stack)[record.upstream_generation_id]
    assert record.estimate_nano_usd >= record.usage.cost_nano_usd
    assert_books_balance(stack, swept=True)
    return record
