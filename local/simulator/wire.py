"""One HTTP answer, written byte by byte, so that it can also be written wrongly."""

import json
import os
import select
import socket
import struct
import threading
import time
import zlib
from collections.abc import Mapping
from http.client import responses
from typing import Any, Final

_POLL_S: Final = 0.05
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class ClientGoneError(Exception):
    """The client closed the connection, or the simulator is being stopped."""


class Wire:
    """The answering half of one connection, for one request.

    Attributes:
        keep_open: Whether the connection may carry another request after this answer.
        started: Whether a byte has been sent.
    """

    def __init__(self, connection: socket.socket, *, stopping: threading.Event) -> None:
        self._connection = connection
        self._stopping = stopping
        self._chunked = False
        self._compressor: Any = None
        self.keep_open = True
        self.started = False

    def send_json(
        self, status: int, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a complete JSON answer."""
        self.send(status, encode_json(body), headers=headers or {}, content_type="application/json")

    def send(
        self, status: int, data: bytes, *, headers: Mapping[str, str], content_type: str
    ) -> None:
        """Send a complete answer with its length."""
        length = {"Content-Type": content_type, "Content-Length": str(len(data))}
        self._send(_head(status, {**length, **headers}) + data)

    def begin(self, status: int, headers: Mapping[str, str], *, gzip: bool = False) -> None:
        """Send status and headers; a body without Content-Length is chunked."""
        self._chunked = "Content-Length" not in headers
        framing = {"Transfer-Encoding": "chunked"} if self._chunked else {}
        if gzip:
            self._compressor = zlib.compressobj(wbits=31)
            framing["Content-Encoding"] = "gzip"
        self._send(_head(status, {**headers, **framing}))

    def write(self, data: bytes) -> None:
        """Send a part of the body at once, as one chunk.

        Raises:
            ClientGoneError: Nobody reads any more.
        """
        if self.client_is_gone():
            raise ClientGoneError
        if self._compressor is not None:
            data = self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        self._frame(data)

    def end(self) -> None:
        """End the body."""
        if self._compressor is not None:
            self._frame(self._compressor.flush())
        if self._chunked:
            self._send(b"0\r\n\r\n")

    def abandon(self) -> None:
        """Close the connection after what was sent, whatever is missing."""
        self.keep_open = False

    def reset(self) -> None:
        """Close the connection with a TCP reset instead of a FIN."""
        self.keep_open = False
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        # close() would wait for the request's reading half and send a FIN first.
        os.close(self._connection.detach())

    def pause(self, seconds: float) -> None:
        """Wait, unless the client leaves meanwhile.

        Raises:
            ClientGoneError: The client left, or the simulator is being stopped.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._stopping.is_set() or self.client_is_gone(within_s=min(left, _POLL_S)):
                raise ClientGoneError

    def client_is_gone(self, *, within_s: float = 0.0) -> bool:
        """Tell whether the client has closed its side, waiting a little for it to do so."""
        try:
            poll = select.poll()  # select() cannot watch descriptors above 1023
            poll.register(self._connection, select.POLLIN)
            if not poll.poll(within_s * 1000):
                return False
            gone = not self._connection.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):  # ValueError: reset() has closed it
            return True
        if not gone:  # a pipelined request hides the end of the connection
            self._stopping.wait(within_s)
        return gone

    def _frame(self, data: bytes) -> None:
        if data:
            self._send(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def _send(self, data: bytes) -> None:
        self.started = True
        try:
            self._connection.sendall(data)
        except OSError as error:
            raise ClientGoneError from error


def encode_json(body: Mapping[str, Any]) -> bytes:
    """Return JSON as OpenRouter writes it: no spaces, UTF-8 unescaped."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {responses.get(status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
