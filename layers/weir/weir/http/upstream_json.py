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
    return scan_object(data.decode("utf-8", "surrogateescape"), decoder=_LENIENT)


def _decimal(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation as error:
        raise ValueError("a number is out of range") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


# Control characters in strings are let through (strict=False): clients must judge them, not we.
_LENIENT = JSONDecoder(parse_float=_decimal, parse_constant=_no_constant, strict=False)
