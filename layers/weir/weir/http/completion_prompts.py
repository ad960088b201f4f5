"""Prompts of a text completion: text or token ids, one of them or several, and what they count."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from weir.http.checks import Check, array, by_type, described, integer, refuse, text
from weir.http.json_objects import JsonObject
from weir.http.schemas import any_of

_EXPECTED = "a string, an array of strings, of token ids, or of arrays of token ids"
_TOKEN_IDS = array(integer(0), min_items=1)
_ARRAYS: Mapping[type, Check] = {
    str: array(text(), min_items=1),
    int: _TOKEN_IDS,
    Decimal: _TOKEN_IDS,
    list: array(_TOKEN_IDS, min_items=1),
}


@described(lambda: any_of([check.schema for check in _ARRAYS.values()]))
def _several(path: str, value: list[Any]) -> None:
    """Check an array by the type of its first item: prompts of two types do not mix."""
    check = _ARRAYS.get(type(value[0])) if value else None
    if check is None:
        refuse(path, value, expected=_EXPECTED)
    check(path, value)


prompt = by_type(_EXPECTED, {str: text(), list: _several})
"""Check of the field `prompt`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompts:
    """What the field `prompt` holds.

    Attributes:
        count: Number of prompts; each is answered by itself.
        token_ids: Number of tokens that are sent as numbers.
        token_bytes: Bytes of the body in which those are written.
    """

    count: int
    token_ids: int = 0
    token_bytes: int = 0


def prompts(request: JsonObject) -> Prompts:
    """Count the prompts of a checked request."""
    value = request.get("prompt")
    if not isinstance(value, list):
        return Prompts(count=0 if value is None else 1)
    if isinstance(value[0], str):
        return Prompts(count=len(value))
    member = request.members["prompt"]
    arrays = value if isinstance(value[0], list) else [value]
    return Prompts(
        count=len(arrays),
        token_ids=sum(map(len, arrays)),
        # Digits, brackets and blanks: a character is a byte.
        token_bytes=member.end - member.start,
    )
