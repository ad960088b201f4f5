"""JSON replies; amounts are written digit by digit, because a binary float would not hold them."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from weir.domain.answers import Reply

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def json_reply(
    content: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Reply:
    """Return a reply of one JSON object; a Decimal in it becomes an exact number."""
    return Reply(
        status=status,
        headers={"Content-Type": "application/json", **(headers or {})},
        # A lone surrogate cannot be sent: no text of ours has one, but upstream's may.
        body=(json_text(content).encode("utf-8", "replace"),),
    )


def json_text(value: object) -> str:
    """Write a value as JSON without blanks; of a Decimal all its digits, and no exponent."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return (
            f"{{{','.join(f'{_encode(name)}:{json_text(item)}' for name, item in value.items())}}}"
        )
    if isinstance(value, list | tuple):
        return f"[{','.join(map(json_text, value))}]"
    return _encode(value)
