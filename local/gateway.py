"""API Gateway and Lambda on this machine: the template's routes in front of real processes."""

import asyncio
import contextlib
import http
import json
import sys
import threading
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any, TypeVar

from local.functions import FunctionConfig
from local.gateway_events import proxy_event
from local.gateway_relay import (
    FunctionFailedError,
    MalformedResponseError,
    relay_result,
    relay_stream,
)
from local.gateway_responses import Answer, Refusal
from local.http_front import HttpFront, Request
from local.http_reply import Reply
from local.routes import LambdaIntegration, Match, Routes
from local.runtime_api import Failed, FailureReason, Result
from local.workers import MAX_WORKERS, WorkerPool

# What Lambda takes at most as an event: base64 and headers count.
MAX_EVENT_BYTES = 6 * 1024 * 1024
_REFUSALS = {
    http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Refusal.REQUEST_TOO_LARGE,
    http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: Refusal.HEAD_TOO_LARGE,
}


T = TypeVar("T")


class InvocationError(RuntimeError):
    """A function invoked directly raised, exited, ran into its timeout, or streamed."""


class GatewayStopsError(InvocationError):
    """The gateway stops: the invocation was cut short, or not begun."""


class GatewayServer:
    """The HTTP front and the worker pools of every function."""

    def __init__(
        self,
        functions: Mapping[str, FunctionConfig],
        routes: Routes,
        *,
        log_dir: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        max_workers: int = MAX_WORKERS,
    ) -> None:
        """Prepare; nothing runs before `start`.

        Args:
            functions: By logical id, as the routes name them.
            log_dir: Each function's output is appended to `<logical id>.log` in it.
            port: 0 takes a free one.
            max_workers: Per function; requests beyond it wait.
        """
        self._routes = routes
        self._host, self._port = host, port
        self._pools = {
            name: WorkerPool(function, log=log_dir / f"{name}.log", max_workers=max_workers)
            for name, function in functions.items()
        }
        self._front = HttpFront(self._answer, refuse=self._refuse_status)
        self._invoking: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        """Where clients find the gateway, without a trailing slash."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: The port is taken.
        """
        self._port = await self._front.start(self._host, self._port)

    async def stop(self) -> None:
        """Close every connection and end every process."""
        await self._front.stop()
        invoking = tuple(self._invoking)
        for task in invoking:
            task.cancel()
        await asyncio.gather(*invoking, return_exceptions=True)
        await asyncio.gather(*(pool.stop() for pool in self._pools.values()))

    def worker_pids(self, function: str) -> list[int]:
        """Return the process ids of a function's live workers."""
        return self._pools[function].pids()

    async def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Invoke a function with an event of its own, as a schedule does; return its JSON result.

        Raises:
            InvocationError: The function failed, or its answer is no JSON result.
        """
        task = asyncio.current_task()
        assert task is not None
        self._invoking.add(task)
        try:
            return await self._result(function, event)
        finally:
            self._invoking.discard(task)

    async def _result(self, function: str, event: Mapping[str, Any]) -> Any:
        messages = self._pools[function].invoke(json.dumps(event).encode())
        async with contextlib.aclosing(messages):
            match await anext(messages):
                case Result(body=body):
                    return _json(body, function=function)
                case Failed(reason=reason, detail=detail):
                    raise InvocationError(f"{function}: {reason}: {detail}")
                case _:
                    raise InvocationError(f"{function}: a stream is no result")

    async def _answer(self, request: Request, reply: Reply) -> None:
        match = self._routes.match(request.head.method, request.path)
        if match is None:
            await reply.send(self._refuse(Refusal.MISSING_AUTHENTICATION_TOKEN, request.id))
        elif isinstance(match.route.integration, Answer):
            await reply.send(match.route.integration)
        else:
            await self._call(request, match, match.route.integration, reply=reply)

    async def _call(
        self, request: Request, match: Match, integration: LambdaIntegration, *, reply: Reply
    ) -> None:
        event = json.dumps(proxy_event(request, match=match)).encode()
        if len(event) > MAX_EVENT_BYTES:
            await reply.send(self._refuse(Refusal.REQUEST_TOO_LARGE, request.id))
            return
        refusal = await self._relay(event, integration, reply=reply)
        if refusal is None:
            return
        if reply.started:
            reply.cut()
        else:
            await reply.send(self._refuse(refusal, request.id))

    async def _relay(
        self, event: bytes, integration: LambdaIntegration, *, reply: Reply
    ) -> Refusal | None:
        """Pass the function's response on; return why it could not be, if so.

        However this ends, the invocation itself goes on to its end.
        """
        relay = relay_stream if integration.streams else relay_result
        messages = self._pools[integration.function].invoke(event)
        try:
            async with asyncio.timeout(integration.timeout_s), contextlib.aclosing(messages):
                await relay(messages, reply=reply)
        except TimeoutError:
            return Refusal.INTEGRATION_TIMEOUT
        except FunctionFailedError as failure:
            timed_out = failure.reason is FailureReason.TIMEOUT
            return Refusal.INTEGRATION_TIMEOUT if timed_out else Refusal.INTEGRATION_FAILURE
        except MalformedResponseError as malformed:
            print(f"{integration.function}: malformed response: {malformed}", file=sys.stderr)
            return Refusal.INTEGRATION_FAILURE
        return None

    def _refuse(self, refusal: Refusal, request_id: str) -> Answer:
        return self._routes.responses.answer(refusal, request_id=request_id)

    def _refuse_status(self, status: http.HTTPStatus, request_id: str) -> Answer:
        return self._refuse(_REFUSALS.get(status, Refusal.BAD_REQUEST), request_id)


class RunningGateway:
    """A gateway whose event loop has a thread of its own; its methods may be called from any.

    Attributes:
        url: Where clients find it, without a trailing slash.
    """

    def __init__(self, server: GatewayServer, *, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._lock = threading.Lock()
        self._stopping = False
        self.url = server.url

    def worker_pids(self, function: str) -> list[int]:
        """Return the process ids of a function's live workers."""
        return self._server.worker_pids(function)

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Invoke a function with an event of its own; return its JSON result.

        Raises:
            InvocationError: The function failed, or its answer is no JSON result.
            GatewayStopsError: The gateway stops.
        """
        with self._lock:  # the loop must still be there to end what is begun on it
            if self._stopping:
                raise GatewayStopsError(f"{function}: the gateway stops")
            invoking = asyncio.run_coroutine_threadsafe(
                self._server.invoke(function, event), self._loop
            )
        try:
            return invoking.result()
        except CancelledError as cancelled:
            raise GatewayStopsError(f"{function}: the gateway stops") from cancelled

    def refuse_invocations(self) -> None:
        """Begin no further invocation through `invoke`; those in progress go on."""
        with self._lock:
            self._stopping = True


@contextlib.contextmanager
def running(
    functions: Mapping[str, FunctionConfig],
    routes: Routes,
    *,
    log_dir: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    max_workers: int = MAX_WORKERS,
) -> Iterator[RunningGateway]:
    """Run a gateway in a thread until the block ends; then no process of it is left.

    Raises:
        OSError: The port is taken.
    """
    server = GatewayServer(
        functions, routes, log_dir=log_dir, host=host, port=port, max_workers=max_workers
    )
    loop = asyncio.new_event_loop()
    # The kernel kills the workers when the thread ends that has started them: this one.
    thread = threading.Thread(target=loop.run_forever, name="gateway")
    thread.start()
    try:
        _run(server.start(), loop=loop)
        gateway = RunningGateway(server, loop=loop)
        try:
            yield gateway
        finally:
            gateway.refuse_invocations()
    finally:
        _run(server.stop(), loop=loop)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _json(body: bytes, *, function: str) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise InvocationError(f"{function}: its result is no JSON: {error}") from error


def _run(coroutine: Coroutine[Any, Any, T], *, loop: asyncio.AbstractEventLoop) -> T:
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result()
