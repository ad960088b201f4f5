"""Alerts: which thresholds an account has reached, and what makes one alert another."""

from dataclasses import replace

import pytest

from tests.support.honest_books import HonestBooks
from tests.support.ledger_values import ACME, NOON_MS
from weir.domain.accounts import Account
from weir.domain.alerts import Alert, Budget, reached
from weir.domain.holds import Level
from weir.domain.limits import UNLIMITED, AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.usage import UsageRecord

THRESHOLDS = (50, 80, 100)
DAY_MS = 24 * 60 * 60 * 1_000


def limited(amount: int, *, period: LimitPeriod = LimitPeriod.MONTHLY) -> HonestBooks:
    return HonestBooks(limits=AccountLimits(spend_nano_usd=NanoUsd(amount), period=period))


def alerts(books: HonestBooks, *, credit: int = UNLIMITED, index: int = 0) -> tuple[Alert, ...]:
    """The alerts of one account; its credit is without an end unless told otherwise."""
    account = replace(books.accounts[index], credit_nano_usd=NanoUsd(credit))
    return reached([account], records=books.records, thresholds=THRESHOLDS)


@pytest.mark.parametrize(
    ("spent", "percents"),
    [(499, []), (500, [50]), (799, [50]), (800, [50, 80]), (1_000, [50, 80, 100])],
)
def test_thresholds_of_the_limit_are_reached_exactly(spent: int, percents: list[int]) -> None:
    books = limited(1_000)
    books.add(cost=1, price=spent)

    found = alerts(books)

    assert [alert.threshold_percent for alert in found] == percents
    assert all(alert.budget is Budget.SPENDING_LIMIT for alert in found)


@pytest.mark.parametrize(("spent", "percents"), [(499, []), (500, [50]), (1_001, [50, 80, 100])])
def test_thresholds_of_the_credit_are_reached_exactly(spent: int, percents: list[int]) -> None:
    books = HonestBooks()
    books.add(price=spent)

    found = alerts(books, credit=1_000)

    assert [alert.threshold_percent for alert in found] == percents
    assert all((alert.budget, alert.period) == (Budget.CREDIT, None) for alert in found)


def test_holds_are_told_but_not_spent() -> None:
    books = limited(1_000)
    books.add(price=500)
    books.hold(estimate=450)

    (alert,) = alerts(books)

    assert (alert.spent_nano_usd, alert.held_nano_usd, alert.limit_nano_usd) == (500, 450, 1_000)


def test_holds_of_another_period_are_not_told() -> None:
    books = limited(1_000, period=LimitPeriod.DAILY)
    books.hold(estimate=450, now_ms=NOON_MS - DAY_MS, period=LimitPeriod.DAILY)
    books.add(price=500)

    (alert,) = alerts(books)

    assert (alert.spent_nano_usd, alert.held_nano_usd) == (500, 0)


def test_price_of_a_record_counts_before_it_is_settled() -> None:
    books = limited(1_000)
    hold = books.hold(estimate=900)
    books.hold(estimate=50)
    record = replace(books.add(price=500), generation_id=hold.generation_id)
    books.records.clear()
    (account,) = books.accounts

    found = reached(
        [replace(account, credit_nano_usd=NanoUsd(900))],
        records=[record, record],
        thresholds=(50,),
    )

    assert [(alert.budget, alert.spent_nano_usd, alert.held_nano_usd) for alert in found] == [
        (Budget.SPENDING_LIMIT, 500, 50),
        (Budget.CREDIT, 500, 50),
    ]


@pytest.mark.parametrize("amount", [0, UNLIMITED])
def test_nothing_is_reached_when_there_is_no_budget(amount: int) -> None:
    books = limited(amount)
    books.add(price=500)

    assert not alerts(books, credit=amount)


def test_nothing_is_reached_when_there_is_no_account() -> None:
    books = limited(1_000)

    assert not reached([], records=[books.add(price=500)], thresholds=THRESHOLDS)


def test_nothing_is_reached_in_a_period_that_has_not_begun() -> None:
    books = limited(1_000, period=LimitPeriod.DAILY)
    books.add(price=900)
    (account,) = books.accounts
    tomorrow = HonestBooks().add(now_ms=NOON_MS + DAY_MS)

    assert not reached(
        [replace(account, credit_nano_usd=NanoUsd(UNLIMITED))],
        records=[tomorrow],
        thresholds=THRESHOLDS,
    )


def test_lanes_are_one_budget() -> None:
    books = limited(1_000)
    books.add(price=900)
    books.add(price=100, lane=1)
    lanes = [replace(account, credit_nano_usd=NanoUsd(5_000)) for account in books.accounts]

    found = reached(lanes, records=books.records, thresholds=THRESHOLDS)

    assert [(alert.limit_nano_usd, alert.spent_nano_usd) for alert in found] == [(2_000, 1_000)]


def test_lanes_that_nothing_was_spent_in_have_all_their_share_left() -> None:
    books = limited(1_000)
    books.add(price=1_000)
    (account,) = books.accounts
    idle = replace(account, lane=1, remaining_by_period={}, spent_nano_usd=NanoUsd(0))

    found = reached([account, idle], records=books.records, thresholds=THRESHOLDS)

    assert [alert.spent_nano_usd for alert in found] == [1_000]


def below(level: Level) -> Alert:
    books = limited(1_000)
    books.add(price=500, levels=frozenset({level}), end_user="ann")
    (alert,) = alerts(books, index=1)
    return alert


def test_alert_names_the_key_or_the_end_user_whose_account_it_is() -> None:
    key, end_user = below(Level.KEY), below(Level.END_USER)

    assert (key.key_id, key.end_user) == ("0123abcd", None)
    assert (end_user.key_id, end_user.end_user) == (None, "ann")
    assert key.tenant_id == end_user.tenant_id == ACME


def identity(account: Account, record: UsageRecord) -> str:
    (alert,) = reached([account], records=[record], thresholds=(50,))
    return alert.identity


@pytest.mark.parametrize(
    ("period", "key"),
    [
        (LimitPeriod.TOTAL, "t:1000"),
        (LimitPeriod.DAILY, "d261118:1000"),
        (LimitPeriod.WEEKLY, "w261116:1000"),
        (LimitPeriod.MONTHLY, "m2611:1000"),
    ],
)
def test_alert_is_another_one_in_another_period(period: LimitPeriod, key: str) -> None:
    books = limited(1_000, period=period)
    record = books.add(price=500)
    account = replace(books.accounts[0], credit_nano_usd=NanoUsd(UNLIMITED))

    assert identity(account, record) == f"acme#{key}#50"


def test_alert_is_another_one_when_the_limit_was_raised() -> None:
    before, after = limited(1_000), limited(10_000)
    first, second = before.add(price=500), after.add(price=5_000)
    accounts = [
        replace(books.accounts[0], credit_nano_usd=NanoUsd(UNLIMITED)) for books in (before, after)
    ]

    assert identity(accounts[0], first) != identity(accounts[1], second)


def test_alert_is_another_one_after_a_grant() -> None:
    books = HonestBooks()
    record = books.add(price=500)
    account = replace(books.accounts[0], credit_nano_usd=NanoUsd(1_000))

    assert identity(account, record) == "acme#credit:1000#50"
