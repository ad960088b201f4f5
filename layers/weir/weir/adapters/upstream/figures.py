"""What may be believed of the figures in upstream's own books; nothing of them is a tenant's."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_MAX_TEXT_CHARS = 256
# More than any model takes, less than a table's numbers hold; beyond it a count says nothing.
_MAX_TOKENS = 10**12


def amount(data: Mapping[str, Any], name: str) -> Decimal:
    """Return an amount in USD, exactly as it is written.

    Raises:
        ValueError: It is missing or no number.
    """
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(f"{name} is no number")  # noqa: TRY004 - one way out for all callers
    return Decimal(value)


def tokens(data: Mapping[str, Any], *names: str) -> int:
    """Return the first of these counts that is one, 0 when none is."""
    for name in names:
        value = data.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_TOKENS:
            return value
    return 0


def text(data: Mapping[str, Any], name: str) -> str | None:
    """Return a name that can be stored: valid Unicode of bounded length; None when there is none.

    JSON may hold half of a surrogate pair, which no table takes.
    """
    value = data.get(name)
    if not isinstance(value, str) or not value:
        return None
    return value[:_MAX_TEXT_CHARS].encode("utf-8", "replace").decode()
