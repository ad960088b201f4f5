"""One Idempotency-Key, 32 clients at once: one upstream call, one charge, one answer for all."""

import secrets
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Barrier

import pytest
import pytest_socket
import requests

from local.simulator import Fault
from local.stack import LocalStack
from tests.support.stacks import records, simulator, upstream_costs
from tests.support.storm_stack import stormy_stack
from weir.services.audit import audit

pytestmark = pytest.mark.chaos

CLIENTS = 32
ATTEMPTS = 30


@dataclass(frozen=True)
class Answered:
    """What a client got in the end, and how it was told to wait before."""

    body: bytes
    generation_id: str
    replayed: bool
    waited: tuple[str, ...]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    pytest_socket.enable_socket()
    logs = tmp_path_factory.mktemp("same-key-logs")
    # On a busy machine 32 processes that start at once take longer than the usual deadline.
    with stormy_stack(logs, UpstreamDeadlineSeconds="40", ChatTimeoutSeconds="60") as (running, _):
        yield running
        report = audit(running.books.ledger, upstream=upstream_costs(running))
        assert report.violations == ()


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_all_get_the_one_answer_when_many_send_the_same_key(
    stack: LocalStack, *, stream: bool
) -> None:
    key, before = secrets.token_hex(16), (len(sent_upstream(stack)), len(records(stack)))
    simulator(stack).faults.push(Fault(name="drip", interval_s=0.05, cap=30))
    start, began = Barrier(CLIENTS), time.monotonic()

    with ThreadPoolExecutor(CLIENTS) as pool:
        ask = partial(ask_until_answered, stack, key, start, stream=stream)
        answers = [client.result() for client in [pool.submit(ask) for _ in range(CLIENTS)]]

    waits = Counter(wait for answer in answers for wait in answer.waited)
    kind = "streamed" if stream else "plain"
    print(
        f"\nsame key, {kind}: {CLIENTS} clients, "
        f"{sum(answer.replayed for answer in answers)} replays, told to wait (s): {dict(waits)}; "
        f"{time.monotonic() - began:.1f} s"
    )
    assert (len(sent_upstream(stack)), len(records(stack))) == (before[0] + 1, before[1] + 1)
    assert len({answer.body for answer in answers}) == 1
    (generation_id,) = {answer.generation_id for answer in answers}
    assert generation_id in records(stack)
    assert [answer.replayed for answer in answers].count(False) == 1
    assert answers[0].body.endswith(b"data: [DONE]\n\n") is stream


def sent_upstream(stack: LocalStack) -> list[str]:
    """What cost money; every sandbox asks for the prices as well."""
    paths = [received.path for received in simulator(stack).requests]
    return [path for path in paths if path.endswith("/chat/completions")]


def ask_until_answered(stack: LocalStack, key: str, start: Barrier, *, stream: bool) -> Answered:
    """Ask, and ask again after as long as a refusal says."""
    waited: list[str] = []
    start.wait()
    for _ in range(ATTEMPTS):
        answer = requests.post(
            f"{stack.base_url}/chat/completions",
            json={
                "model": "weir/echo",
                "messages": [{"role": "user", "content": "word " * 30}],
                "stream": stream,
            },
            headers={"Authorization": f"Bearer {stack.api_key}", "Idempotency-Key": key},
            timeout=90,
        )
        if answer.status_code == 200:
            return Answered(
                body=answer.content,
                generation_id=answer.headers["X-Generation-Id"],
                replayed="Idempotent-Replayed" in answer.headers,
                waited=tuple(waited),
            )
        assert answer.status_code == 409, answer.text
        waited.append(answer.headers["Retry-After"])
        time.sleep(int(waited[-1]))
    raise AssertionError("never answered")
