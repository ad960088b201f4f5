"""The local stack for tests: the deployed template, real worker processes, the echo simulator."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.seed import DEMO_TENANT
from local.simulator import Simulator
from local.stack import LocalStack, StackOptions
from weir.adapters.dynamodb.usage_records import DynamoDBUsageRecords
from weir.domain.generations import GenerationId
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord
from weir.services.audit import audit

CANARY_KEY = "sk-or-v1-CANARY" + "c" * 58
CANARY_PROMPT = "PROMPT-CANARY-é😀"
CANARY_USER = "USER-CANARY@example.com"

QUICK = {
    "LogLevel": "DEBUG",
    "CheckpointAfterSeconds": "0.2",
    "CancelPollSeconds": "0.2",
    "UpstreamDeadlineSeconds": "5",
    "ChatTimeoutSeconds": "30",
}
SWEEP_AT_ONCE = {"SweepFunction": {"CHAT_TIMEOUT_S": "0", "SWEEP_MARGIN_S": "0"}}
TABLES = ("AccountsTable", "UsageTable", "ControlTable", "RollupsTable", "EphemeralTable")
# A tenant's key and an upstream key, also one that a test made up and forgot.
KEY = re.compile(r"sk-or-v1-[0-9a-fA-F]{16}|sk-weir-v1-[0-9a-f]{16}")


@contextmanager
def echo_stack(
    logs: Path,
    *,
    parameters: Mapping[str, str] | None = None,
    variables: Mapping[str, Mapping[str, str]] | None = None,
) -> Iterator[LocalStack]:
    """Bring up a stack whose upstream is the deterministic echo model."""
    options = StackOptions(
        model="echo",
        parameters={**QUICK, **(parameters or {})},
        variables={**SWEEP_AT_ONCE, **(variables or {})},
        schedules=False,
        pumps=False,
        note_aws_calls=True,
        logs=logs,
        simulator_key=CANARY_KEY,
        say=lambda _line: None,
    )
    with LocalStack(options) as stack:
        yield stack


def simulator(stack: LocalStack) -> Simulator:
    """Return the stack's upstream."""
    assert stack.simulator is not None
    return stack.simulator


def records(stack: LocalStack) -> dict[str, UsageRecord]:
    """Return every usage record by generation id."""
    return {record.generation_id: record for record in stack.books.ledger.records()}


def record_of(
    stack: LocalStack, generation_id: str, *, tenant_id: TenantId = DEMO_TENANT
) -> UsageRecord | None:
    """Return the usage record of one request, by one read however many there are."""
    stored = DynamoDBUsageRecords(stack.database, usage_table=stack.tables["UsageTable"])
    return stored.find(tenant_id, GenerationId(generation_id))


def sweep(stack: LocalStack) -> dict[str, int]:
    """Run the deployed sweep function once; the test stack's holds have no grace."""
    counts: dict[str, int] = stack.gateway.invoke("SweepFunction", {})
    return counts


def wait_until(condition: Callable[[], bool], *, timeout_s: float = 20) -> None:
    """Poll for something that another process is about to do."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def assert_no_canary(stack: LocalStack, logs: Path) -> None:
    """Search every log line, metric and table for keys and prompts that must not be there.

    An end user may be named in a table, because tenants meter by them, but in no log.
    """
    secrets = (
        CANARY_KEY,
        stack.api_key,
        stack.management_key,
        stack.operator_key,
        "PROMPT-CANARY",
    )
    text = "".join(path.read_text(errors="replace") for path in logs.iterdir())
    assert "settled" in text
    assert "USER-CANARY" not in text
    for table in TABLES:
        for page in stack.database.pages("Scan", {"TableName": stack.tables[table]}):
            text += str(page["Items"])

    for secret in secrets:
        assert secret not in text
    assert not KEY.findall(text)


def kill_workers(stack: LocalStack) -> None:
    """SIGKILL every process of the chat function, and see them gone."""
    victims = set(stack.gateway.worker_pids("ChatFunction"))
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not victims & set(stack.gateway.worker_pids("ChatFunction")))


def upstream_costs(stack: LocalStack) -> dict[str, NanoUsd]:
    """Return what the simulator's own ledger says, by its generation id."""
    return {entry.id: NanoUsd(entry.cost_nano_usd) for entry in simulator(stack).ledger.entries()}


def assert_books_balance(stack: LocalStack, *, swept: bool = False) -> None:
    """Audit the whole ledger against the simulator's own.

    With `swept`, what other tests have left behind is swept first, and no hold may be open then.
    """
    if swept:
        sweep(stack)
    report = audit(stack.books.ledger, upstream=upstream_costs(stack), swept=swept)

    assert report.violations == ()
