"""Price plans: what a tenant pays for what upstream charges.

The operator is charged upstream's cost; the tenant owes the price its plan makes of it. The default
plan makes price = cost. A plan never changes: another one has another version, so that every usage
record can be recalculated from what it says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from weir.domain.money import NanoUsd, PicoUsd, nano_ceil

UNIT_PPM = 1_000_000
"""A multiplier of one: price = cost."""
MAX_MULTIPLIER_PPM = 100 * UNIT_PPM
MAX_PICO_USD = 10**15
"""Highest fixed price: 1,000 USD for one token or one request can only be a slip."""
MAX_MODELS = 500
"""A plan is stored with its tenant, and read with it."""
MAX_VERSION = 999_999

_MAX_MODEL_CHARS = 256
# What was asked for as `maker/model` may be answered as `maker/model-2026-07-18`, or -20260718.
_RELEASE_DATE = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPrices:
    """Fixed prices of one model, whatever upstream charges, in pico-USD."""

    prompt_pico_usd: PicoUsd
    completion_pico_usd: PicoUsd
    request_pico_usd: PicoUsd = PicoUsd(0)

    def __post_init__(self) -> None:
        """Refuse prices that cannot be meant.

        Raises:
            ValueError: One is no integer from 0 to `MAX_PICO_USD`.
        """
        for name in ("prompt_pico_usd", "completion_pico_usd", "request_pico_usd"):
            _check_range(name, getattr(self, name), high=MAX_PICO_USD)

    def price(self, *, prompt_tokens: int, completion_tokens: int) -> NanoUsd:
        """Return the price of a request, rounded up to whole nano-USD."""
        return nano_ceil(
            prompt_tokens * self.prompt_pico_usd
            + completion_tokens * self.completion_pico_usd
            + self.request_pico_usd
        )


Rate = int | TokenPrices
"""A multiplier of upstream's cost in millionths, or fixed prices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePlan:
    """A tenant's prices.

    Attributes:
        version: 0 is the default plan; every change of a tenant's plan takes the next number.
        multiplier_ppm: Of upstream's cost, in millionths: 1_150_000 adds 15 %.
        models: Model → its own rate instead of the multiplier. A model without an entry is looked
            up without its `:variant`, and then without the date of its release as well.
    """

    version: int = 0
    multiplier_ppm: int = UNIT_PPM
    models: Mapping[str, Rate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a plan that cannot be meant, before anybody is billed by it.

        Raises:
            ValueError: A number is out of range, a name is no model's, there are more than
                `MAX_MODELS`, or version 0 has prices of its own.
        """
        _check_range("the version of a price plan", self.version, high=MAX_VERSION)
        _check_range("multiplier_ppm", self.multiplier_ppm, high=MAX_MULTIPLIER_PPM)
        if len(self.models) > MAX_MODELS:
            raise ValueError(f"a price plan names at most {MAX_MODELS} models")
        for model, rate in self.models.items():
            _check_model(model)
            if not isinstance(rate, TokenPrices):
                _check_range(f"the multiplier of {model}", rate, high=MAX_MULTIPLIER_PPM)
        if self.version == 0 and not self.is_at_cost:
            raise ValueError("version 0 is the plan at cost; prices take a version from 1 on")

    @property
    def is_at_cost(self) -> bool:
        """Tell whether every price equals its cost."""
        return self.multiplier_ppm == UNIT_PPM and not self.models

    def price(
        self, model: str, *, cost_nano_usd: NanoUsd, prompt_tokens: int, completion_tokens: int
    ) -> NanoUsd:
        """Return what is owed for a cost: the one rounding of a price, upwards.

        Args:
            model: The model that answered, or may answer.
            cost_nano_usd: Upstream's cost, or a bound of it.
            prompt_tokens: As upstream counted them, or a bound.
            completion_tokens: As upstream counted them, or a bound.
        """
        rate = self.rate(model)
        if isinstance(rate, TokenPrices):
            return rate.price(prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)
        return NanoUsd(-(-cost_nano_usd * rate // UNIT_PPM))

    def rate(self, model: str) -> Rate:
        """Return what makes a model's price of its cost."""
        plain = model.partition(":")[0]
        for name in (model, plain, _RELEASE_DATE.sub("", plain)):
            if name in self.models:
                return self.models[name]
        return self.multiplier_ppm


def _check_range(name: str, amount: int, *, high: int) -> None:
    if type(amount) is not int or not 0 <= amount <= high:
        raise ValueError(f"{name} must be an integer from 0 to {high}, not {amount!r}")


def _check_model(model: str) -> None:
    if not (0 < len(model) <= _MAX_MODEL_CHARS and model.isprintable() and " " not in model):
        raise ValueError(f"{model!r} is no model's name")


AT_COST = PricePlan()
"""The default plan: price = cost."""
