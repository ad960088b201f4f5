"""An HTTP/1.1 peer on loopback that misbehaves on purpose.

Each request is answered by the next script; the last one answers all further requests. A script
writes raw bytes and returns whether the connection stays open. Nothing here sleeps: pauses end when
the server is closed.
"""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it arrived; header names are in lower case."""

    line: str
    headers: Mapping[str, str]
    body: bytes


class Peer:
    """The server's end of one connection, for scripts; `request` is what it has to answer."""

    def __init__(self, sock: socket.socket, *, request: Received, closing: threading.Event) -> None:
        self.request = request
        self._sock = sock
        self._closing = closing

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def hang(self) -> bool:
        self._closing.wait()
        return False

    def drip(self, data: Iterable[bytes], *, every_s: float = 0.02) -> bool:
        for piece in data:
            if self._closing.wait(every_s):
                break
            self.send(piece)
        return False

    def reset(self) -> bool:
        """Make the coming close an RST."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False


Script = Callable[[Peer], bool]


def answer(
    status: int = 200,
    *,
    body: bytes = b"{}",
    headers: Mapping[str, str] | None = None,
    keep: bool = True,
) -> Script:
    """Make a script that answers properly."""
    lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    data = "\r\n".join([*lines, "", ""]).encode() + body
    return raw(data, keep=keep)


def raw(data: bytes, *, keep: bool = False) -> Script:
    """Make a script that sends these bytes, then keeps or closes the connection."""

    def script(peer: Peer) -> bool:
        peer.send(data)
        return keep

    return script


class FaultServer:
    """Use as a context manager; `connections` and `requests` tell what arrived."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self._scripts = list(scripts)
        self._tls = tls
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.requests: list[Received] = []

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/api/v1"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        # Wakes the accepting thread, which a mere close would not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(10)
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self.join_connections()

    def join_connections(self) -> None:
        """Wait until all connections so far are closed."""
        for thread in self._threads[1:]:
            thread.join(10)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(sock)
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        # A client that gives up breaks the connection under the script: that is the test's point.
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(sock.close)
            if self._tls:
                sock = stack.enter_context(self._tls.wrap_socket(sock, server_side=True))
            with sock.makefile("rb") as stream:
                while (received := _receive(stream.readline, stream.read)) is not None:
                    if not self._next(received)(
                        Peer(sock, request=received, closing=self._closing)
                    ):
                        return

    def _next(self, received: Received) -> Script:
        with self._lock:
            self.requests.append(received)
            return self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]


def _receive(readline: Callable[[], bytes], read: Callable[[int], bytes]) -> Received | None:
    line = readline().decode("latin-1").strip()
    if not line:
        return None
    headers = {}
    while field := readline().decode("latin-1").strip():
        name, _, value = field.partition(":")
        headers[name.lower()] = value.strip()
    body = read(int(headers.get("content-length", "0")))
    return Received(line=line, headers=headers, body=body)
