"""Checks of request fields: small functions from which `chat_fields` builds its tables.

A check takes the path of a field and its value, and raises when the value is not what it should be.
Members that a table does not name are not looked at: new ones ship upstream without notice.
"""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from math import inf
from typing import Any, NoReturn

from weir.domain.errors import InvalidRequestError

Check = Callable[[str, Any], None]

_MAX_SHOWN_CHARS = 32
_MAX_INTEGER_DIGITS = 19


def refuse(path: str, value: Any, *, expected: str, quote: bool = False) -> NoReturn:
    """Refuse a value. With `quote` a short string is quoted back: never for prompt text.

    Raises:
        InvalidRequestError: Always; it names the field, what it must be, and what was given.
    """
    raise InvalidRequestError(f"{path} must be {expected}, got {_shown(value, quote=quote)}")


def number(low: int, high: int, *, above_low: bool = False) -> Check:
    """Check a number from `low` to `high`; with `above_low`, `low` itself is excluded."""
    expected = f"a number {'above' if above_low else 'from'} {low}"
    expected += f", at most {high}" if above_low else f" to {high}"

    def check(path: str, value: Any) -> None:
        is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        if not is_number or not low <= value <= high or (above_low and value == low):
            refuse(path, value, expected=expected, quote=True)

    return check


def integer(low: int | None = None, high: int | None = None) -> Check:
    """Check a whole number within the bounds that are given."""
    floor = -inf if low is None else low
    ceiling = inf if high is None else high
    expected = "an integer"
    if low is not None:
        expected += f" of at least {low}" if high is None else f" from {low} to {high}"

    def check(path: str, value: Any) -> None:
        whole = whole_number(value)
        if whole is None or whole < floor or whole > ceiling:
            refuse(path, value, expected=expected, quote=True)

    return check


def whole_number(value: Any) -> int | None:
    """Return a JSON number as an int (`4096.0` is one, as JSON has one number type), else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if not isinstance(value, Decimal) or value.adjusted() >= _MAX_INTEGER_DIGITS:
        return None
    return int(value) if value == value.to_integral_value() else None


def anything(path: str, value: Any) -> None:
    """Accept every value."""


def boolean(path: str, value: Any) -> None:
    """Check true or false."""
    if not isinstance(value, bool):
        refuse(path, value, expected="a boolean", quote=True)


def text(max_chars: int | None = None, *, min_chars: int = 0) -> Check:
    """Check a string and its length in characters."""
    expected = "a string"
    if min_chars:
        expected = "a non-empty string"
    if max_chars is not None:
        expected += f" of at most {max_chars} characters"

    def check(path: str, value: Any) -> None:
        if not isinstance(value, str):
            refuse(path, value, expected=expected)
        if len(value) < min_chars or (max_chars is not None and len(value) > max_chars):
            raise InvalidRequestError(f"{path} must be {expected}, got {len(value)} characters")

    return check


def one_of(values: Collection[str]) -> Check:
    """Check a string against a closed list."""
    expected = "one of " + ", ".join(f'"{value}"' for value in values)

    def check(path: str, value: Any) -> None:
        if not isinstance(value, str) or value not in values:
            refuse(path, value, expected=expected, quote=True)

    return check


def array(item: Check = anything, *, min_items: int = 0, max_items: int | None = None) -> Check:
    """Check an array, its length, and each of its items."""
    expected = "an array"
    if min_items:
        expected += f" of at least {min_items} item{'s' if min_items > 1 else ''}"
    if max_items is not None:
        expected += f" of at most {max_items} items"

    def check(path: str, value: Any) -> None:
        if not isinstance(value, list):
            refuse(path, value, expected=expected)
        if len(value) < min_items or (max_items is not None and len(value) > max_items):
            raise InvalidRequestError(f"{path} must be {expected}, got {len(value)} items")
        for index, entry in enumerate(value):
            item(f"{path}[{index}]", entry)

    return check


def record(members: Mapping[str, Check] | None = None, *, required: Collection[str] = ()) -> Check:
    """Check an object: the members that must be there, and each known one that is."""
    table = members or {}

    def check(path: str, value: Any) -> None:
        if not isinstance(value, dict):
            refuse(path, value, expected="an object")
        for name in required:
            if name not in value:
                raise InvalidRequestError(f"{path}.{name} is required")
        for name, member in table.items():
            if name in value:
                member(f"{path}.{name}", value[name])

    return check


def pairs(
    value_check: Check, *, max_pairs: int | None = None, max_name_chars: int | None = None
) -> Check:
    """Check an object used as a map: number of pairs, length of the names, each value."""

    def check(path: str, value: Any) -> None:
        if not isinstance(value, dict):
            refuse(path, value, expected="an object")
        if max_pairs is not None and len(value) > max_pairs:
            raise InvalidRequestError(
                f"{path} must have at most {max_pairs} pairs, got {len(value)} pairs"
            )
        for name, entry in value.items():
            if max_name_chars is not None and len(name) > max_name_chars:
                raise InvalidRequestError(
                    f"{path} must have names of at most {max_name_chars} characters, "
                    f"got {len(name)} characters"
                )
            value_check(f"{path}.*", entry)

    return check


def by_type(expected: str, checks: Mapping[type, Check]) -> Check:
    """Check a value that may have one of several JSON types, each with its own check."""

    def check(path: str, value: Any) -> None:
        chosen = checks.get(type(value))
        if chosen is None:
            refuse(path, value, expected=expected)
        chosen(path, value)

    return check


def nullable(check: Check) -> Check:
    """Let null pass: it means that the field is absent."""

    def check_unless_null(path: str, value: Any) -> None:
        if value is not None:
            check(path, value)

    return check_unless_null


def _shown(value: Any, *, quote: bool) -> str:
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
