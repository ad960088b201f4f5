"""Functions as real processes: one request at a time per worker, more workers on demand."""

import asyncio
import contextlib
import os
import signal
import sys
import time
import uuid
from collections.abc import AsyncGenerator
from pathlib import Path

from local import gateway_launcher
from local.functions import FunctionConfig
from local.runtime_api import Ended, Failed, FailureReason, Invocation, Message, Result, RuntimeApi

# Lambda allows 10 s to initialise; this machine may be busy with a model at the same time.
INIT_TIMEOUT_S = 30.0
MAX_WORKERS = 32
DEFAULT_REGION = "us-east-1"
ACCOUNT_ID = "123456789012"


class WorkerInitError(Exception):
    """The process did not come as far as to ask for an event."""


def worker_environment(function: FunctionConfig, *, runtime_api: str) -> dict[str, str]:
    """Return the whole environment of a worker: nothing of this machine but path, home, locale."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    path = [str(function.code), *(str(layer) for layer in function.layers)]
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "AWS_REGION": DEFAULT_REGION,
        "AWS_DEFAULT_REGION": DEFAULT_REGION,
        **function.environment,
        "_HANDLER": function.handler,
        "LAMBDA_TASK_ROOT": str(function.code),
        "PYTHONPATH": os.pathsep.join(path),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{version}",
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
    }


class Worker:
    """One runtime process with its own Runtime API."""

    def __init__(self, function: FunctionConfig, *, log: Path) -> None:
        self._function = function
        self._log = log
        region = function.environment.get("AWS_REGION", DEFAULT_REGION)
        self._api = RuntimeApi(
            function_arn=f"arn:aws:lambda:{region}:{ACCOUNT_ID}:function:{function.name}"
        )
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self.alive = False

    @property
    def pid(self) -> int | None:
        """The process id while the process lives."""
        return self._process.pid if self._process is not None and self.alive else None

    async def start(self) -> None:
        """Start the process and wait until it asks for its first event.

        Raises:
            WorkerInitError: It exits before, or takes longer than 30 s.
        """
        runtime_api = await self._api.start()
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", gateway_launcher.__file__, str(os.getpid())),
                *(sys.executable, "-m", "lambda_stream"),
                cwd=self._function.code,
                env=worker_environment(self._function, runtime_api=runtime_api),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C at the terminal is for the gateway, which then ends its workers in order.
                start_new_session=True,
            )
        self.alive = True
        self._watch = asyncio.create_task(self._wait_for_exit(self._process))
        try:
            async with asyncio.timeout(INIT_TIMEOUT_S):
                await self._api.polled.wait()
        except TimeoutError as timeout:
            raise WorkerInitError(f"no event asked for within {INIT_TIMEOUT_S} s") from timeout
        if not self.alive:
            raise WorkerInitError(self._api.init_error or "the process exited")

    async def _wait_for_exit(self, process: asyncio.subprocess.Process) -> None:
        await process.wait()
        self.alive = False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it has started and left behind
        self._api.polled.set()
        await self._api.drain()

    async def run(self, invocation: Invocation) -> None:
        """See one invocation through to its end; kill the process at the function's timeout."""
        limit_s = self._function.timeout_s
        invocation.deadline_ms = int((time.time() + limit_s) * 1000)
        self._api.submit(invocation)
        try:
            async with asyncio.timeout(limit_s):
                await invocation.done.wait()
        except TimeoutError:
            self.kill()
            self._note(f"{invocation.request_id} Task timed out after {limit_s:.2f} seconds")
            detail = f"Task timed out after {limit_s:.2f} seconds"
            await invocation.deliver(Failed(reason=FailureReason.TIMEOUT, detail=detail))
            return
        if not invocation.answered:
            self._note(f"{invocation.request_id} Runtime exited without providing a reason")
            detail = "Runtime exited without providing a reason"
            await invocation.deliver(Failed(reason=FailureReason.EXIT, detail=detail))

    def _note(self, line: str) -> None:
        with self._log.open("a") as log:
            log.write(line + "\n")

    def kill(self) -> None:
        """End the process and what it has started, at once."""
        self.alive = False
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """Kill the process and wait until nothing of it is left."""
        self.kill()
        if self._process is not None:
            await self._process.wait()
        await self._api.stop()
        if self._watch is not None:
            await asyncio.wait({self._watch})  # not cancelled along with the caller


class WorkerPool:
    """The workers of one function."""

    def __init__(self, function: FunctionConfig, *, log: Path, max_workers: int) -> None:
        self._function = function
        self._log = log
        self._slots = asyncio.Semaphore(max_workers)
        self._idle: list[Worker] = []
        self._workers: set[Worker] = set()
        self._runs: set[asyncio.Task[None]] = set()

    def pids(self) -> list[int]:
        """Return the ids of the processes that live now."""
        return [pid for worker in tuple(self._workers) if (pid := worker.pid) is not None]

    async def invoke(self, event: bytes) -> AsyncGenerator[Message]:
        """Run one invocation and yield its messages; the last is Ended, Result or Failed.

        Closing the generator does not end the invocation: it goes on to its end, unread.
        """
        invocation = Invocation(request_id=str(uuid.uuid4()), event=event)
        run = asyncio.create_task(self._run(invocation))
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        try:
            while True:
                message = await invocation.receive()
                yield message
                if isinstance(message, Ended | Result | Failed):
                    return
        finally:
            invocation.abandon()

    async def _run(self, invocation: Invocation) -> None:
        async with self._slots:
            try:
                worker = await self._take()
            except WorkerInitError as error:
                await invocation.deliver(Failed(reason=FailureReason.EXIT, detail=str(error)))
                return
            await worker.run(invocation)
            if worker.alive:
                self._idle.append(worker)
            else:
                await self._discard(worker)

    async def _take(self) -> Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            await self._discard(worker)
        worker = Worker(self._function, log=self._log)
        self._workers.add(worker)
        try:
            await worker.start()
        except WorkerInitError:
            await self._discard(worker)
            raise
        return worker

    async def _discard(self, worker: Worker) -> None:
        await worker.stop()
        self._workers.discard(worker)

    async def stop(self) -> None:
        """End every invocation and every process."""
        for run in tuple(self._runs):
            run.cancel()
        await asyncio.gather(*self._runs, return_exceptions=True)
        for worker in tuple(self._workers):
            await self._discard(worker)
