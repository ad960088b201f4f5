"""Prices of models. They bound holds only; the bill is always upstream's own `usage.cost`."""

from dataclasses import dataclass

from weir.domain.money import PicoUsd


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrice:
    """Highest price of a model, in pico-USD per token or per unit.

    `context_tokens` bounds what can be charged; None when unknown. The longest completion does not:
    the catalogue states that of one endpoint, and another one may answer.
    """

    prompt_pico_usd: PicoUsd
    completion_pico_usd: PicoUsd
    request_pico_usd: PicoUsd = PicoUsd(0)
    image_pico_usd: PicoUsd = PicoUsd(0)
    web_search_pico_usd: PicoUsd = PicoUsd(0)
    context_tokens: int | None = None
