"""Prices of models. They bound holds only; the bill is always upstream's own `usage.cost`."""

from dataclasses import dataclass

from weir.domain.money import PicoUsd


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrice:
    """Highest price of a model, in pico-USD per token or per unit.

    `context_tokens` and `max_completion_tokens` bound what can be charged; None when unknown.
    """

    prompt_pico_usd: PicoUsd
    completion_pico_usd: PicoUsd
    request_pico_usd: PicoUsd = PicoUsd(0)
    image_pico_usd: PicoUsd = PicoUsd(0)
    web_search_pico_usd: PicoUsd = PicoUsd(0)
    context_tokens: int | None = None
    max_completion_tokens: int | None = None
