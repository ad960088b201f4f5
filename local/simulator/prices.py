"""Prices as whole nano-USD per token, so that every cost is a whole number of nano-USD."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Nano-USD per prompt token and per completion token."""

    prompt_nano_usd: int
    completion_nano_usd: int

    def as_json(self) -> dict[str, object]:
        """Return the `pricing` object of the catalogue: decimal strings, USD per token."""
        return {
            "prompt": _decimal_string(self.prompt_nano_usd),
            "completion": _decimal_string(self.completion_nano_usd),
            "request": "0",
            "image": "0",
            "discount": 0,
        }


def usd_number(nano_usd: int) -> float:
    """Return nano-USD as the JSON number of USD; its shortest form reads back exactly."""
    return nano_usd / 1_000_000_000


def _decimal_string(nano_usd: int) -> str:
    return f"{Decimal(nano_usd).scaleb(-9):f}".rstrip("0").rstrip(".") if nano_usd else "0"
