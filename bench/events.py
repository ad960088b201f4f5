"""The proxy events that the bench sends, as API Gateway writes them."""

import json

from bench.processes import ROOT
from bench.tenant import API_KEY

_PROMPT = "Explain the theory of relativity in plain words. "
_REQUEST_BYTES = 2_048
_IMAGE_BYTES = 2_000_000


def plain() -> bytes:
    """Return a request of 2 KB for a whole answer."""
    return _event({"model": "bench/n1-d0", "max_tokens": 256, "messages": _messages()})


def streamed(*, chunks: int, delay_ms: int) -> bytes:
    """Return a request of 2 KB for a stream."""
    model = f"bench/n{chunks}-d{delay_ms}"
    body = {"model": model, "stream": True, "max_tokens": 256, "messages": _messages()}
    return _event(body)


def large() -> bytes:
    """Return a request that carries an image of 2 MB."""
    image = {"url": "data:image/png;base64," + "iVBORw0K" * (_IMAGE_BYTES // 8)}
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": image},
    ]
    messages = [{"role": "user", "content": parts}]
    return _event({"model": "bench/n1-d0", "max_tokens": 256, "messages": messages})


def _messages() -> list[dict[str, str]]:
    question = _PROMPT * (_REQUEST_BYTES // len(_PROMPT) - 3)
    return [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": question},
    ]


def _event(body: dict[str, object]) -> bytes:
    event = json.loads((ROOT / "events" / "chat_completions.json").read_text())
    event["headers"]["Authorization"] = f"Bearer {API_KEY}"
    event["multiValueHeaders"]["Authorization"] = [f"Bearer {API_KEY}"]
    event["body"] = json.dumps(body)
    event["isBase64Encoded"] = False
    return json.dumps(event).encode()
