"""The Lambda Runtime API of one process, with a stopwatch: blocking sockets, a thread each."""

import queue
import socket
import threading
import time
from dataclasses import dataclass
from typing import BinaryIO

_DELIMITER = b"\0" * 8
_ACCEPTED = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
)
_TIMEOUT_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one event; times are of `time.perf_counter`.

    Attributes:
        target: Path that was posted to; ends in `/response`, or in `/error`.
        prelude: Status and headers as JSON.
        first_byte_s: When the first byte of the body was there.
    """

    target: str
    prelude: bytes
    body: bytes
    handed_out_s: float
    first_byte_s: float
    ended_s: float

    @property
    def wall_ms(self) -> float:
        """From handing out the event to the end of the response."""
        return (self.ended_s - self.handed_out_s) * 1000

    @property
    def first_byte_ms(self) -> float:
        """From handing out the event to the first byte of the body."""
        return (self.first_byte_s - self.handed_out_s) * 1000


class RuntimeApi:
    """Hands one event at a time to one runtime process.

    Attributes:
        polls: Times at which the process asked for an event.
        answers: What it posted.
    """

    def __init__(self) -> None:
        self.polls: queue.SimpleQueue[float] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._handed_out_s = 0.0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._listener.getsockname())
        threading.Thread(target=self._accept, daemon=True).start()

    def submit(self, event: bytes) -> None:
        """Give the process that is asking its event."""
        self._events.put(event)

    def close(self) -> None:
        """Take no more connections; those there are end with the process."""
        # A blocked accept is woken by a shutdown only.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._events.put(b"")

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as reader:
            try:
                while (head := _head(reader)) is not None:
                    target, headers = head
                    if target.endswith("/next"):
                        self._hand_out(connection)
                    else:
                        self.answers.put(self._answer(reader, target, headers))
                        connection.sendall(_ACCEPTED)
            except (ConnectionError, ValueError):
                return  # the process was stopped in mid-message

    def _hand_out(self, connection: socket.socket) -> None:
        self.polls.put(time.perf_counter())
        event = self._events.get()
        now_ms = time.time_ns() // 1_000_000
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Lambda-Runtime-Aws-Request-Id: bench-{now_ms}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {now_ms + _TIMEOUT_MS}\r\n"
            "Lambda-Runtime-Invoked-Function-Arn: "
            "arn:aws:lambda:us-east-1:123456789012:function:bench\r\n"
            f"Content-Length: {len(event)}\r\n\r\n"
        )
        self._handed_out_s = time.perf_counter()
        connection.sendall(head.encode() + event)

    def _answer(self, reader: BinaryIO, target: str, headers: dict[str, str]) -> Answer:
        first_byte_s = 0.0
        received = bytearray()
        while data := _piece(reader, headers):
            received += data
            # The end of the prelude and the first bytes of the body may come in one piece.
            if not first_byte_s and not received.endswith(_DELIMITER):
                first_byte_s = time.perf_counter()
        ended_s = time.perf_counter()
        prelude, _, body = bytes(received).partition(_DELIMITER)
        return Answer(
            target=target,
            prelude=prelude,
            body=body,
            handed_out_s=self._handed_out_s,
            first_byte_s=first_byte_s or ended_s,
            ended_s=ended_s,
        )


def _head(reader: BinaryIO) -> tuple[str, dict[str, str]] | None:
    first = reader.readline()
    if not first:
        return None
    headers = {}
    while (line := reader.readline()) not in {b"\r\n", b""}:
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return first.decode("latin-1").split(" ")[1], headers


def _piece(reader: BinaryIO, headers: dict[str, str]) -> bytes:
    """Return the next chunk, or the whole body when its length is known; b"" at the end."""
    if headers.get("transfer-encoding") != "chunked":
        return reader.read(int(headers.pop("content-length", 0)))
    size = int(reader.readline(), 16)
    if size:
        return reader.read(size + 2)[:-2]
    while reader.readline() not in {b"\r\n", b""}:
        pass  # trailers
    return b""
