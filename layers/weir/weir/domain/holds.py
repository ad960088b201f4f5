"""Holds: the worst-case cost of a request in flight, and how it is estimated.

A hold is taken before the upstream call and replaced by the usage record's cost afterwards. The
estimate only decides what may start; the bill is always upstream's own `usage.cost`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from weir.domain.generations import GenerationId
from weir.domain.money import NanoUsd, nano_ceil
from weir.domain.prices import ModelPrice
from weir.domain.requests import ChatRequest
from weir.domain.tenants import PromptBound

# Chat templates wrap each message in a few control tokens; 16 covers the families in use.
TOKENS_PER_MESSAGE = 16
# Vision encoders bill up to a few thousand tokens an image; audio and documents grow with size.
TOKENS_PER_MEDIA_PART = 8192
MEDIA_BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Credit that is set aside for one request until its usage record replaces it.

    Attributes:
        estimate_nano_usd: Highest cost the request can reach; what is set aside.
        key_id: The API key that asked; written to the record by whoever settles.
        model: As requested.
        upstream_generation_id: Known after the checkpoint; lets the sweeper ask upstream's ledger.
    """

    generation_id: GenerationId
    estimate_nano_usd: NanoUsd
    key_id: str
    model: str
    upstream_generation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What a request asks of an account: a hold and its share of the minute's tokens."""

    hold: Hold
    tokens: int
    now_ms: int


def prompt_tokens(request: ChatRequest, *, bound: PromptBound) -> int:
    """Bound the tokens of a prompt without a tokenizer.

    A byte-level token is at least one byte, so `STRICT` counts bytes; `TYPICAL` halves them.
    """
    text = request.prompt_bytes
    if bound is PromptBound.TYPICAL:
        text = -(-text // 2)
    media = request.media_parts * TOKENS_PER_MEDIA_PART
    media += request.media_bytes // MEDIA_BYTES_PER_TOKEN
    return text + media + request.messages * TOKENS_PER_MESSAGE


def estimate(request: ChatRequest, *, prices: Iterable[ModelPrice], bound: PromptBound) -> NanoUsd:
    """Return the highest cost the request can reach with any of its models.

    Args:
        prices: One price for each model that may answer; not empty.
        bound: The tenant's way to bound the prompt.
    """
    tokens = prompt_tokens(request, bound=bound)
    return max(_cost(request, price=price, tokens=tokens) for price in prices)


def _cost(request: ChatRequest, *, price: ModelPrice, tokens: int) -> NanoUsd:
    prompt, completion = tokens, request.max_tokens
    if price.context_tokens is not None:
        prompt = min(prompt, price.context_tokens)
        completion = min(completion, price.context_tokens)
    return nano_ceil(
        prompt * price.prompt_pico_usd
        + completion * price.completion_pico_usd
        + price.request_pico_usd
        + request.media_parts * price.image_pico_usd
        + request.web_searches * price.web_search_pico_usd
    )
