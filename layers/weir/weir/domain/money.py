"""Money as integers: the ledger counts nano-USD, token prices are pico-USD.

The only module that rounds. Floats never enter: wire JSON is parsed with `parse_float=Decimal`.
"""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import NewType

NanoUsd = NewType("NanoUsd", int)
PicoUsd = NewType("PicoUsd", int)

_NANO_PER_USD = Decimal(10**9)
_PICO_PER_USD = Decimal(10**12)
_PICO_PER_NANO = 1_000
_MAX_USD = Decimal(10**9)


def nano_usd(usd: Decimal | int) -> NanoUsd:
    """Convert an amount in USD to nano-USD, half to even: the one rounding of a request's cost.

    Raises:
        ValueError: The amount is negative, not finite, or above one billion USD.
    """
    return NanoUsd(_scaled(Decimal(usd), _NANO_PER_USD))


def pico_usd(usd: Decimal | str) -> PicoUsd:
    """Convert a price in USD per unit, as `/models` states it, to pico-USD per unit.

    Raises:
        ValueError: The price is no number, negative ("-1" means unknown), or not finite.
    """
    try:
        return PicoUsd(_scaled(Decimal(usd), _PICO_PER_USD))
    except InvalidOperation as error:
        raise ValueError(f"{usd!r} is not a price") from error


def usd(amount: NanoUsd) -> Decimal:
    """Return nano-USD as an exact decimal number of USD."""
    return Decimal(amount) / _NANO_PER_USD


def usd_text(amount: NanoUsd) -> str:
    """Write nano-USD as an exact number of USD: all its digits, no exponent."""
    return f"{usd(amount):f}"


def nano_ceil(amount: PicoUsd | int) -> NanoUsd:
    """Round pico-USD up to whole nano-USD; for estimates, which may never be too small."""
    return NanoUsd(-(-int(amount) // _PICO_PER_NANO))


def _scaled(amount: Decimal, factor: Decimal) -> int:
    if not amount.is_finite() or not 0 <= amount <= _MAX_USD:
        raise ValueError(f"{amount} USD is outside 0..{_MAX_USD}")
    return int((amount * factor).to_integral_value(rounding=ROUND_HALF_EVEN))
