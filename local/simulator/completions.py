"""The bodies of chat answers: the plain result, the stream's chunks, and `usage`."""

from typing import Any, Final

from local.simulator.errors import provider_failure
from local.simulator.ledger import LedgerEntry
from local.simulator.prices import usd_number
from local.simulator.wire import encode_json

PROCESSING: Final = b": OPENROUTER PROCESSING\n\n"
DONE: Final = b"data: [DONE]\n\n"


def result(entry: LedgerEntry, text: str) -> dict[str, Any]:
    """Return the body of a plain answer."""
    message = {"role": "assistant", "content": text, "refusal": None, "reasoning": None}
    return {
        **_identity(entry, kind="chat.completion"),
        "system_fingerprint": None,
        "choices": [_choice(entry.finish_reason, message=message)],
        "usage": usage(entry),
    }


def partial_result(entry: LedgerEntry, text: str) -> dict[str, Any]:
    """Return a plain answer that broke off: what there is of it, and why it ends."""
    body = result(entry, text)
    body["choices"][0]["error"] = provider_failure()
    return body


def chunk(
    entry: LedgerEntry, text: str = "", *, finish_reason: str | None = None
) -> dict[str, Any]:
    """Return one chunk of a stream."""
    delta = {"role": "assistant", "content": text}
    return {
        **_identity(entry, kind="chat.completion.chunk"),
        "choices": [_choice(finish_reason, delta=delta)],
        "system_fingerprint": None,
    }


def usage_chunk(entry: LedgerEntry) -> dict[str, Any]:
    """Return the chunk after the finish; its `choices` is not empty, as OpenRouter's is not."""
    return {**chunk(entry, finish_reason=entry.finish_reason), "usage": usage(entry)}


def error_chunk(entry: LedgerEntry) -> dict[str, Any]:
    """Return the event that ends a failed stream."""
    return {
        **_identity(entry, kind="chat.completion.chunk"),
        "error": provider_failure(),
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
    }


def usage(entry: LedgerEntry) -> dict[str, Any]:
    """Return what a generation used and cost."""
    cost = usd_number(entry.cost_nano_usd)
    return {
        "prompt_tokens": entry.prompt_tokens,
        "completion_tokens": entry.completion_tokens,
        "total_tokens": entry.prompt_tokens + entry.completion_tokens,
        "cost": cost,
        "is_byok": False,
        "prompt_tokens_details": {
            "cached_tokens": entry.cached_tokens,
            "cache_write_tokens": 0,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "cost_details": {
            "upstream_inference_cost": cost,
            "upstream_inference_prompt_cost": usd_number(entry.prompt_cost_nano_usd),
            "upstream_inference_completions_cost": usd_number(entry.completion_cost_nano_usd),
        },
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "image_tokens": 0,
            "audio_tokens": 0,
        },
    }


def event(body: dict[str, Any]) -> bytes:
    """Return one server-sent event."""
    return b"data: " + encode_json(body) + b"\n\n"


def _identity(entry: LedgerEntry, *, kind: str) -> dict[str, Any]:
    return {
        "id": entry.id,
        "provider": entry.provider,
        "model": entry.model,
        "object": kind,
        "created": entry.created,
    }


def _choice(finish_reason: str | None, **content: dict[str, Any]) -> dict[str, Any]:
    return {
        "index": 0,
        "logprobs": None,
        "finish_reason": finish_reason,
        "native_finish_reason": finish_reason,
        **content,
    }
