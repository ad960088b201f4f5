"""What a key has spent today, this week, this month: the calendar of UTC."""

import pytest

from weir.domain.periods import LimitPeriod
from weir.domain.spending import Spending, current_days, days_before, spending, utc_day

# 2026-11-18 is a Wednesday.
BY_DAY = {"2026-11-01": 1, "2026-11-15": 10, "2026-11-16": 100, "2026-11-18": 1_000}


def test_a_day_counts_in_every_period_that_it_is_in() -> None:
    found = spending(BY_DAY, before=10_000, today="2026-11-18")

    assert found == Spending(total=11_111, daily=1_000, weekly=1_100, monthly=1_111)  # type: ignore[arg-type]  # test data


@pytest.mark.parametrize(
    ("today", "first"),
    [
        ("2026-11-18", "2026-11-01"),
        ("2026-11-01", "2026-10-26"),  # a Sunday: its week began in October
        ("2026-06-01", "2026-06-01"),  # a Monday
    ],
)
def test_the_current_days_begin_with_month_or_week(today: str, first: str) -> None:
    assert current_days(today) == first


def test_the_last_week_is_not_this_months_when_the_month_has_just_begun() -> None:
    found = spending({"2026-10-27": 1, "2026-11-01": 10}, before=0, today="2026-11-01")

    assert (found.weekly, found.monthly) == (11, 10)


@pytest.mark.parametrize(
    ("period", "amount"),
    [
        (LimitPeriod.TOTAL, 4),
        (LimitPeriod.DAILY, 1),
        (LimitPeriod.WEEKLY, 2),
        (LimitPeriod.MONTHLY, 3),
    ],
)
def test_a_limit_is_measured_by_its_own_period(period: LimitPeriod, amount: int) -> None:
    spent = Spending(total=4, daily=1, weekly=2, monthly=3)  # type: ignore[arg-type]  # test data

    assert spent.within(period) == amount


def test_days_are_those_of_utc() -> None:
    assert utc_day(1_795_003_200_000) == "2026-11-18"
    assert utc_day(1_795_046_399_999) == "2026-11-18"
    assert utc_day(1_795_046_400_000) == "2026-11-19"
    assert days_before("2026-03-01", 1) == "2026-02-28"
