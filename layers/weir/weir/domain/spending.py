"""Spending: what an API key has cost its tenant in all, today, this week and this month. UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod

_MS_PER_S = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Prices of a key's requests, in nano-USD; weeks start on Monday."""

    total: NanoUsd = NanoUsd(0)
    daily: NanoUsd = NanoUsd(0)
    weekly: NanoUsd = NanoUsd(0)
    monthly: NanoUsd = NanoUsd(0)

    def within(self, period: LimitPeriod) -> NanoUsd:
        """Return what was spent in the current period of a limit."""
        match period:
            case LimitPeriod.DAILY:
                return self.daily
            case LimitPeriod.WEEKLY:
                return self.weekly
            case LimitPeriod.MONTHLY:
                return self.monthly
            case _:
                return self.total


def utc_day(epoch_ms: int) -> str:
    """Return the UTC day of a moment, `yyyy-mm-dd`."""
    return datetime.fromtimestamp(epoch_ms // _MS_PER_S, UTC).strftime("%Y-%m-%d")


def days_before(day: str, count: int) -> str:
    """Return the day so many days before another."""
    return (date.fromisoformat(day) - timedelta(days=count)).isoformat()


def current_days(today: str) -> str:
    """Return the first day of the current month or week, whichever is earlier."""
    return min(_monday(today), _first_of_month(today))


def spending(by_day: Mapping[str, int], *, before: int, today: str) -> Spending:
    """Sum up what a key has spent.

    Args:
        by_day: Nano-USD of every day from `current_days` on.
        before: Nano-USD of all days before that.
        today: `yyyy-mm-dd`.
    """
    return Spending(
        total=NanoUsd(before + sum(by_day.values())),
        daily=_since(today, by_day),
        weekly=_since(_monday(today), by_day),
        monthly=_since(_first_of_month(today), by_day),
    )


def _since(first: str, by_day: Mapping[str, int]) -> NanoUsd:
    return NanoUsd(sum(amount for day, amount in by_day.items() if day >= first))


def _monday(day: str) -> str:
    return days_before(day, date.fromisoformat(day).weekday())


def _first_of_month(day: str) -> str:
    return f"{day[:7]}-01"
