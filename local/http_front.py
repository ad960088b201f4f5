"""Serves HTTP/1.1 connections: requests in full to a handler, one after the other."""

import asyncio
import http
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from local.gateway_responses import Answer
from local.http_reply import Reply
from local.http_wire import (
    STREAM_LIMIT_BYTES,
    Head,
    WireError,
    body_length,
    read_body,
    read_head,
)

MAX_BODY_BYTES = 10 * 1024 * 1024
IDLE_TIMEOUT_S = 75.0
BODY_TIMEOUT_S = 30.0
LINGER_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, read in full.

    Attributes:
        id: The gateway's request id.
        source_ip: Address of the client.
    """

    id: str
    head: Head
    body: bytes
    source_ip: str

    @property
    def path(self) -> str:
        """The target's path, as sent."""
        return self.head.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The target's query, as sent and without the question mark."""
        return self.head.target.partition("?")[2]


class HttpFront:
    """A listening socket and the connections it has accepted."""

    def __init__(
        self,
        answer: Callable[[Request, Reply], Awaitable[None]],
        *,
        refuse: Callable[[http.HTTPStatus, str], Answer],
    ) -> None:
        """Prepare; nothing listens before `start`.

        Args:
            answer: Answers a request.
            refuse: Makes the answer to what is no request, from a status and the request's id.
        """
        self._handle = answer
        self._refuse = refuse
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port, which is a free one when 0 was asked for.

        Raises:
            OSError: The port is taken.
        """
        self._server = await asyncio.start_server(self._serve, host, port, limit=STREAM_LIMIT_BYTES)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Stop listening and break every connection off."""
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
            while await self._serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass  # the client has left, or is too slow to wait for
        except asyncio.CancelledError:
            # By `stop` alone, and this is the task's end; raised on, asyncio 3.11 would log it.
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; tell whether another may follow."""
        request_id = str(uuid.uuid4())
        try:
            async with asyncio.timeout(IDLE_TIMEOUT_S):
                head = await read_head(reader)
            if head is None:
                return False
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await _read_body(reader, writer, head)
        except WireError as error:
            reply = Reply(writer, head=None, request_id=request_id)
            await reply.send(self._refuse(error.status, request_id))
            await _linger(reader, writer)
            return False
        reply = Reply(writer, head=head, request_id=request_id)
        source_ip = writer.get_extra_info("peername")[0]
        await self._handle(Request(id=request_id, head=head, body=body, source_ip=source_ip), reply)
        return reply.keeps_connection


async def _read_body(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: Head
) -> bytes:
    waits = (head.get("expect") or "").lower() == "100-continue"
    if waits and (body_length(head) or 0) <= MAX_BODY_BYTES:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return await read_body(reader, head, limit_bytes=MAX_BODY_BYTES)


async def _linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read on for a moment: closing on unread data would reset, and the client lose the answer."""
    writer.write_eof()
    async with asyncio.timeout(LINGER_S):
        while await reader.read(STREAM_LIMIT_BYTES):
            pass
