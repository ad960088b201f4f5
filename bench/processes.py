"""Processes under test and beside it: started, measured through Linux' own counters, stopped."""

import http.client
import json
import os
import queue
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from bench.runtime_api import Answer, RuntimeApi

ROOT = Path(__file__).parents[1]
START_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 60.0

_HIGH_WATER = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)
_POLL_S = 0.5
_STOP_S = 5.0
_SHOWN_LOG_CHARS = 3_000

T = TypeVar("T")


class BenchError(Exception):
    """A process under test failed; a figure taken from it would be wrong."""


class Stub:
    """A stand-in that runs as `python -m <module>` and ends with this process."""

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        if not port:
            self.close()
            raise BenchError(f"{module} did not start")
        self.port = int(port)
        self.url = f"http://127.0.0.1:{self.port}"
        # One connection for all questions, so that asking never counts as a new one.
        self._control = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def stats(self) -> dict[str, Any]:
        """Ask what it has counted so far."""
        self._control.request("GET", "/stats")
        answer: dict[str, Any] = json.loads(self._control.getresponse().read())
        return answer

    def close(self) -> None:
        """Stop it."""
        if hasattr(self, "_control"):
            self._control.close()
        _stop(self._process)


class Function:
    """A function in its runtime process, with a Runtime API of its own.

    Attributes:
        init_ms: Wall time from the start of the process to its first question for an event.
        init_cpu_ms: CPU it took until then, interpreter included.
    """

    def __init__(self, name: str, *, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._log = log
        self._api = RuntimeApi()
        self._started_s = time.perf_counter()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                # -S: only what PYTHONPATH names is found, nothing of the development environment.
                [sys.executable, "-S", "-m", "lambda_stream"],
                cwd=environment["LAMBDA_TASK_ROOT"],
                env={**environment, "AWS_LAMBDA_RUNTIME_API": self._api.address},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            polled_s = self._take(self._api.polls, timeout_s=START_TIMEOUT_S)
        except BaseException:
            self.close()
            raise
        self.init_ms = (polled_s - self._started_s) * 1000
        self.init_cpu_ms = self.cpu_ms()

    def invoke(self, event: bytes) -> Answer:
        """Run one event to its end, until the process asks for the next one.

        Raises:
            BenchError: The function failed, or took longer than a minute.
        """
        self._api.submit(event)
        answer = self._take(self._api.answers, timeout_s=ANSWER_TIMEOUT_S)
        self._take(self._api.polls, timeout_s=ANSWER_TIMEOUT_S)
        if not answer.target.endswith("/response") or b'"statusCode":200' not in answer.prelude:
            shown = (answer.prelude + answer.body)[:500].decode(errors="replace")
            raise BenchError(f"{self.name} answered {shown}\n{self._tail()}")
        return answer

    def since_start_ms(self, moment_s: float) -> float:
        """Return the milliseconds from the start of the process to a moment of its life."""
        return (moment_s - self._started_s) * 1000

    def cpu_ms(self) -> float:
        """Return user and system time of all its threads so far."""
        # Linux' encoding of "the CPU clock of that process": nanoseconds, where /proc has ticks.
        return time.clock_gettime((~self._process.pid << 3) | 2) * 1000

    def peak_mb(self) -> float:
        """Return the highest resident memory so far."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = _HIGH_WATER.search(status)
        assert found is not None
        return int(found[1]) / 1024

    def close(self) -> None:
        """Stop it."""
        _stop(self._process)
        self._api.close()

    def _take(self, source: "queue.SimpleQueue[T]", *, timeout_s: float) -> T:
        ends_s = time.monotonic() + timeout_s
        while time.monotonic() < ends_s:
            try:
                return source.get(timeout=_POLL_S)
            except queue.Empty:
                if self._process.poll() is not None:
                    raise BenchError(f"{self.name} exited\n{self._tail()}") from None
        raise BenchError(f"{self.name} took longer than {timeout_s:.0f} s\n{self._tail()}")

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-_SHOWN_LOG_CHARS:]


def _stop(process: "subprocess.Popen[bytes]") -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(_STOP_S)
