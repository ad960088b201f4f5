"""The HTTP/1.1 server of both stand-ins: a thread per connection, kept alive, nothing logged."""

import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

Send = Callable[[bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StubRequest:
    """One request; header names are in lower case.

    Attributes:
        size_bytes: Of the whole request, head included.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    size_bytes: int


def read_request(reader: BinaryIO) -> StubRequest | None:
    """Read the next request; None when the peer has closed its connection."""
    first = reader.readline()
    if not first:
        return None
    method, target, _version = first.decode("latin-1").split(" ")
    head_bytes, headers = len(first), {}
    while (line := reader.readline()) not in {b"\r\n", b""}:
        head_bytes += len(line)
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", 0)))
    size_bytes = head_bytes + len(b"\r\n") + len(body)
    return StubRequest(
        method=method, target=target, headers=headers, body=body, size_bytes=size_bytes
    )


def response(body: bytes, *, headers: tuple[tuple[str, str], ...] = ()) -> bytes:
    """Return a JSON response with status 200."""
    fields = (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers)
    lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode() + body


class StubServer:
    """Answers on an ephemeral port of 127.0.0.1 until its parent closes stdin or dies.

    Attributes:
        connections: How many were ever accepted.
    """

    def __init__(self, respond: Callable[[StubRequest, Send], None]) -> None:
        self._respond = respond
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.connections = 0

    def run(self) -> None:
        """Print the port, then serve."""
        threading.Thread(target=self._accept, daemon=True).start()
        print(self._listener.getsockname()[1], flush=True)
        sys.stdin.read()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as reader:
            try:
                while (request := read_request(reader)) is not None:
                    self._respond(request, connection.sendall)
            except ConnectionError:
                return  # a process under test was stopped
