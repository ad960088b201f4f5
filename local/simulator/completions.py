"""The bodies of answers: the plain result, the stream's chunks, and `usage`."""

from collections.abc import Sequence
from typing import Any, Final

from local.simulator.echo import Piece
from local.simulator.errors import provider_failure
from local.simulator.ledger import Kind, LedgerEntry
from local.simulator.prices import usd_number
from local.simulator.wire import encode_json

PROCESSING: Final = b": OPENROUTER PROCESSING\n\n"
DONE: Final = b"data: [DONE]\n\n"


def result(entry: LedgerEntry, pieces: Sequence[Piece]) -> dict[str, Any]:
    """Return the body of a plain answer: what was said of each choice, under its index."""
    said: dict[int, list[Piece]] = {}
    for piece in pieces:
        if piece.text or piece.tool_call or piece.finish_reason:
            said.setdefault(piece.index, []).append(piece)
    fingerprint = {} if entry.kind is Kind.TEXT else {"system_fingerprint": None}
    return {
        **_identity(entry, kind=entry.kind),
        **fingerprint,
        "choices": [_whole_choice(entry, said[index]) for index in sorted(said)],
        "usage": usage(entry),
    }


def partial_result(entry: LedgerEntry, pieces: Sequence[Piece]) -> dict[str, Any]:
    """Return a plain answer that broke off: what there is of it, and why it ends."""
    body = result(entry, pieces)
    body["choices"][0] |= {"finish_reason": "error", "native_finish_reason": "error"}
    body["choices"][0]["error"] = provider_failure()
    return body


def chunk(entry: LedgerEntry, piece: Piece) -> dict[str, Any]:
    """Return one chunk of a stream."""
    delta: dict[str, Any] = {"role": "assistant", "content": piece.text}
    if piece.tool_call:
        delta["tool_calls"] = [{"index": 0, **piece.tool_call.as_json(entry.id)}]
    content: dict[str, Any] = {"delta": delta}
    if entry.kind is Kind.TEXT:
        content = {"text": piece.text, "logprobs": _logprobs([piece])}
    return {
        **_identity(entry, kind=_chunk_kind(entry)),
        "choices": [_choice(piece, **content)],
    }


def usage_chunk(entry: LedgerEntry, last: Piece) -> dict[str, Any]:
    """Return the chunk after the finish; its `choices` is not empty, as OpenRouter's is not."""
    return {**chunk(entry, last), "usage": usage(entry)}


def error_chunk(entry: LedgerEntry) -> dict[str, Any]:
    """Return the event that ends a failed stream."""
    nothing = {"text": ""} if entry.kind is Kind.TEXT else {"delta": {"content": ""}}
    return {
        **_identity(entry, kind=_chunk_kind(entry)),
        "error": provider_failure(),
        "choices": [{"index": 0, **nothing, "finish_reason": "error"}],
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


def _chunk_kind(entry: LedgerEntry) -> str:
    return entry.kind if entry.kind is Kind.TEXT else f"{entry.kind}.chunk"


def _whole_choice(entry: LedgerEntry, pieces: Sequence[Piece]) -> dict[str, Any]:
    text = "".join(piece.text for piece in pieces)
    if entry.kind is Kind.TEXT:
        return _choice(pieces[-1], text=text, logprobs=_logprobs(pieces))
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text,
        "refusal": None,
        "reasoning": None,
    }
    if call := pieces[0].tool_call:
        message |= {"content": None, "tool_calls": [call.as_json(entry.id)]}
    return _choice(pieces[-1], message=message)


def _choice(last: Piece, **content: Any) -> dict[str, Any]:
    return {
        "index": last.index,
        "logprobs": None,
        "finish_reason": last.finish_reason,
        "native_finish_reason": last.finish_reason,
        **content,
    }


def _logprobs(pieces: Sequence[Piece]) -> dict[str, Any] | None:
    told = [(piece, piece.likelihood) for piece in pieces if piece.likelihood is not None]
    if not told:
        return None
    return {
        "tokens": [piece.text for piece, _ in told],
        "token_logprobs": [likelihood.logprob for _, likelihood in told],
        "top_logprobs": [dict(likelihood.alternatives) for _, likelihood in told],
        "text_offset": [piece.offset for piece, _ in told],
    }
