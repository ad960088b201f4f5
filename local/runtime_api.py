"""The Lambda Runtime API of one worker, and the typed messages an invocation turns into.

One server per worker, on loopback: as on Lambda, a runtime sees only its own environment.
"""

import asyncio
import base64
import binascii
import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from local.http_wire import (
    STREAM_LIMIT_BYTES,
    Head,
    WireError,
    read_body,
    read_chunks,
    read_head,
    response_head,
)

# Chunks wait here for a slow client, and then the function waits too.
MAX_WAITING_MESSAGES = 64
MAX_POST_BYTES = 64 * 1024 * 1024
_ERROR_BODY = "lambda-runtime-function-error-body"
_ERROR_TYPE = "lambda-runtime-function-error-type"
_POST = re.compile(r"/2018-06-01/runtime/invocation/([0-9a-f-]+)/(response|error)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a streamed response, in order; the first ones hold the prelude."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A streamed response is complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The whole result of a handler that does not stream, as JSON."""

    body: bytes


class FailureReason(StrEnum):
    """Why an invocation failed."""

    ERROR = "the handler raised"
    EXIT = "the process exited"
    TIMEOUT = "the function timed out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The invocation failed; chunks may have gone before.

    Attributes:
        detail: The runtime's error document as JSON, or a sentence.
    """

    reason: FailureReason
    detail: str


Message = Chunk | Ended | Result | Failed


@dataclass(slots=True, kw_only=True, eq=False)
class Invocation:
    """One event on its way through a worker.

    Attributes:
        deadline_ms: Epoch milliseconds, set when a worker takes it.
        answered: The runtime has posted its response in full.
        done: Set when it has, or when the process has gone.
    """

    request_id: str
    event: bytes
    deadline_ms: int = 0
    answered: bool = False
    done: asyncio.Event = field(default_factory=asyncio.Event)
    _abandoned: bool = False
    _messages: asyncio.Queue[Message] = field(
        default_factory=lambda: asyncio.Queue(MAX_WAITING_MESSAGES)
    )

    async def deliver(self, message: Message) -> None:
        """Pass a message on, waiting for a slow reader; drop it when the reader has left."""
        if not self._abandoned:
            await self._messages.put(message)

    async def receive(self) -> Message:
        """Wait for the next message."""
        return await self._messages.get()

    def abandon(self) -> None:
        """Let the invocation go on to its end unread, as Lambda does when a client leaves."""
        self._abandoned = True
        while not self._messages.empty():
            self._messages.get_nowait()


class RuntimeApi:
    """Hands events to one runtime process and takes its answers.

    Attributes:
        polled: The runtime has asked for its first event: initialisation is over.
        init_error: What the runtime reported when it could not load the handler.
    """

    def __init__(self, *, function_arn: str) -> None:
        self.polled = asyncio.Event()
        self.init_error = ""
        self._function_arn = function_arn
        self._todo: asyncio.Queue[Invocation] = asyncio.Queue()
        self._current: Invocation | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._posting: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Listen; return `host:port` for AWS_LAMBDA_RUNTIME_API."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=STREAM_LIMIT_BYTES
        )
        return "{}:{}".format(*self._server.sockets[0].getsockname())

    def submit(self, invocation: Invocation) -> None:
        """Give the runtime its next event."""
        self._current = invocation
        self._todo.put_nowait(invocation)

    async def drain(self) -> None:
        """Wait until what a gone process has left in its sockets is read."""
        if self._posting:
            await asyncio.wait(self._posting)
        if self._current is not None:
            self._current.done.set()

    async def stop(self) -> None:
        """Close every connection."""
        if self._server is not None:
            self._server.close()
        connections = tuple(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while (head := await read_head(reader)) is not None:
                writer.write(await self._answer(head, reader))
                await writer.drain()
                if not head.keep_alive:
                    break
        except (asyncio.IncompleteReadError, ConnectionError, WireError):
            pass  # the process has gone or talks nonsense: its exit is what counts
        except asyncio.CancelledError:
            # By `stop` alone, and this is the task's end; raised on, asyncio 3.11 would log it.
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer(self, head: Head, reader: asyncio.StreamReader) -> bytes:
        if head.target == "/2018-06-01/runtime/invocation/next":
            self.polled.set()
            return self._event(await self._todo.get())
        if head.target == "/2018-06-01/runtime/init/error":
            self.init_error = (await read_body(reader, head, limit_bytes=MAX_POST_BYTES)).decode()
            return _status(202)
        match = _POST.fullmatch(head.target)
        invocation = self._current
        if match is None or invocation is None or invocation.request_id != match[1]:
            await read_body(reader, head, limit_bytes=MAX_POST_BYTES)
            return _status(403)
        with self._posts():
            await self._read_post(head, reader, invocation, is_error=match[2] == "error")
        self._current = None
        invocation.answered = True
        invocation.done.set()
        return _status(202)

    @contextlib.contextmanager
    def _posts(self) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None
        self._posting.add(task)
        try:
            yield
        finally:
            self._posting.discard(task)

    async def _read_post(
        self, head: Head, reader: asyncio.StreamReader, invocation: Invocation, *, is_error: bool
    ) -> None:
        if head.get("lambda-runtime-function-response-mode") == "streaming" and not is_error:
            trailers: dict[str, str] = {}
            chunks = read_chunks(reader, trailers=trailers, max_chunk_bytes=MAX_POST_BYTES)
            async for data in chunks:
                await invocation.deliver(Chunk(data=data))
            await invocation.deliver(_end(trailers))
            return
        body = await read_body(reader, head, limit_bytes=MAX_POST_BYTES)
        if is_error:
            detail = body.decode(errors="replace")
            await invocation.deliver(Failed(reason=FailureReason.ERROR, detail=detail))
        else:
            await invocation.deliver(Result(body=body))

    def _event(self, invocation: Invocation) -> bytes:
        headers = (
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(invocation.deadline_ms)),
            ("Lambda-Runtime-Invoked-Function-Arn", self._function_arn),
            ("Content-Length", str(len(invocation.event))),
        )
        return response_head(200, headers) + invocation.event


def _status(status: int) -> bytes:
    headers = (("Content-Type", "application/json"), ("Content-Length", "2"))
    return response_head(status, headers) + b"{}"


def _end(trailers: dict[str, str]) -> Message:
    if _ERROR_TYPE not in trailers:
        return Ended()
    try:
        detail = base64.b64decode(trailers.get(_ERROR_BODY, ""), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        detail = json.dumps({"errorType": trailers[_ERROR_TYPE]})
    return Failed(reason=FailureReason.ERROR, detail=detail)
