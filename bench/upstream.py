"""A stand-in for OpenRouter, as a process: `python -m bench.upstream` prints its port.

The model says how it answers: `bench/n1000-d1` streams 1,000 chunks, 1 ms apart; `d0` is as fast
as possible, still one write a chunk.
"""

import json
import re
import time
from collections import deque
from typing import Any

from bench.stub_http import Send, StubRequest, StubServer, response

GENERATION_ID = "gen-1700000000-AbCdEfGhIjKlMnOpQrSt"

_MODEL = re.compile(rb'"model"\s*:\s*"(bench/n(\d+)-d(\d+))"')
_STREAM = re.compile(rb'"stream"\s*:\s*true')
_USAGE = {"prompt_tokens": 320, "completion_tokens": 240, "total_tokens": 560, "cost": 0.00123}
_HEADERS = (("X-Generation-Id", GENERATION_ID),)
_STREAM_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    f"X-Generation-Id: {GENERATION_ID}\r\nTransfer-Encoding: chunked\r\n\r\n"
).encode()
_ANSWER_CHARS = 1080
# The events of the bench name model and mode first; a large body is not searched to its end.
_SEARCHED_BYTES = 256
_KEPT_ARRIVALS = 64


class Upstream:
    """Answers chat requests and the catalogue's question for a price."""

    def __init__(self) -> None:
        # When each chat request arrived, on the clock that all processes share.
        self._arrivals: deque[float] = deque(maxlen=_KEPT_ARRIVALS)
        self.server = StubServer(self.respond)

    def respond(self, request: StubRequest, send: Send) -> None:
        if request.target == "/stats":
            send(response(json.dumps(self._stats()).encode()))
        elif "/model/" in request.target:
            send(response(json.dumps({"data": catalogue_entry(request.target)}).encode()))
        else:
            self._arrivals.append(time.monotonic())
            _chat(request.body, send)

    def _stats(self) -> dict[str, Any]:
        return {"connections": self.server.connections, "arrivals": list(self._arrivals)}


def catalogue_entry(target: str) -> dict[str, Any]:
    """Return a model of the catalogue with a price."""
    return {
        "id": target.partition("/model/")[2],
        "name": "Bench",
        "context_length": 128_000,
        "pricing": {"prompt": "0.00000015", "completion": "0.0000006", "request": "0"},
        "top_provider": {"context_length": 128_000, "max_completion_tokens": 16_384},
    }


def plain_answer(model: str) -> bytes:
    """Return a whole answer."""
    message = {"role": "assistant", "content": "x" * _ANSWER_CHARS, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return json.dumps(_envelope(model, "chat.completion", [choice], usage=_USAGE)).encode()


def chunk_event(model: str, text: str, *, finish: str | None = None, **extra: Any) -> bytes:
    """Return one event of a stream, of the size that models really send."""
    delta = {"role": "assistant", "content": text}
    choice = {
        "index": 0,
        "delta": delta,
        "finish_reason": finish,
        "native_finish_reason": finish,
        "logprobs": None,
    }
    document = _envelope(model, "chat.completion.chunk", [choice], **extra)
    return b"data: " + json.dumps(document, separators=(",", ":")).encode() + b"\n\n"


def _envelope(model: str, kind: str, choices: list[Any], **extra: Any) -> dict[str, Any]:
    return {
        "id": GENERATION_ID,
        "provider": "Bench",
        "model": model,
        "object": kind,
        "created": 1_700_000_000,
        "choices": choices,
        **extra,
    }


def _chat(body: bytes, send: Send) -> None:
    head = body[:_SEARCHED_BYTES]
    found = _MODEL.search(head)
    if found is None:
        raise ValueError("the request names no model of the bench")
    model = found[1].decode()
    if _STREAM.search(head):
        _stream(model, count=int(found[2]), delay_s=int(found[3]) / 1000, send=send)
    else:
        send(response(plain_answer(model), headers=_HEADERS))


def _stream(model: str, *, count: int, delay_s: float, send: Send) -> None:
    before, after = chunk_event(model, "\x00").split(rb"\u0000")
    send(_STREAM_HEAD)
    for number in range(count):
        send(_framed(b"%b w%05d%b" % (before, number, after)))
        if delay_s:
            time.sleep(delay_s)
    send(_framed(chunk_event(model, "", finish="stop")))
    send(_framed(chunk_event(model, "", usage=_USAGE)))
    send(_framed(b"data: [DONE]\n\n") + b"0\r\n\r\n")


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


if __name__ == "__main__":
    Upstream().server.run()
