"""Calls to the simulator over a bare socket, so that a test sees exactly what is on the wire."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from local.simulator import Simulator

KEY = "sk-or-v1-" + "a1" * 32
MANAGEMENT_KEY = "sk-or-v1-" + "b2" * 32
# Nano-USD for four words in one message: 4 + 3 prompt tokens, and up to 4 tokens in answer.
PROMPT_COST = 7 * 150
TWO_TOKENS_COST = PROMPT_COST + 2 * 600
FULL_COST = PROMPT_COST + 4 * 600
END_OF_BODY = b"0\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """What arrived until the connection ended; `payload` is as framed on the wire."""

    status: int
    headers: dict[str, str]
    payload: bytes
    reset: bool

    @property
    def complete(self) -> bool:
        """Whether the body is as long as its framing promises."""
        if "content-length" in self.headers:
            return len(self.payload) == int(self.headers["content-length"])
        return self.payload.endswith(END_OF_BODY)

    @property
    def body(self) -> bytes:
        """The body without its chunk sizes."""
        if "content-length" in self.headers:
            return self.payload
        parts, rest = [], self.payload
        while rest and not rest.startswith(b"0\r\n"):
            size, _, rest = rest.partition(b"\r\n")
            parts.append(rest[: int(size, 16)])
            rest = rest[int(size, 16) + 2 :]
        return b"".join(parts)

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object."""
        value: dict[str, Any] = json.loads(self.body)
        return value

    @property
    def events(self) -> list[dict[str, Any]]:
        """The JSON events of a stream."""
        lines = [line for line in self.body.split(b"\n") if line.startswith(b"data: {")]
        return [json.loads(line.removeprefix(b"data: ")) for line in lines]

    @property
    def done(self) -> bool:
        """Whether the stream says that it is over."""
        return b"data: [DONE]\n\n" in self.body


def chat_body(content: object = "one two three four", **fields: Any) -> bytes:
    """Return the body of a chat request to the echo model."""
    messages = [{"role": "user", "content": content}]
    return json.dumps({"model": "weir/echo", "messages": messages, **fields}).encode()


def text_body(prompt: object = "one two three four", **fields: Any) -> bytes:
    """Return the body of a request for a text completion by the echo model."""
    return json.dumps({"model": "weir/echo", "prompt": prompt, **fields}).encode()


def open_call(
    url: str, *, body: bytes = b"", key: str | None = KEY, method: str = "POST"
) -> socket.socket:
    """Send one request and return the socket, unread."""
    target = urlsplit(url)
    assert target.hostname is not None
    lines = [f"{method} {target.path}{'?' + target.query if target.query else ''} HTTP/1.1"]
    lines += [f"Host: {target.netloc}", f"Content-Length: {len(body)}", "Connection: close"]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    connection = socket.create_connection((target.hostname, target.port), timeout=20)
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
    return connection


def read_answer(connection: socket.socket) -> RawAnswer:
    """Read until the connection ends, and close it."""
    data, reset = b"", False
    with connection:
        try:
            while part := connection.recv(65536):
                data += part
        except ConnectionResetError:
            reset = True
    head, _, payload = data.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return RawAnswer(
        status=int(status_line.split(" ")[1]) if status_line else 0,
        headers={name.lower(): value for name, value in headers.items()},
        payload=payload,
        reset=reset,
    )


def chat(simulator: Simulator, *, key: str | None = KEY, **fields: Any) -> RawAnswer:
    """Make one chat call."""
    body = chat_body(**fields)
    return read_answer(open_call(f"{simulator.url}/chat/completions", body=body, key=key))


def complete(simulator: Simulator, *, key: str | None = KEY, **fields: Any) -> RawAnswer:
    """Make one call for a text completion."""
    body = text_body(**fields)
    return read_answer(open_call(f"{simulator.url}/completions", body=body, key=key))


def get(url: str, *, key: str | None = KEY) -> RawAnswer:
    """Make one GET call."""
    return read_answer(open_call(url, key=key, method="GET"))


def charged(simulator: Simulator) -> int:
    """Return what all calls cost in nano-USD, once none is running."""
    assert simulator.ledger.wait_until_final()
    return simulator.ledger.total_nano_usd()


def wait_for(condition: Callable[[], bool]) -> None:
    """Poll until a condition holds, at most 10 s."""
    pause = threading.Event()
    assert any(condition() or pause.wait(0.01) for _ in range(1000)), "it did not happen"


@contextmanager
def running(**settings: Any) -> Iterator[Simulator]:
    """Run a simulator that accepts `KEY` and `MANAGEMENT_KEY`, with the echo model alone."""
    with Simulator(keys={KEY}, management_keys={MANAGEMENT_KEY}, **settings) as simulator:
        yield simulator
