"""Periods that counters are keyed by, in the short forms an account stores. UTC.

The day and the limit period of a request follow from its id, so the hold's counters are found
again by whoever settles it, however late; only the minute is the moment of the reservation itself.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from weir.domain import generations
from weir.domain.generations import GenerationId

_MS_PER_MINUTE = 60_000
_MS_PER_S = 1_000


class LimitPeriod(StrEnum):
    """How often a spending limit starts anew (OpenRouter's `limit_reset`). The stored letters.

    TOTAL never does; WEEKLY starts on Monday.
    """

    TOTAL = "t"
    DAILY = "d"
    WEEKLY = "w"
    MONTHLY = "m"


def minute(now_ms: int) -> int:
    """Return the epoch minute."""
    return now_ms // _MS_PER_MINUTE


def minute_end_ms(now_ms: int) -> int:
    """Return the epoch millisecond at which the next minute begins."""
    return (minute(now_ms) + 1) * _MS_PER_MINUTE


def day(generation_id: GenerationId) -> str:
    """Return the day of a request, `yymmdd`."""
    return generations.day(generation_id)[2:].replace("-", "")


def period_key(period: LimitPeriod, generation_id: GenerationId) -> str:
    """Return what a request's limit period is stored under.

    Returns:
        `t`, `d<yymmdd>`, `w<yymmdd of its Monday>` or `m<yymm>`.
    """
    start = _start(period, _moment(generations.created_s(generation_id)))
    if period is LimitPeriod.TOTAL:
        return period.value
    return period + start.strftime("%y%m" if period is LimitPeriod.MONTHLY else "%y%m%d")


def period_end_ms(period: LimitPeriod, generation_id: GenerationId) -> int | None:
    """Return the epoch millisecond at which a request's limit starts anew; None for TOTAL."""
    start = _start(period, _moment(generations.created_s(generation_id)))
    match period:
        case LimitPeriod.TOTAL:
            return None
        case LimitPeriod.DAILY:
            end = start + timedelta(days=1)
        case LimitPeriod.WEEKLY:
            end = start + timedelta(days=7)
        case _:
            end = (start + timedelta(days=31)).replace(day=1)
    return int(end.timestamp()) * _MS_PER_S


def is_over(key: str, *, now_ms: int) -> bool:
    """Tell whether a period, named as `period_key` does, has ended by now; `t` never has."""
    period = LimitPeriod(key[0])
    if period is LimitPeriod.TOTAL:
        return False
    current = _start(period, _moment(now_ms // _MS_PER_S))
    return key[1:] < current.strftime("%y%m" if period is LimitPeriod.MONTHLY else "%y%m%d")


def _moment(epoch_s: int) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC)


def _start(period: LimitPeriod, moment: datetime) -> datetime:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    match period:
        case LimitPeriod.WEEKLY:
            return midnight - timedelta(days=midnight.weekday())
        case LimitPeriod.MONTHLY:
            return midnight.replace(day=1)
        case _:
            return midnight
