"""Each invariant is met by an honest ledger and missed by a ledger with one lie in it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support.honest_books import HonestBooks
from tests.support.ledger_values import NOON_MS, new_id
from weir.domain.accounts import Account
from weir.domain.holds import Level
from weir.domain.invariants import INVARIANTS, violations
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord

DAY_MS = 86_400_000
LIMITED = AccountLimits(
    requests_per_minute=5, in_flight=2, spend_nano_usd=NanoUsd(5_000), period=LimitPeriod.WEEKLY
)
BOTH_LEVELS: dict[str, Any] = {"levels": frozenset(Level), "end_user": "ann"}

Lie = Callable[[HonestBooks], tuple[list[Account], list[UsageRecord]]]


def make_books(limits: AccountLimits = LIMITED) -> HonestBooks:
    """Two settled requests of two days on one account, and one in flight."""
    books = HonestBooks(limits=limits)
    books.add(cost=400, price=500)
    books.add(cost=700, now_ms=NOON_MS + DAY_MS)
    books.hold()
    return books


def found_in(books: HonestBooks, **scope: Any) -> list[str]:
    return violations(books.accounts, books.records, **scope)


def altered(**changes: Any) -> Lie:
    def lie(books: HonestBooks) -> tuple[list[Account], list[UsageRecord]]:
        (account,) = books.accounts
        return [replace(account, **changes)], books.records

    return lie


def with_record(change: Callable[[UsageRecord], UsageRecord]) -> Lie:
    def lie(books: HonestBooks) -> tuple[list[Account], list[UsageRecord]]:
        return books.accounts, [*books.records, change(books.records[0])]

    return lie


def test_nothing_is_violated_when_the_ledger_is_honest() -> None:
    assert found_in(make_books(), limits_unchanged=True) == []


def test_nothing_is_violated_when_there_is_no_ledger_yet() -> None:
    assert violations([], [], upstream={}, swept=True, limits_unchanged=True) == []


def test_nothing_is_violated_when_an_account_tree_is_honest() -> None:
    books = make_books()
    books.add(cost=300, lane=7)
    books.add(cost=20, price=25, **BOTH_LEVELS)
    books.hold(**BOTH_LEVELS)

    assert [f"{account.account_id}#{account.lane}" for account in books.accounts] == [
        "acme#0",
        "acme#7",
        "acme/key/0123abcd#0",
        books.accounts[3].account_id + "#0",
    ]
    assert found_in(books, limits_unchanged=True) == []


@pytest.mark.parametrize("period", LimitPeriod)
def test_nothing_is_violated_when_days_are_folded(period: LimitPeriod) -> None:
    books = make_books(replace(LIMITED, period=period))
    books.add(cost=90, now_ms=NOON_MS - DAY_MS)
    books.folded_days = {"261117", "261119"}

    (account,) = books.accounts
    assert (account.folded_nano_usd, account.folded_requests) == (790, 2)
    assert found_in(books, limits_unchanged=True) == []


@pytest.mark.parametrize(
    ("lie", "expected"),
    [
        (
            altered(sequence=4),
            [
                "I1 acme#0 took 4 holds, but its days count 3 requests",
                "I1 acme#0 took 4 holds, but 2 are settled and 1 are open",
            ],
        ),
        (altered(in_flight=2), ["I2 acme#0 counts 2 in flight, but 1 are held"]),
        (
            altered(available_nano_usd=NanoUsd(97_899)),
            ["I3 acme#0: available 97899 + held 1000 + spent 1200 is not the credit 100000"],
        ),
        (
            altered(spent_nano_usd=NanoUsd(1_000), available_nano_usd=NanoUsd(98_000)),
            [
                "I4 acme#0 spent 1000, but its days count 1200",
                "I4 acme#0 spent 1000, but the price of its records is 1200",
            ],
        ),
        (
            altered(spent_by_day={"261118": 1_200}),
            [
                "I4 acme#0 spent 1200 on 261118, but the price of its records is 500",
                "I4 acme#0 spent 0 on 261119, but the price of its records is 700",
            ],
        ),
        (
            altered(requests_by_day={"261118": 1, "261119": 2}),
            [
                "I1 acme#0 counts 1 requests on 261118, but there are 2",
                "I1 acme#0 counts 2 requests on 261119, but there are 1",
            ],
        ),
        (
            altered(
                spent_by_day={"261118": 500},
                requests_by_day={"261118": 2},
                folded_nano_usd=NanoUsd(600),
                folded_requests=0,
            ),
            [
                "I1 acme#0 took 3 holds, but its days count 2 requests",
                "I4 acme#0 spent 1200, but its days count 1100",
                "I4 acme#0 spent 600 on its closed days, but the price of its records is 700",
                "I1 acme#0 counts 0 requests on its closed days, but there are 1",
            ],
        ),
        (
            altered(credit_nano_usd=NanoUsd(2_000), available_nano_usd=NanoUsd(-200)),
            ["I7 acme#0 is overspent by 200, of which 0 is due"],
        ),
        (
            with_record(lambda record: record),
            [
                "has 2 usage records",
                "I1 acme#0 took 3 holds, but 3 are settled and 1 are open",
                "I4 acme#0 spent 1200, but the price of its records is 1700",
                "I4 acme#0 spent 500 on 261118, but the price of its records is 1000",
                "I1 acme#0 counts 2 requests on 261118, but there are 3",
                "I8 acme#0 may still spend 2800 in w261116, but its limit leaves 2300",
            ],
        ),
        (
            with_record(
                lambda record: replace(
                    record, generation_id=new_id(), tenant_id=TenantId("gone"), **BOTH_LEVELS
                )
            ),
            [
                "I1 there are usage records of gone#0, which is no account",
                "I1 there are usage records of gone/key/0123abcd#0, which is no account",
                "#0, which is no account",
            ],
        ),
        (
            altered(remaining_by_period={"w261116": 2_801}),
            ["I8 acme#0 may still spend 2801 in w261116, but its limit leaves 2800"],
        ),
        (
            altered(requests_by_minute={29_916_720: 6}),
            ["I8 acme#0 admitted 6 requests in minute 29916720, but its limit is 5"],
        ),
        (
            altered(limits=replace(LIMITED, in_flight=0)),
            ["I8 acme#0 has 1 in flight, but its limit is 0"],
        ),
        (
            altered(credit_nano_usd=100_000.0),
            ["I10 acme#0 has an amount that is no integer"],
        ),
    ],
    ids=[
        "sequence",
        "in flight",
        "conservation",
        "spent",
        "price of a day",
        "requests of a day",
        "folded days",
        "overspend",
        "record twice",
        "orphan",
        "remainder",
        "requests of a minute",
        "too many in flight",
        "float",
    ],
)
def test_lie_is_found_when_the_ledger_tells_one(lie: Lie, expected: list[str]) -> None:
    accounts, records = lie(make_books())

    found = violations(accounts, records, limits_unchanged=True)

    assert len(found) == len(expected)
    assert all(sentence.endswith(end) for sentence, end in zip(found, expected, strict=True))
    assert {sentence.split()[0] for sentence in found} <= INVARIANTS.keys()


def test_limits_are_left_out_when_they_may_have_changed() -> None:
    accounts, records = altered(
        remaining_by_period={"w261116": 0},
        requests_by_minute={29_916_720: 6},
        limits=replace(LIMITED, in_flight=0),
    )(make_books())

    assert violations(accounts, records) == []


def test_remainder_of_another_kind_is_left_out_when_the_period_was_changed() -> None:
    accounts, records = altered(remaining_by_period={"m2611": 1, "d261118": 1})(make_books())

    assert violations(accounts, records, limits_unchanged=True) == []
