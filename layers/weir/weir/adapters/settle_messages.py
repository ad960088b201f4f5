"""Usage records as messages of the settle queue: JSON with a version, every number an integer."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from weir.domain.generations import is_well_formed
from weir.domain.holds import Level
from weir.domain.usage import RecordSource, RecordStatus, Usage, UsageRecord

VERSION = 1


class MalformedMessageError(ValueError):
    """A message is none that `encode_record` makes."""

    def __init__(self) -> None:
        super().__init__(f"the message is no usage record of version {VERSION}")


def encode_record(record: UsageRecord) -> str:
    """Return the message of a usage record."""
    values = {name: value for name, value in asdict(record).items() if value is not None}
    values["levels"] = sorted(record.levels)
    return json.dumps({"version": VERSION, "record": values}, separators=(",", ":"))


def decode_record(message: str) -> UsageRecord:
    """Return the usage record of a message.

    Raises:
        MalformedMessageError: It is not what `encode_record` makes, or is of another version.
    """
    try:
        content = json.loads(message)
        if content["version"] != VERSION:
            raise MalformedMessageError
        values = content["record"]
        return UsageRecord(**{name: _RECORD[name](value) for name, value in values.items()})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MalformedMessageError from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: object) -> int:
    if type(value) is not int:  # True is no number here
        raise TypeError
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _generation_id(value: object) -> str:
    if not is_well_formed(_text(value)):
        raise ValueError
    return _text(value)


def _levels(value: Any) -> frozenset[Level]:
    return frozenset(Level(letter) for letter in value)


def _usage(value: Any) -> Usage:
    counts: dict[str, Any] = {name: _whole(number) for name, number in value.items()}
    return Usage(**counts)


_RECORD: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "tenant_id": _text,
        "generation_id": _generation_id,
        "status": RecordStatus,
        "source": RecordSource,
        "usage": _usage,
        "price_nano_usd": _whole,
        "estimate_nano_usd": _whole,
        "key_id": _text,
        "model": _text,
        "plan_version": _whole,
        "end_user": _text,
        "levels": _levels,
        "adjusts": _generation_id,
        "adjusted_by": _generation_id,
        "upstream_generation_id": _text,
        "provider": _text,
        "finish_reason": _text,
        "streamed": _flag,
        "http_status": _whole,
        "latency_ms": _whole,
        "generation_ms": _whole,
    }
)
"""How each member is read; one that is not here makes the message another version's."""
