"""A stream as upstream sends it, and its pieces."""

import json
from typing import Any

from weir.domain.generations import GenerationId

UPSTREAM_ID = "gen-1763812345-AbCdEfGhIjKlMnOpQrSt"
OUR_ID = GenerationId("gen-1763812399-00ZyXwVuTsRqPoNmLkJi")

USAGE: dict[str, Any] = {
    "prompt_tokens": 14,
    "completion_tokens": 9,
    "total_tokens": 23,
    "cost": 0.00012,
    "is_byok": False,
    "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
    "cost_details": {
        "upstream_inference_cost": None,
        "upstream_inference_prompt_cost": 4e-05,
        "upstream_inference_completions_cost": 8e-05,
    },
    "completion_tokens_details": {"reasoning_tokens": 2, "image_tokens": 0},
}


def event(content: dict[str, Any], *, spaced: bool = False) -> bytes:
    separators = (", ", ": ") if spaced else (",", ":")
    text = json.dumps(content, ensure_ascii=False, separators=separators)
    return b"data: " + text.encode() + b"\n\n"


def chunk(delta: dict[str, Any], *, finish: str | None = None, **extra: Any) -> dict[str, Any]:
    return {
        "id": UPSTREAM_ID,
        "provider": "OpenAI",
        "model": "openai/gpt-4o-mini",
        "object": "chat.completion.chunk",
        "created": 1763812345,
        "choices": [
            {
                "index": 0,
                "delta": delta,
                "finish_reason": finish,
                "native_finish_reason": finish,
                "logprobs": None,
            }
        ],
        **extra,
    }


REASONING = {
    "type": "reasoning.text",
    "text": "th",
    "format": "anthropic-claude-v1",
    "index": 0,
}
TOOL_CALL = {
    "index": 0,
    "id": "call_1",
    "type": "function",
    "function": {"name": "f", "arguments": ""},
}
CHUNKS = (
    chunk({"role": "assistant", "content": ""}),
    chunk(
        {"role": "assistant", "content": "", "reasoning": "th", "reasoning_details": [REASONING]}
    ),
    chunk({"content": "Hello"}),
    chunk({"content": 'a\u2028b\u0085c 日本 😀 "usage" "error" [DONE] data: \n\n'}),
    chunk({"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]}),
    chunk({"content": ""}, finish="stop"),
    chunk({"role": "assistant", "content": ""}, finish="stop", usage=USAGE),
)
DONE = b"data: [DONE]\n\n"
COMMENT = b": OPENROUTER PROCESSING\n\n"


def stream(*, spaced: bool = False) -> bytes:
    events = [event(content, spaced=spaced) for content in CHUNKS]
    return COMMENT + events[0] + COMMENT + b"".join(events[1:]) + DONE


def renamed(body: bytes) -> bytes:
    return body.replace(UPSTREAM_ID.encode(), OUR_ID.encode())


def text_chunk(text: str, *, finish: str | None = None, **extra: Any) -> dict[str, Any]:
    choice = {
        "index": 0,
        "text": text,
        "logprobs": None,
        "finish_reason": finish,
        "native_finish_reason": finish,
    }
    return {
        "id": UPSTREAM_ID,
        "provider": "OpenAI",
        "model": "openai/gpt-3.5-turbo-instruct",
        "object": "text_completion",
        "created": 1763812345,
        "choices": [choice],
        **extra,
    }


LOGPROBS = {"tokens": [" a"], "token_logprobs": [-0.5], "top_logprobs": None, "text_offset": [9]}
TEXT_CHUNKS = (
    text_chunk(" a"),
    text_chunk('a\u2028b\u0085c 日本 😀 "usage" "error" [DONE] data: \n\n'),
    {**text_chunk(" b"), "choices": [{"index": 1, "text": " b", "logprobs": LOGPROBS}]},
    text_chunk("", finish="length"),
    text_chunk("", finish="length", usage=USAGE),
)


def text_stream(*, spaced: bool = False) -> bytes:
    return COMMENT + b"".join(event(content, spaced=spaced) for content in TEXT_CHUNKS) + DONE


def error_chunk(error: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": UPSTREAM_ID,
        "object": "chat.completion.chunk",
        "created": 1763812345,
        "model": "openai/gpt-4o-mini",
        "provider": "OpenAI",
        "error": error,
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
    }


def content_of(raw: bytes) -> dict[str, Any]:
    assert raw.startswith(b"data: ")
    assert raw.endswith(b"\n\n")
    content = json.loads(raw[len(b"data: ") :])
    assert isinstance(content, dict)
    return content
