"""A total deadline for one call, and reading that obeys it.

The `timeout` of requests bounds one wait, not the call: a byte a second passes any timeout for
ever. Here every refill of the read buffer waits for no more than what is left of the call, which
bounds status line, headers and body together. The same reader can tell silence from the end, so
that a stream is kept alive while upstream thinks. Knows nothing of requests, keys or tenants.
"""

import http.client
import io
import math
import select
import socket
import ssl
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from weir.domain.ports import Clock

_REFILL_BYTES = 16_384
_MAX_LOOKAHEAD_BYTES = 65_536


@dataclass(slots=True, kw_only=True)
class Call:
    """One attempt to call upstream: how long it may take, and how far it got.

    Attributes:
        ends_s: The deadline on the monotonic clock.
        reused: The connection was open before; False as soon as a new one is made.
        sent: The whole request was handed to the kernel: upstream may have acted on it.
        answer: Reads the response, once its first byte is awaited.
    """

    clock: Clock
    ends_s: float
    reused: bool = True
    sent: bool = False
    answer: "PatientResponse | None" = None

    def remaining_s(self, *, at_most_s: float = math.inf) -> float:
        """Return the seconds left until the deadline, > 0.

        Raises:
            TimeoutError: The deadline has passed.
        """
        left_s = self.ends_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the deadline of the call has passed")
        return min(left_s, at_most_s)


# How the call reaches connections that a pool hands out: no argument passes through the pool.
CURRENT_CALL: ContextVar[Call] = ContextVar("weir_upstream_call")


class DeadlineReader(io.RawIOBase):
    """The bytes of a socket, until the deadline of the call. Reads ahead without losing anything.

    An `io.BufferedReader` drops half a line when its source raises in mid-line; so silence is
    found out by `fill`, before anybody reads, and only the deadline ever raises within a read.
    """

    def __init__(self, sock: socket.socket, *, call: Call) -> None:
        # Keeps the socket open until the body is read, even when the connection lets go of it.
        self._file = sock.makefile("rb", buffering=0)
        self._sock = sock
        self._sock.settimeout(0)
        self._call = call
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self.ahead = b""
        self.ended = False
        self.may_wait = True

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any, /) -> int | None:
        while not self.ahead and not self.ended:
            if not self.may_wait:
                return None
            self.fill(until_s=math.inf)
        count = min(len(buffer), len(self.ahead))
        buffer[:count], self.ahead = self.ahead[:count], self.ahead[count:]
        return count

    def fill(self, *, until_s: float) -> bool:
        """Read ahead what arrives next, or the end; False when nothing did.

        Args:
            until_s: When to give up, on the monotonic clock.

        Raises:
            TimeoutError: The deadline of the call has passed.
        """
        while True:
            left_s = self._call.remaining_s()
            data = self._receive()
            if data is not None:
                self.ended = not data
                self.ahead += data
                return True
            wait_s = min(left_s, until_s - time.monotonic())
            if wait_s <= 0:
                return False
            self._poll.poll(math.ceil(wait_s * 1000))

    def _receive(self) -> bytes | None:
        # Reading before polling: a TLS socket may hold decrypted bytes that poll cannot see.
        try:
            return self._sock.recv(_REFILL_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError):
            self._poll.modify(self._sock, select.POLLIN)
        except ssl.SSLWantWriteError:
            self._poll.modify(self._sock, select.POLLOUT)
        return None

    @override
    def close(self) -> None:
        self._file.close()
        super().close()


class PatientResponse(http.client.HTTPResponse):
    """An HTTP response that keeps the deadline of the current call and can wait for its body."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        call = CURRENT_CALL.get()
        self._reader = DeadlineReader(sock, call=call)
        self.fp.close()
        self.fp = io.BufferedReader(self._reader, _REFILL_BYTES)
        call.answer = self

    def wait(self, *, idle_s: float) -> bool:
        """Return True once reading gets somewhere, False after `idle_s` seconds of silence.

        Raises:
            TimeoutError: The deadline of the call has passed.
            OSError: The connection broke.
        """
        until_s = time.monotonic() + idle_s
        while not self._is_readable():
            if not self._reader.fill(until_s=until_s):
                return False
        return True

    def _is_readable(self) -> bool:
        # A body of no bytes is over already; http.client only notices when it is read.
        if self.isclosed() or self._reader.ended or self.length == 0:
            return True
        lookahead = self._lookahead()
        if not self.chunked or self.chunk_left:
            return bool(lookahead)
        # Between chunks a read wants a whole size line, after the end of the chunk before.
        line_end = lookahead.find(b"\n")
        if self.chunk_left is not None and line_end >= 0:
            line_end = lookahead.find(b"\n", line_end + 1)
        return line_end >= 0 or len(lookahead) >= _MAX_LOOKAHEAD_BYTES

    def _lookahead(self) -> bytes:
        self._reader.may_wait = False
        try:
            return self.fp.peek(1) + self._reader.ahead
        finally:
            self._reader.may_wait = True
