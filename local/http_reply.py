"""One HTTP response on its way to the client."""

import asyncio
import email.utils

from local.gateway_responses import Answer
from local.http_wire import Fields, Head, chunk, response_head

# The gateway frames the body and keeps the connection: a function cannot.
_OWN = frozenset(
    {"connection", "content-length", "date", "keep-alive", "trailer", "transfer-encoding"}
)
_BODILESS = frozenset({204, 304})


class Reply:
    """Writes a response once, whole or in chunks.

    asyncio sets TCP_NODELAY on its sockets, so that every chunk leaves at once.

    Attributes:
        started: The client has got status and headers; they cannot be taken back.
        complete: The client has got everything; the connection can serve another request.
    """

    def __init__(self, writer: asyncio.StreamWriter, *, head: Head | None, request_id: str) -> None:
        self._writer = writer
        self._request_id = request_id
        self._is_head = head is not None and head.method == "HEAD"
        self._in_chunks = head is not None and head.chunks_allowed
        self._keep_alive = head is not None and head.keep_alive
        self._sends_body = True
        self.started = False
        self.complete = False

    async def send(self, answer: Answer) -> None:
        """Send a whole response.

        Raises:
            ConnectionError: The client has left.
        """
        bodiless = answer.status in _BODILESS
        length = () if bodiless else (("Content-Length", str(len(answer.body))),)
        self._writer.write(self._head(answer.status, answer.headers, length))
        if not (self._is_head or bodiless):
            self._writer.write(answer.body)
        self.complete = True
        await self._writer.drain()

    async def start(self, status: int, headers: Fields) -> None:
        """Send status and headers of a response whose body follows piece by piece.

        Raises:
            ConnectionError: The client has left.
        """
        bodiless = status in _BODILESS
        self._sends_body = not (bodiless or self._is_head)
        self._keep_alive = self._keep_alive and self._in_chunks
        framing = (("Transfer-Encoding", "chunked"),) if self._in_chunks and not bodiless else ()
        self._writer.write(self._head(status, headers, framing))
        await self._writer.drain()

    async def write(self, data: bytes) -> None:
        """Send a piece of the body at once.

        Raises:
            ConnectionError: The client has left.
        """
        if data and self._sends_body:
            self._writer.write(chunk(data) if self._in_chunks else data)
            await self._writer.drain()

    async def finish(self) -> None:
        """End a body that was sent piece by piece.

        Raises:
            ConnectionError: The client has left.
        """
        if self._sends_body and self._in_chunks:
            self._writer.write(b"0\r\n\r\n")
        self.complete = True
        await self._writer.drain()

    def cut(self) -> None:
        """Break off, so that the client sees that the body is not whole.

        What was sent before stays readable; only a client that knows no chunks needs a reset.
        """
        if self._in_chunks:
            self._writer.close()
        else:
            self._writer.transport.abort()

    @property
    def keeps_connection(self) -> bool:
        """Whether the connection can serve another request."""
        return self.complete and self._keep_alive

    def _head(self, status: int, headers: Fields, framing: Fields) -> bytes:
        self.started = True
        own = (
            ("Date", email.utils.formatdate(usegmt=True)),
            ("x-amzn-RequestId", self._request_id),
            ("Connection", "keep-alive" if self._keep_alive else "close"),
        )
        kept = tuple(field for field in headers if field[0].lower() not in _OWN)
        return response_head(status, (*kept, *framing, *own))
