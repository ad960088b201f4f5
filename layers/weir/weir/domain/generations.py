"""Generation ids: one id for a request, its hold, its usage record and the client's answer.

Shape of OpenRouter's own (`gen-<unix seconds>-<20 base62>`), so every client accepts it. The first
two base62 characters are the lane, the other 18 (107 bits) are random: day, ten-minute bucket and
lane are derivable, so a record is found by its id with one read and no index (ADR 0003).
"""

import re
from datetime import UTC, datetime
from typing import NewType

GenerationId = NewType("GenerationId", str)

RANDOM_BYTES = 14
LANES = 62 * 62

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(r"gen-[0-9]{10}-[0-9A-Za-z]{20}")


def new_generation_id(*, now_ms: int, lane: int, random: bytes) -> GenerationId:
    """Make the id of a request.

    Args:
        now_ms: Epoch milliseconds; the id keeps whole seconds.
        lane: The account lane the hold is taken from, 0..3843.
        random: `RANDOM_BYTES` random bytes.

    Raises:
        ValueError: The lane or the number of random bytes is out of range.
    """
    if not 0 <= lane < LANES:
        raise ValueError(f"lane {lane} is outside 0..{LANES - 1}")
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"{RANDOM_BYTES} random bytes are needed, got {len(random)}")
    tail = _base62(int.from_bytes(random) % 62**18, width=18)
    return GenerationId(f"gen-{now_ms // 1000:010d}-{_base62(lane, width=2)}{tail}")


def is_well_formed(text: str) -> bool:
    """Tell whether a text can be the id of a request; day and lane can be had of no other."""
    return _SHAPE.fullmatch(text) is not None


def created_s(generation_id: GenerationId) -> int:
    """Return the epoch second in which the request arrived."""
    return int(generation_id[4:14])


def day(generation_id: GenerationId) -> str:
    """Return the UTC day of the request, `yyyy-mm-dd`: its usage partition."""
    return datetime.fromtimestamp(created_s(generation_id), UTC).strftime("%Y-%m-%d")


def lane(generation_id: GenerationId) -> int:
    """Return the account lane that carries the request's hold."""
    return _BASE62.index(generation_id[15]) * 62 + _BASE62.index(generation_id[16])


def _base62(number: int, *, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits
