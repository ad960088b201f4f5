"""Checks of what the operator sets: nothing unknown passes, so that no slip goes unnoticed."""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from weir.domain.errors import InvalidRequestError
from weir.http.checks import Check, described, number, record, refuse, text

MAX_USD = 999_999_999

_MAX_SHOWN_CHARS = 64
_MODEL_NAME = r"[\x21-\x7e]{1,256}"


def only(members: Mapping[str, Check], *, required: Collection[str] = ()) -> Check:
    """Check an object that has no other members than these."""
    known = record(members, required=required)

    def check(path: str, value: Any) -> None:
        known(path, value)
        for name in value:
            if name not in members:
                raise InvalidRequestError(
                    f'{path} has no member "{_shown(name)}" that could be set; '
                    f"there are {', '.join(members)}"
                )

    return Check(check, describe=lambda: {**known.schema, "additionalProperties": False})


def matching(pattern: re.Pattern[str], *, expected: str, max_chars: int) -> Check:
    """Check a string against a pattern that all of it must match."""
    sized = text(max_chars)

    def check(path: str, value: Any) -> None:
        sized(path, value)
        if not pattern.fullmatch(value):
            refuse(path, value, expected=expected, quote=True)

    return Check(check, describe=lambda: {**sized.schema, "pattern": f"^(?:{pattern.pattern})$"})


def exact(high: int, *, places: int, above_zero: bool = False) -> Check:
    """Check a number from 0 on that has at most so many decimals: it is stored as it is given."""
    ranged = number(0, high, above_low=above_zero)

    def check(path: str, value: Any) -> None:
        ranged(path, value)
        if isinstance(value, Decimal) and _decimals(value) > places:
            refuse(path, value, expected=f"a number of at most {places} decimals", quote=True)

    return Check(check, describe=lambda: ranged.schema)


def usd(*, above_zero: bool = False) -> Check:
    """Check an amount in USD, to the nano-USD."""
    return exact(MAX_USD, places=9, above_zero=above_zero)


def by_model(rate: Check, *, max_models: int) -> Check:
    """Check an object of models' names, each with its rate."""

    def describe() -> dict[str, Any]:
        return {
            "type": "object",
            "maxProperties": max_models,
            "propertyNames": {"pattern": f"^{_MODEL_NAME}$"},
            "additionalProperties": rate.schema,
        }

    @described(describe)
    def check(path: str, value: Any) -> None:
        if not isinstance(value, dict) or len(value) > max_models:
            refuse(path, value, expected=f"an object of at most {max_models} models")
        for name, entry in value.items():
            if not re.fullmatch(_MODEL_NAME, name):
                raise InvalidRequestError(
                    f'{path} has the name "{_shown(name)}"; a model has 1 to 256 characters '
                    "of ASCII, without blanks"
                )
            rate(f"{path}.{_shown(name)}", entry)

    return check


def _decimals(value: Decimal) -> int:
    """Count the decimals, zeros at the end left out."""
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int), "JSON has no infinity"
    significant = len("".join(map(str, digits)).rstrip("0"))
    return -exponent - (len(digits) - significant) if significant else 0


def _shown(name: str) -> str:
    return "".join(
        char if char.isascii() and char.isprintable() else "?" for char in name[:_MAX_SHOWN_CHARS]
    )
