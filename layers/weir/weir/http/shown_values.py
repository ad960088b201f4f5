"""Values as a refusal shows them: their kind, and never much of what a client sent."""

from decimal import Decimal
from typing import Any

_MAX_SHOWN_CHARS = 32


def shown(value: Any, *, quote: bool) -> str:
    """Describe a value; with `quote` a short string is quoted."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"{str(value).lower()} (boolean)"
    if isinstance(value, int | Decimal):
        return f"{str(value)[:_MAX_SHOWN_CHARS]} (number)"
    if isinstance(value, str):
        short = quote and len(value) <= _MAX_SHOWN_CHARS and value.isascii() and value.isprintable()
        return f'"{value}" (string)' if short else "a string"
    return "an array" if isinstance(value, list) else "an object"
