"""Periods that counters are keyed by, in the short forms an account stores. UTC.

The day and the month of a request follow from its id, so the hold's counters are found again by
whoever settles it, however late; only the minute is the moment of the reservation itself.
"""

from weir.domain import generations
from weir.domain.generations import GenerationId

_MS_PER_MINUTE = 60_000


def minute(now_ms: int) -> int:
    """Return the epoch minute."""
    return now_ms // _MS_PER_MINUTE


def minute_end_ms(now_ms: int) -> int:
    """Return the epoch millisecond at which the next minute begins."""
    return (minute(now_ms) + 1) * _MS_PER_MINUTE


def day(generation_id: GenerationId) -> str:
    """Return the day of a request, `yymmdd`."""
    return generations.day(generation_id)[2:].replace("-", "")


def month(generation_id: GenerationId) -> str:
    """Return the month of a request, `yymm`."""
    return day(generation_id)[:4]
