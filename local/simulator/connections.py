"""The TCP side: one thread per connection, HTTP/1.1 keep-alive, and a stop that leaves nothing."""

import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar, Final

from typing_extensions import override

from local.simulator.errors import envelope
from local.simulator.requests import ReceivedRequest
from local.simulator.wire import ClientGoneError, Wire

_MAX_BODY_BYTES: Final = 64 * 1024 * 1024

Answer = Callable[[ReceivedRequest, Wire], None]


class Connections(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Accepts connections and has *answer* write one answer per request."""

    allow_reuse_address = True
    daemon_threads = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], *, answer: Answer) -> None:
        """Bind and listen.

        Raises:
            OSError: The address is in use or not of this machine.
        """
        self.answer = answer
        self.stopping = threading.Event()
        self.accepted = 0
        self._lock = threading.Lock()
        self._live: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def close(self) -> None:
        """Break all connections and wait until their threads have ended."""
        self.shutdown()
        self.stopping.set()
        with self._lock:
            live = list(self._live)
        for connection in live:
            _break(connection)
        self.server_close()

    @override
    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self.accepted += 1
            self._live.add(request)
        super().process_request(request, client_address)

    @override
    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._live.discard(request)
        super().shutdown_request(request)

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout: ClassVar[float] = 300.0
    server: Connections

    def _answer(self) -> None:
        body = self._read_body()
        if body is None:
            return
        wire = Wire(self.connection, stopping=self.server.stopping)
        received = ReceivedRequest(
            method=self.command,
            path=self.path,
            headers=tuple(self.headers.items()),
            body=body,
            from_this_machine=self.client_address[0].startswith("127."),
        )
        try:
            self.server.answer(received, wire)
        except ClientGoneError:
            wire.abandon()
        if not wire.keep_open:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _answer  # noqa: N815 (http.server's names)

    def _read_body(self) -> bytes | None:
        """Return the body, or None when it cannot be read and an error was sent instead."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self._refuse(411, "The body needs a Content-Length")
            return None
        if int(length) > _MAX_BODY_BYTES:
            self._refuse(413, "Request payload too large")
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return None
        return body

    def _refuse(self, status: int, message: str) -> None:
        self.close_connection = True
        wire = Wire(self.connection, stopping=self.server.stopping)
        try:
            wire.send_json(status, envelope(status, message), headers={"Connection": "close"})
        except ClientGoneError:
            wire.abandon()

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: requests are shown by `GET /_simulator/requests`."""


def _break(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # its own thread has closed it meanwhile
