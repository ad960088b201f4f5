"""Periods of limits: in UTC, weeks from Monday, months of any length."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weir.domain.generations import GenerationId, new_generation_id
from weir.domain.periods import (
    LimitPeriod,
    day,
    is_over,
    minute,
    minute_end_ms,
    period_end_ms,
    period_key,
)

MOMENTS = st.integers(1_600_000_000_000, 4_000_000_000_000)
CLOCKED = st.sampled_from([LimitPeriod.DAILY, LimitPeriod.WEEKLY, LimitPeriod.MONTHLY])


def ms(moment: str) -> int:
    return int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() * 1000)


def request_at(moment: str | int) -> GenerationId:
    now_ms = ms(moment) if isinstance(moment, str) else moment
    return new_generation_id(now_ms=now_ms, lane=0, random=bytes(14))


@pytest.mark.parametrize(
    ("moment", "daily", "weekly", "monthly"),
    [
        ("2026-11-18T12:00:00", "d261118", "w261116", "m2611"),
        ("2026-11-16T00:00:00", "d261116", "w261116", "m2611"),  # a Monday's first second
        ("2026-11-15T23:59:59", "d261115", "w261109", "m2611"),  # the Sunday before
        ("2026-12-31T23:59:59", "d261231", "w261228", "m2612"),
        ("2027-01-01T00:00:00", "d270101", "w261228", "m2701"),  # the week began last year
        ("2027-01-03T23:59:59", "d270103", "w261228", "m2701"),  # ISO week 53 of 2026
        ("2027-01-04T00:00:00", "d270104", "w270104", "m2701"),
        ("2024-12-30T00:00:00", "d241230", "w241230", "m2412"),  # ISO week 1 of 2025
        ("2028-02-29T12:00:00", "d280229", "w280228", "m2802"),
        ("2028-03-01T00:00:00", "d280301", "w280228", "m2803"),
    ],
)
def test_request_falls_into_its_period_when_the_calendar_turns(
    moment: str, daily: str, weekly: str, monthly: str
) -> None:
    request = request_at(moment)

    keys = [period_key(period, request) for period in LimitPeriod]

    assert keys == ["t", daily, weekly, monthly]
    assert day(request) == daily[1:]


@pytest.mark.parametrize(
    ("period", "moment", "end"),
    [
        (LimitPeriod.DAILY, "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
        (LimitPeriod.DAILY, "2028-02-28T00:00:00", "2028-02-29T00:00:00"),
        (LimitPeriod.WEEKLY, "2026-11-16T00:00:00", "2026-11-23T00:00:00"),
        (LimitPeriod.WEEKLY, "2027-01-03T23:59:59", "2027-01-04T00:00:00"),
        (LimitPeriod.MONTHLY, "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
        (LimitPeriod.MONTHLY, "2027-01-31T23:59:59", "2027-02-01T00:00:00"),
        (LimitPeriod.MONTHLY, "2027-02-28T23:59:59", "2027-03-01T00:00:00"),
        (LimitPeriod.MONTHLY, "2028-02-01T00:00:00", "2028-03-01T00:00:00"),
        (LimitPeriod.MONTHLY, "2026-04-30T12:00:00", "2026-05-01T00:00:00"),
    ],
)
def test_period_ends_at_midnight_when_the_next_begins(
    period: LimitPeriod, moment: str, end: str
) -> None:
    assert period_end_ms(period, request_at(moment)) == ms(end)


def test_nothing_ends_when_a_limit_is_for_ever() -> None:
    request = request_at("2026-11-18T12:00:00")

    assert period_end_ms(LimitPeriod.TOTAL, request) is None
    assert not is_over("t", now_ms=ms("2099-01-01T00:00:00"))


@given(period=CLOCKED, now_ms=MOMENTS)
def test_periods_follow_each_other_without_a_gap_when_time_passes(
    period: LimitPeriod, now_ms: int
) -> None:
    request = request_at(now_ms)
    key, end_ms = period_key(period, request), period_end_ms(period, request)
    assert end_ms is not None

    assert now_ms < end_ms
    assert period_key(period, request_at(end_ms - 1)) == key
    assert period_key(period, request_at(end_ms)) > key


@given(period=CLOCKED, now_ms=MOMENTS, later_ms=st.integers(0, 10**11))
def test_period_is_over_when_its_end_has_come(
    period: LimitPeriod, now_ms: int, later_ms: int
) -> None:
    request = request_at(now_ms)
    end_ms = period_end_ms(period, request)
    assert end_ms is not None

    assert is_over(period_key(period, request), now_ms=now_ms + later_ms) == (
        now_ms + later_ms >= end_ms
    )


def test_period_is_not_over_when_the_clock_lags_behind_it() -> None:
    assert not is_over("d261118", now_ms=ms("2026-11-17T23:59:00"))


@pytest.mark.parametrize(
    ("now_ms", "end_ms"), [(0, 60_000), (59_999, 60_000), (60_000, 120_000), (60_001, 120_000)]
)
def test_minute_ends_when_the_next_begins(now_ms: int, end_ms: int) -> None:
    assert minute_end_ms(now_ms) == end_ms
    assert minute(end_ms) == minute(now_ms) + 1
