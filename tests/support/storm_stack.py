"""The whole stack in a storm: its DynamoDB runs writers at once and can stop answering."""

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

from local.gateway import InvocationError
from local.ministack import MiniStack
from local.stack import LocalStack, StackOptions
from tests.support.stacks import CANARY_KEY, QUICK

LIFE_S = 30
"""The longest life of a request; the template takes no shorter one."""

MARGIN_S = 2
# A worker younger than this is most likely starting still: killing it proves nothing.
WARM_AFTER_S = 2.0


class MortalMiniStack(MiniStack):
    """A MiniStack that can be out of reach for a while; what it was sent, it does late."""

    def outage(self, seconds: float) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            self._process.send_signal(signal.SIGCONT)


@contextmanager
def stormy_stack(
    logs: Path, *, pumps: bool = True, **parameters: str
) -> Iterator[tuple[LocalStack, MortalMiniStack]]:
    """Bring up a stack over MiniStack, with holds that are swept when no request can be alive."""
    ministack = MortalMiniStack()
    options = StackOptions(
        model="echo",
        parameters={**QUICK, "ChatTimeoutSeconds": str(LIFE_S), **parameters},
        variables={"SweepFunction": {"SWEEP_MARGIN_S": str(MARGIN_S)}},
        schedules=False,
        pumps=pumps,
        dynamodb="ministack",
        logs=logs,
        simulator_key=CANARY_KEY,
        say=lambda _line: None,
    )
    with patch("local.stack.MiniStack", lambda: ministack), LocalStack(options) as stack:
        yield stack, ministack


class Killer:
    """Kills workers of functions that have been at work for a while; counts them by function."""

    def __init__(self, stack: LocalStack, *, seed: int) -> None:
        self.killed: Counter[str] = Counter()
        self._stack = stack
        self._chance = random.Random(seed)
        self._first_seen: dict[int, float] = {}

    def kill(self, function: str) -> bool:
        """Kill one worker at work; False when none is."""
        now = time.monotonic()
        pids = self._stack.gateway.worker_pids(function)
        warm = [pid for pid in pids if now - self._first_seen.setdefault(pid, now) >= WARM_AFTER_S]
        if not warm:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._chance.choice(warm), signal.SIGKILL)
            self.killed[function] += 1
        return True


class Invoker:
    """Invokes a function again and again in a thread, as its schedule does; it may be killed."""

    def __init__(self, stack: LocalStack, function: str, *, every_s: float) -> None:
        self.told: Counter[str] = Counter()
        self._stack = stack
        self._function = function
        self._every_s = every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"storm-{function}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            try:
                counts: Mapping[str, Any] = self._stack.gateway.invoke(self._function, {})
            except InvocationError:
                self.told["broken off"] += 1
            else:
                self.told["runs"] += 1
                self.told.update({name: int(count) for name, count in counts.items()})
