"""Upstream's JSON: read leniently, because its answer is forwarded byte-true whatever it holds."""

from decimal import Decimal, InvalidOperation
from json import JSONDecoder
from typing import NoReturn

from weir.http.json_objects import JsonObject, scan_object


def read_members(data: bytes) -> JsonObject:
    """Read one of upstream's objects with the place of each member, ready for `splice`.

    Raises:
        MalformedJsonError: It is no JSON object.
    """
    return read_text(data.decode("utf-8", "surrogateescape"))


def read_text(text: str) -> JsonObject:
    """Read an object within one that was read before, as `read_members` does.

    Raises:
        MalformedJsonError: It is no JSON object, or has a member twice.
    """
    return scan_object(text, decoder=_LENIENT)


def value_end(text: str, at: int) -> int:
    """Return where a value that begins at an offset ends, in a text that was read before."""
    _, end = _LENIENT.raw_decode(text, at)
    return end


def _decimal(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation as error:
        raise ValueError("a number is out of range") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


# Control characters in strings are let through (strict=False): clients must judge them, not we.
_LENIENT = JSONDecoder(parse_float=_decimal, parse_constant=_no_constant, strict=False)
