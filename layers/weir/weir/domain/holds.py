"""Holds: the worst-case cost of a request in flight, and how it is estimated.

A hold is taken before the upstream call and replaced by the usage record's cost afterwards. The
estimate only decides what may start; the bill is always upstream's own `usage.cost`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from weir.domain.generations import GenerationId
from weir.domain.money import NanoUsd, nano_ceil
from weir.domain.periods import LimitPeriod
from weir.domain.price_plans import PricePlan
from weir.domain.prices import ModelPrice
from weir.domain.requests import ChatRequest
from weir.domain.tenants import PromptBound

# Chat templates wrap each message in a few control tokens; 16 covers the families in use.
TOKENS_PER_MESSAGE = 16
# Vision encoders bill up to a few thousand tokens an image; audio and documents grow with size.
TOKENS_PER_MEDIA_PART = 8192
MEDIA_BYTES_PER_TOKEN = 4
# A catalogue states what a model's own provider takes for a search; the engines that search for all
# other models, the free ones too, take up to this for a result (openrouter.ai/docs, web search).
MIN_WEB_SEARCH_PICO_USD = 5_000_000_000


class Level(StrEnum):
    """An account below the tenant's that a request is held on as well. The stored letters."""

    KEY = "k"
    END_USER = "u"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Credit that is set aside for one request until its usage record replaces it.

    The hold on the tenant's account is the first taken and the last released, and tells all that
    is needed to repair the request: it alone is the sweeper's work list.

    Attributes:
        estimate_nano_usd: Highest price the request can reach; what is set aside.
        key_id: The API key that asked; written to the record by whoever settles.
        model: As requested.
        upstream_generation_id: Known after the checkpoint; lets the sweeper ask upstream's ledger.
        end_user: Who asked, in the tenant's own words; see `end_users`.
        levels: The accounts below the tenant's it is held on as well.
        plan_version: The tenant's price plan when the hold was taken.
        period: Of the limit of the account this hold is on; names the counter to settle.
    """

    generation_id: GenerationId
    estimate_nano_usd: NanoUsd
    key_id: str
    model: str
    upstream_generation_id: str | None = None
    end_user: str | None = None
    levels: frozenset[Level] = frozenset()
    plan_version: int = 0
    period: LimitPeriod = LimitPeriod.MONTHLY


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
    return text + media + request.token_ids + request.messages * TOKENS_PER_MESSAGE


def estimate(
    request: ChatRequest,
    *,
    prices: Mapping[str, ModelPrice],
    bound: PromptBound,
    plan: PricePlan,
) -> NanoUsd:
    """Return the highest price the tenant can owe for the request, whichever model answers.

    Args:
        prices: Model → upstream's price, for each model that may answer; not empty.
        bound: The tenant's way to bound the prompt.
        plan: The tenant's price plan.
    """
    tokens = prompt_tokens(request, bound=bound)
    return max(
        plan.price(
            model,
            cost_nano_usd=_cost(request, price=price, tokens=tokens),
            prompt_tokens=tokens,
            completion_tokens=request.max_tokens,
        )
        for model, price in prices.items()
    )


def _cost(request: ChatRequest, *, price: ModelPrice, tokens: int) -> NanoUsd:
    prompt, completion = tokens, request.max_tokens
    if price.context_tokens is not None:
        prompt = min(prompt, price.context_tokens * request.prompts)
        completion = min(completion, price.context_tokens * request.completions)
    return nano_ceil(
        prompt * price.prompt_pico_usd
        + completion * price.completion_pico_usd
        + request.prompts * price.request_pico_usd
        + request.media_parts * price.image_pico_usd
        + request.web_searches * max(price.web_search_pico_usd, MIN_WEB_SEARCH_PICO_USD)
    )
