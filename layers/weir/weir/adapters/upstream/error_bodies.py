"""Reads the body of an upstream error and keeps what a tenant may see of it."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

_MAX_MESSAGE_CHARS = 2_000
_MASK = "***"
# Each level is two or three calls deep; Python allows about a thousand.
_MAX_DEPTH = 32
_DROPPED = frozenset({"user_id"})
_OPERATORS_LIMIT = "openrouter_"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBody:
    """`error.message` and `error.metadata` of upstream; None when absent or unreadable."""

    message: str | None = None
    metadata: Mapping[str, object] | None = None

    @property
    def is_operators_limit(self) -> bool:
        """Tell whether a limit of the operator's own account or key was reached."""
        source = (self.metadata or {}).get("limit_source")
        return isinstance(source, str) and source.startswith(_OPERATORS_LIMIT)


def read_error_body(body: bytes, *, secret: str) -> ErrorBody:
    """Read an error envelope; anything else is an empty `ErrorBody`.

    `secret` is the upstream key; it is masked wherever upstream repeats it.
    """
    try:
        envelope = json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return ErrorBody()
    error = envelope.get("error") if isinstance(envelope, dict) else None
    if not isinstance(error, dict):
        return ErrorBody()
    message, metadata = error.get("message"), error.get("metadata")
    return ErrorBody(
        message=_text(message, secret)[:_MAX_MESSAGE_CHARS] if isinstance(message, str) else None,
        metadata=_object(metadata, secret, depth=1) if isinstance(metadata, dict) else None,
    )


def _clean(value: object, secret: str, *, depth: int) -> object:
    if isinstance(value, str):
        return _text(value, secret)
    if not isinstance(value, dict | list):
        return value
    if depth >= _MAX_DEPTH:
        return _MASK
    if isinstance(value, dict):
        return _object(value, secret, depth=depth + 1)
    return [_clean(item, secret, depth=depth + 1) for item in value]


def _object(value: Mapping[str, object], secret: str, *, depth: int) -> dict[str, object]:
    return {
        _text(name, secret): _clean(item, secret, depth=depth)
        for name, item in value.items()
        if name not in _DROPPED
    }


def _text(text: str, secret: str) -> str:
    # A lone surrogate would make the answer to the tenant impossible to encode.
    return text.replace(secret, _MASK).encode(errors="replace").decode()


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number
