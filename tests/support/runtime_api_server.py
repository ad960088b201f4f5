"""A strict Lambda Runtime API over raw sockets: what the real one refuses is a violation here."""

import contextlib
import json
import queue
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

WAIT_S = 20.0
FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
REFUSED = b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\n\r\n{}"
POST_PATH = re.compile(r"/2018-06-01/runtime/invocation/([0-9a-z-]+)/(response|error)")


class ViolationError(Exception):
    """The runtime broke the protocol."""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing the runtime sent: head, chunk, end (with trailers), result or error."""

    kind: str
    data: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Invocation:
    """One event on its way through the runtime, and what came back."""

    request_id: str
    event: dict[str, Any]
    cut_after: int | None
    refused: bool
    messages: "queue.Queue[Message]" = field(default_factory=queue.Queue)

    def next(self, kind: str) -> Message:
        """Wait for the next message, which must be of this kind."""
        message = self.messages.get(timeout=WAIT_S)
        assert message.kind == kind, message
        return message

    def rest(self) -> list[Message]:
        """Wait for the end of the invocation; return every message not yet seen."""
        seen = [self.messages.get(timeout=WAIT_S)]
        while seen[-1].kind in {"head", "chunk"}:
            seen.append(self.messages.get(timeout=WAIT_S))
        return seen


class RuntimeApiServer:
    """Serves one runtime process. Use `running_api()`."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.init_errors: queue.Queue[dict[str, Any]] = queue.Queue()
        self.connections: list[socket.socket] = []
        self.threads: list[threading.Thread] = []
        self._events: queue.Queue[Invocation | None] = queue.Queue()
        self._invocations: dict[str, Invocation] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._spawn(self._accept)

    def submit(
        self, event: dict[str, Any], *, cut_after: int | None = None, refused: bool = False
    ) -> Invocation:
        """Hand an event to the runtime.

        Args:
            cut_after: Reset the connection once this many chunks of the response were read.
            refused: Answer the response with an error status, once it is read.
        """
        number = len(self._invocations) + 1
        invocation = Invocation(f"invocation-{number}", event, cut_after, refused)
        self._invocations[invocation.request_id] = invocation
        self._events.put(invocation)
        return invocation

    def stop(self) -> None:
        """End every connection; a runtime that waits for its next event sees it and exits."""
        if self._listener.fileno() < 0:
            return
        self._events.put(None)
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(WAIT_S)

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections.append(connection)
                self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader:
            try:
                while self._answer(connection, reader):
                    pass
            except ViolationError as violation:
                self.violations.append(str(violation))
            except OSError:
                return

    def _answer(self, connection: socket.socket, reader: BinaryIO) -> bool:
        request = reader.readline()
        if not request:
            return False
        method, path, version = request.decode("ascii").rstrip("\r\n").split(" ")
        _demand(version == "HTTP/1.1", request)
        headers = _read_fields(reader)
        if (method, path) == ("GET", "/2018-06-01/runtime/invocation/next"):
            return self._send_event(connection)
        _demand(method == "POST", request)
        refused = False
        if path == "/2018-06-01/runtime/init/error":
            self.init_errors.put(json.loads(_read_sized(reader, headers)))
        else:
            match = POST_PATH.fullmatch(path)
            _demand(match is not None and match[1] in self._invocations, request)
            assert match is not None
            refused = self._invocations[match[1]].refused
            self._read_post(connection, reader, headers, match)
        connection.sendall(REFUSED if refused else ACCEPTED)
        return headers.get("connection") != "close"

    def _send_event(self, connection: socket.socket) -> bool:
        invocation = self._events.get()
        if invocation is None:
            return False
        body = json.dumps(invocation.event).encode()
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Lambda-Runtime-Aws-Request-Id: {invocation.request_id}\r\n"
            "Lambda-Runtime-Deadline-Ms: 4102444800000\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {FUNCTION_ARN}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        return True

    def _read_post(
        self,
        connection: socket.socket,
        reader: BinaryIO,
        headers: dict[str, str],
        match: re.Match[str],
    ) -> None:
        invocation = self._invocations.pop(match[1])  # a second answer finds nothing
        self._invocations[f"answered-{match[1]}"] = invocation
        streaming = headers.get("lambda-runtime-function-response-mode") == "streaming"
        if match[2] == "error" or not streaming:
            kind = "error" if match[2] == "error" else "result"
            data = _read_sized(reader, headers)
            invocation.messages.put(Message(kind, data, headers))
            return
        _demand(headers.get("transfer-encoding") == "chunked", headers)
        _demand("content-length" not in headers, headers)
        invocation.messages.put(Message("head", headers=headers))
        for count, chunk in enumerate(_read_chunks(reader), start=1):
            invocation.messages.put(Message("chunk", chunk))
            if count == invocation.cut_after:
                _reset_when_closed(connection)
                raise ConnectionResetError
        trailers = _read_fields(reader)
        announced = {name.strip().lower() for name in headers.get("trailer", "").split(",")}
        _demand(set(trailers) <= announced, trailers)
        invocation.messages.put(Message("end", headers=trailers))


def _demand(condition: bool, what: object) -> None:  # noqa: FBT001
    if not condition:
        raise ViolationError(repr(what))


def _read_fields(reader: BinaryIO) -> dict[str, str]:
    fields: dict[str, str] = {}
    while (line := reader.readline()) != b"\r\n":
        _demand(line.endswith(b"\r\n"), line)
        name, colon, value = line.decode("ascii").rstrip("\r\n").partition(":")
        _demand(colon == ":" and re.fullmatch(r"[A-Za-z0-9-]+", name) is not None, line)
        _demand(name.lower() not in fields, line)
        fields[name.lower()] = value.strip()
    return fields


def _read_sized(reader: BinaryIO, headers: dict[str, str]) -> bytes:
    _demand("transfer-encoding" not in headers, headers)
    return reader.read(int(headers["content-length"]))


def _read_chunks(reader: BinaryIO) -> Iterator[bytes]:
    while True:
        line = reader.readline()
        _demand(re.fullmatch(rb"[0-9a-f]+\r\n", line) is not None, line)
        size = int(line, 16)
        if size == 0:
            return
        data = reader.read(size)
        _demand(len(data) == size and reader.read(2) == b"\r\n", data)
        yield data


def _reset_when_closed(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextlib.contextmanager
def running_api() -> Iterator[RuntimeApiServer]:
    """Serve until the block ends; then no protocol violation may have been seen."""
    server = RuntimeApiServer()
    try:
        yield server
    finally:
        server.stop()
    assert server.violations == []
