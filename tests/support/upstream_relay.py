"""A TCP relay before an upstream, which can be taken down and put back up again."""

import contextlib
import re
import socket
import struct
import threading
from enum import StrEnum
from typing import Self

_DRIP_S = 0.05
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Way(StrEnum):
    """What the relay does with a connection.

    PASS: carry it. DRIP: carry it, upstream's bytes one at a time. HANG: take the request and say
    nothing. RESET: take the request and break off. REFUSE: nobody listens. DROP: not even a refusal
    comes back, as of an address that no host has.
    """

    PASS = "pass"
    DRIP = "drip"
    HANG = "hang"
    RESET = "reset"
    REFUSE = "refuse"
    DROP = "drop"


class UpstreamRelay:
    """Listens on one port for as long as it is entered.

    Attributes:
        port: To connect to; it stays the same.
    """

    def __init__(self) -> None:
        self._target: int | None = None
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._listen(Way.PASS)

    @property
    def url(self) -> str:
        """What takes the place of upstream's base URL."""
        return f"http://127.0.0.1:{self.port}/api/v1"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def lead_to(self, port: int) -> None:
        """Carry connections to this port of this machine."""
        self._target = port

    def become(self, way: Way) -> None:
        """Break every connection, and treat those that come in this way."""
        self._stop()
        if way is not Way.REFUSE:
            backlog = 0 if way is Way.DROP else 64
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=backlog)
            self._listen(way)

    def _listen(self, way: Way) -> None:
        self._changed = threading.Event()
        if way is Way.DROP:
            # The kernel drops what a full backlog cannot take.
            for _ in range(2):
                waiting = socket.socket()
                waiting.settimeout(0)
                with contextlib.suppress(BlockingIOError):
                    waiting.connect(("127.0.0.1", self.port))
                self._open.add(waiting)
        else:
            self._start(self._accept, way)

    def _stop(self) -> None:
        self._changed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()
            self._open.clear()
        for thread in self._threads:
            thread.join(10)
        self._threads.clear()

    def _start(self, target: object, *args: object) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self, way: Way) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(client)
            self._start(self._serve, client, way)

    def _serve(self, client: socket.socket, way: Way) -> None:
        with contextlib.suppress(OSError):
            match way:
                case Way.HANG:
                    self._changed.wait()
                case Way.RESET:
                    _take_request(client)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.close()
                case _:
                    self._carry(client, way)

    def _carry(self, client: socket.socket, way: Way) -> None:
        assert self._target is not None
        upstream = socket.create_connection(("127.0.0.1", self._target))
        with self._lock:
            self._open.add(upstream)
        self._start(self._copy, client, upstream, Way.PASS)
        self._copy(upstream, client, way)

    def _copy(self, source: socket.socket, sink: socket.socket, way: Way) -> None:
        size = 1 if way is Way.DRIP else 65_536
        with contextlib.suppress(OSError):
            while data := source.recv(size):
                if way is Way.DRIP and self._changed.wait(_DRIP_S):
                    break
                sink.sendall(data)
        # The end of one direction is the end of both: nobody here half-closes.
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _take_request(client: socket.socket) -> None:
    """Read a whole request: its sender must not notice the end before it has sent everything."""
    taken = b""
    while b"\r\n\r\n" not in taken:
        taken += client.recv(65_536) or b"\r\n\r\n"
    head, _, body = taken.partition(b"\r\n\r\n")
    announced = _LENGTH.search(head)
    left = int(announced[1]) - len(body) if announced else 0
    while left > 0 and (data := client.recv(65_536)):
        left -= len(data)
