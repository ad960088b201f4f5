"""Prices in the catalogue as a tenant pays them: exact decimal texts in USD, never floats.

Fixed prices replace all that upstream charges for; a multiplier goes for every price there is,
those of conditional overrides included.
"""

from decimal import Context, Decimal, InvalidOperation
from typing import Any

from weir.domain.catalogue import Entry
from weir.domain.price_plans import UNIT_PPM, PricePlan, TokenPrices

UNKNOWN = "-1"
"""What the catalogue says of a price that depends on the request."""

_PICO_PER_USD = Decimal(10**12)
_MAX_USD = Decimal(10**6)
_MIN_EXPONENT = -40
_MAX_CHARS = 48
# More digits than a price of 48 characters and a multiplier can have together.
_EXACT = Context(prec=80)


def priced(entry: Entry, *, model: str, plan: PricePlan) -> Entry:
    """Return a model or endpoint with its prices as they are under a plan.

    Args:
        entry: Has its prices in `pricing`.
        model: The id of the model that it is, or is an endpoint of.
        plan: The tenant's.
    """
    rate = plan.rate(model)
    pricing = entry.get("pricing")
    if rate == UNIT_PPM or not isinstance(pricing, dict):
        return entry
    if isinstance(rate, TokenPrices):
        return {**entry, "pricing": _fixed(rate)}
    return {**entry, "pricing": _multiplied(pricing, rate=rate)}


def price(entry: Entry, name: str) -> Decimal | None:
    """Return a price of a model in USD, for one token or unit; None when there is no fixed one."""
    pricing = entry.get("pricing")
    return _read(pricing.get(name)) if isinstance(pricing, dict) else None


def _fixed(rate: TokenPrices) -> dict[str, str]:
    return {
        "prompt": _text(Decimal(rate.prompt_pico_usd) / _PICO_PER_USD),
        "completion": _text(Decimal(rate.completion_pico_usd) / _PICO_PER_USD),
        "request": _text(Decimal(rate.request_pico_usd) / _PICO_PER_USD),
    }


def _multiplied(pricing: dict[str, Any], *, rate: int) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, value in pricing.items():
        if isinstance(value, str):
            shown[name] = _scaled(value, rate=rate)
        elif isinstance(value, list):
            overrides = (override for override in value if isinstance(override, dict))
            shown[name] = [_multiplied(override, rate=rate) for override in overrides]
        elif name != "discount":  # upstream's own, and no part of the tenant's price
            shown[name] = value
    return shown


def _scaled(written: str, *, rate: int) -> str:
    cost = _read(written)
    if cost is None:
        return UNKNOWN
    return _text(_EXACT.divide(_EXACT.multiply(cost, Decimal(rate)), Decimal(UNIT_PPM)))


def _read(written: object) -> Decimal | None:
    if not isinstance(written, str) or len(written) > _MAX_CHARS:
        return None
    try:
        found = Decimal(written)
    except InvalidOperation:
        return None
    if not found.is_finite() or not 0 <= found <= _MAX_USD:
        return None
    return found if found.adjusted() >= _MIN_EXPONENT or not found else None


def _text(amount: Decimal) -> str:
    return f"{amount.normalize(_EXACT):f}"
