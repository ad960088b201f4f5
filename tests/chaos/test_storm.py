"""A storm on the local stack: many clients, random faults, and workers that die at any moment."""

import contextlib
import os
import random
import signal
import threading
from collections import Counter
from pathlib import Path

import pytest
import requests

from local.simulator import Fault
from local.stack import LocalStack
from tests.support.stacks import (
    assert_books_balance,
    assert_no_canary,
    echo_stack,
    records,
    simulator,
    sweep,
    upstream_costs,
)
from weir.domain.usage import RecordStatus

pytestmark = pytest.mark.chaos

REQUESTS, CLIENTS, KILLS = 240, 8, 24
FAULTS = (
    Fault(name="cut"),
    Fault(name="mid-stream-error"),
    Fault(name="no-usage"),
    Fault(name="status", code=429),
    Fault(name="silence", pause_s=0.6),
    Fault(name="drip", interval_s=0.03, cap=40),
)
WEIGHTS = (1, 1, 1, 1, 3, 5)


def test_every_hold_is_settled_once_when_workers_are_killed(tmp_path: Path) -> None:
    chance = random.Random(7)
    with echo_stack(tmp_path) as stack:
        simulator(stack).faults.push(*chance.choices(FAULTS, WEIGHTS, k=REQUESTS))
        clients = [threading.Thread(target=send, args=(stack, seed)) for seed in range(CLIENTS)]
        for client in clients:
            client.start()
        killed = kill_now_and_then(stack, chance, clients)
        for client in clients:
            client.join()

        assert simulator(stack).ledger.wait_until_final(timeout_s=30)
        first, second = sweep(stack), sweep(stack)
        kept = records(stack).values()
        named = {record.upstream_generation_id for record in kept}
        drift = sum(cost for key, cost in upstream_costs(stack).items() if key not in named)
        report(kept=Counter(record.status for record in kept), killed=killed, first=first)
        assert second == dict.fromkeys(second, 0)
        assert_books_balance(stack, swept=True)
        assert_no_canary(stack, tmp_path)
        unknown = [record for record in kept if record.status is RecordStatus.UNKNOWN]
        assert drift == 0 or unknown


def send(stack: LocalStack, seed: int) -> None:
    """Send this client's share; answers may be cut, refused or whole."""
    chance = random.Random(seed)
    for _ in range(REQUESTS // CLIENTS):
        body = {
            "model": "weir/echo",
            "messages": [{"role": "user", "content": "word " * chance.randint(1, 40)}],
            "stream": chance.random() < 0.6,
        }
        try:
            requests.post(
                f"{stack.base_url}/chat/completions",
                json=body,
                headers={"Authorization": f"Bearer {stack.api_key}"},
                timeout=60,
            )
        except requests.RequestException:
            continue  # the worker was killed in mid-answer: what the storm is about


def kill_now_and_then(
    stack: LocalStack, chance: random.Random, clients: list[threading.Thread]
) -> int:
    """SIGKILL a random worker every now and then while clients are busy; return how many."""
    killed = 0
    while killed < KILLS and any(client.is_alive() for client in clients):
        clients[0].join(chance.uniform(0.05, 0.4))
        if pids := stack.gateway.worker_pids("ChatFunction"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(pids), signal.SIGKILL)
            killed += 1
    return killed


def report(*, kept: Counter[RecordStatus], killed: int, first: dict[str, int]) -> None:
    """Print the figures of the storm, for the person who runs it."""
    figures = ", ".join(f"{count} {status}" for status, count in sorted(kept.items()))
    print(f"\nstorm: {REQUESTS} requests, {killed} kills; records: {figures}; swept: {first}")
