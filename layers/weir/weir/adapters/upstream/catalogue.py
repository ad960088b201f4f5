"""Prices of models from upstream's catalogue; they bound holds, they never bill."""

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

from weir.adapters.cache import TimedCache
from weir.adapters.upstream.api import UpstreamApi
from weir.domain.errors import ProviderError
from weir.domain.money import PicoUsd, pico_usd
from weir.domain.ports import Clock
from weir.domain.prices import ModelPrice

FOUND_TTL_MS = 600_000
ABSENT_TTL_MS = 60_000
STALE_MS = 86_400_000
MAX_ENTRIES = 2_000

# Each segment starts with a letter or digit, so that none can be `..` or climb out of the route.
_MODEL = re.compile(
    r"~?[a-z0-9](?:[\w-]|\.(?!\.)){0,99}/[a-z0-9](?:[\w-]|\.(?!\.)){0,199}(?::[a-z0-9-]{1,50})?",
    re.ASCII | re.IGNORECASE,
)
_UNKNOWN_MODEL = frozenset({400, 404})

_PROMPT = ("prompt", "input_cache_write", "input_cache_write_1h")
_COMPLETION = ("completion", "internal_reasoning", "audio_output")

logger = logging.getLogger(__name__)


class UpstreamPrices:
    """Implements `PriceList` over `GET /model/{author}/{slug}`, remembered for ten minutes.

    While the catalogue cannot be read, a price of the last day still bounds holds well enough.
    """

    def __init__(self, api: UpstreamApi, *, clock: Clock) -> None:
        self._api = api
        self._cache: TimedCache[str, ModelPrice | None] = TimedCache(
            clock=clock, max_entries=MAX_ENTRIES
        )

    def price(self, model: str) -> ModelPrice | None:
        """Return the highest price of a model, or None when it has no known price.

        Raises:
            ProviderError: The catalogue cannot be read and nothing is remembered.
        """
        if not _MODEL.fullmatch(model):
            return None
        remembered = self._cache.get(model)
        if remembered is not None:
            return remembered.value
        try:
            price = self._read(model)
        except ProviderError:
            stale = self._cache.get(model, grace_ms=STALE_MS)
            if stale is None:
                raise
            logger.warning("upstream: the catalogue cannot be read; using an older price")
            self._cache.put(model, stale.value, ttl_ms=ABSENT_TTL_MS)
            return stale.value
        self._cache.put(model, price, ttl_ms=FOUND_TTL_MS if price else ABSENT_TTL_MS)
        return price

    def _read(self, model: str) -> ModelPrice | None:
        try:
            data = self._api.look_up(f"/model/{model}")
        except ProviderError as error:
            if error.status in _UNKNOWN_MODEL:
                return None
            raise
        return parse_price(data)


def parse_price(model: Mapping[str, Any]) -> ModelPrice | None:
    """Read the highest price from a `Model` of the catalogue; None when one is not stated.

    The highest over the conditional overrides (long contexts, hours of the day) and over the kinds
    of token that share a bound, because a hold is taken before anybody knows which will apply.
    """
    pricing = model.get("pricing")
    if not isinstance(pricing, dict):
        return None
    try:
        prompt, completion = _highest(pricing, *_PROMPT), _highest(pricing, *_COMPLETION)
        if prompt is None or completion is None:
            return None
        return ModelPrice(
            prompt_pico_usd=prompt,
            completion_pico_usd=completion,
            request_pico_usd=_highest(pricing, "request") or PicoUsd(0),
            image_pico_usd=_highest(pricing, "image") or PicoUsd(0),
            web_search_pico_usd=_highest(pricing, "web_search") or PicoUsd(0),
            context_tokens=_count(model.get("context_length")),
        )
    except ValueError:
        return None


def _highest(pricing: Mapping[str, Any], *names: str) -> PicoUsd | None:
    """Return the highest price of these names; None unless the first has a base price."""
    if names[0] not in pricing:
        return None
    return max(
        pico_usd(str(prices[name]))
        for prices in _alternatives(pricing)
        for name in names
        if name in prices
    )


def _alternatives(pricing: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield pricing
    overrides = pricing.get("overrides")
    if isinstance(overrides, list):
        yield from (entry for entry in overrides if isinstance(entry, dict))


def _count(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if value > 0 else None
