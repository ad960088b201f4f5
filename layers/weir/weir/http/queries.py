"""Query parameters: each reader names the parameter that is wrong, and takes "" for absent.

Beside each reader stands what it takes, as the schema that the API's document shows.
"""

import re
from collections.abc import Collection
from datetime import date
from typing import Final

from weir.domain.errors import InvalidRequestError
from weir.http.events import ProxyEvent
from weir.http.schemas import Schema

MAX_CHARS = 512

TEXT: Final[Schema] = {"type": "string", "maxLength": MAX_CHARS}
"""What `text` takes."""
# Python writes its truth values with capitals, and many a client passes them on so.
SWITCH: Final[Schema] = {"anyOf": [{"type": "boolean"}, {"enum": ["True", "False", 1, 0]}]}
"""What `switch` takes."""
DAY: Final[Schema] = {
    "type": "string",
    "format": "date",
    "pattern": "^2[0-9]{3}-[0-9]{2}-[0-9]{2}$",
}
"""What `day` takes."""

_SWITCH = {
    "true": True, "True": True, "1": True, "false": False, "False": False, "0": False,
}  # fmt: skip
_WHOLE = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_DAY = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}", re.ASCII)


def whole_schema(*, low: int, high: int) -> Schema:
    """Return what `whole` takes within these bounds."""
    return {"type": "integer", "minimum": low, "maximum": high}


def words_schema(known: Collection[str]) -> Schema:
    """Return what `words` takes of these."""
    return {"type": "array", "items": {"type": "string", "enum": [*known]}, "uniqueItems": True}


def text(event: ProxyEvent, name: str, *, max_chars: int = MAX_CHARS) -> str | None:
    """Return a parameter; of a repeated one, the last.

    Raises:
        InvalidRequestError: It is longer than that.
    """
    value = (event.get("queryStringParameters") or {}).get(name) or None
    if value is not None and len(value) > max_chars:
        raise InvalidRequestError(f"{name} must have at most {max_chars} characters")
    return value


def whole(event: ProxyEvent, name: str, *, low: int, high: int) -> int | None:
    """Return a whole number.

    Raises:
        InvalidRequestError: It is none, or out of bounds.
    """
    value = text(event, name)
    if value is None:
        return None
    if not _WHOLE.fullmatch(value) or not low <= int(value) <= high:
        raise InvalidRequestError(f"{name} must be a whole number from {low} to {high}")
    return int(value)


def switch(event: ProxyEvent, name: str) -> bool:
    """Tell whether something is asked for; it is not when the parameter is absent.

    Raises:
        InvalidRequestError: It is neither `true` nor `false`.
    """
    value = text(event, name)
    if value is None:
        return False
    if value not in _SWITCH:
        raise InvalidRequestError(f"{name} must be true or false")
    return _SWITCH[value]


def day(event: ProxyEvent, name: str) -> str | None:
    """Return a day of the calendar of this millennium, `yyyy-mm-dd`.

    Raises:
        InvalidRequestError: It is none.
    """
    value = text(event, name)
    if value is None:
        return None
    try:
        found = date.fromisoformat(value) if _DAY.fullmatch(value) else None
    except ValueError:
        found = None
    if found is None:
        raise InvalidRequestError(f"{name} must be a day in the form YYYY-MM-DD")
    return value


def words(event: ProxyEvent, name: str, *, known: Collection[str]) -> tuple[str, ...]:
    """Return a list with commas between its words, or of a parameter that is repeated.

    Raises:
        InvalidRequestError: A word is not among the known ones, or is there twice.
    """
    given = (event.get("multiValueQueryStringParameters") or {}).get(name)
    given = given or [text(event, name) or ""]
    found = tuple(word.strip() for part in given for word in part.split(",") if word.strip())
    if len(set(found)) != len(found) or not set(found) <= set(known):
        raise InvalidRequestError(f"{name} must name each at most once, of: {', '.join(known)}")
    return found
