"""The contract of what happens after a request is over: adjustments, and folding its day."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_steps import ACCOUNT, Ledger, finish, only_account, reserve
from tests.support.ledger_tables import embedded_dynamodb, new_tables
from tests.support.ledger_values import (
    ACME,
    NOON_MS,
    make_adjustment,
    make_hold,
    make_record,
    make_reservation,
)
from weir.domain.accounts import end_user_account, key_account
from weir.domain.holds import Level
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.usage import RecordStatus, UsageRecord
from weir.services.audit import audit

DAY_MS = 86_400_000
MINUTE_MS = 60_000
DAILY = AccountLimits(spend_nano_usd=NanoUsd(5_000), period=LimitPeriod.DAILY)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made:
        yield made


@pytest.fixture(params=["fake", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "fake":
        return FakeLedger()
    return new_tables(request.getfixturevalue("client")).ledger()


def ended_unknown(ledger: Ledger, **changes: Any) -> UsageRecord:
    """A request whose cost nobody knew when it was settled, on every account it concerns."""
    hold = make_hold(**changes)
    record = make_record(hold, cost=0, status=RecordStatus.UNKNOWN)
    for account_id in accounts_of(record):
        ledger.reserve(account_id, reservation=make_reservation(hold))
    ledger.record(record)
    assert finish(ledger, hold, cost=0)
    return record


def accounts_of(record: UsageRecord) -> list[Any]:
    below = {
        Level.KEY: key_account(ACME, record.key_id),
        Level.END_USER: end_user_account(ACME, record.end_user or ""),
    }
    return [ACCOUNT, *(below[level] for level in sorted(record.levels))]


class TestAdjust:
    def test_price_counts_on_its_own_day_when_a_cost_is_found_out(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=DAILY)
        record = ended_unknown(ledger)
        adjustment = make_adjustment(record, cost=300, now_ms=NOON_MS + DAY_MS)
        adjustment = replace(adjustment, price_nano_usd=NanoUsd(360))

        assert ledger.adjust(adjustment)

        account = only_account(ledger)
        assert (account.available_nano_usd, account.spent_nano_usd) == (8_640, 360)
        assert account.spent_by_day == {"261118": 0, "261119": 360}
        assert account.requests_by_day == {"261118": 1}, "it is no request of its own"
        assert account.remaining_by_period == {"d261118": 5_000, "d261119": 4_640}
        named = replace(record, adjusted_by=adjustment.generation_id)
        assert {r.generation_id: r for r in ledger.records()} == {
            record.generation_id: named,
            adjustment.generation_id: adjustment,
        }
        assert audit(ledger, swept=True).violations == ()

    def test_request_is_adjusted_once_when_two_find_out(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        record = ended_unknown(ledger)
        first = make_adjustment(record, cost=300)

        answers = [ledger.adjust(it) for it in (first, first, make_adjustment(record, cost=400))]

        assert answers == [True, False, False]
        assert only_account(ledger).spent_nano_usd == 300
        assert len(list(ledger.records())) == 2

    def test_every_account_is_charged_when_the_request_had_levels(self, ledger: Ledger) -> None:
        levels = frozenset({Level.KEY, Level.END_USER})
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, lanes=2)
        for account_id in (key_account(ACME, "0123abcd"), end_user_account(ACME, "ann")):
            ledger.open_account(account_id, limits=DAILY)
        record = ended_unknown(ledger, levels=levels, end_user="ann", lane=1)

        assert ledger.adjust(make_adjustment(record, cost=300))

        spent = {(str(a.account_id), a.lane): a.spent_nano_usd for a in ledger.accounts()}
        assert {name: cost for name, cost in spent.items() if cost} == {
            ("acme", 1): 300,
            (str(key_account(ACME, "0123abcd")), 0): 300,
            (str(end_user_account(ACME, "ann")), 0): 300,
        }
        assert audit(ledger, swept=True).violations == ()

    def test_account_is_left_out_when_it_is_gone(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        record = ended_unknown(ledger)
        levels = frozenset({Level.KEY})

        assert ledger.adjust(make_adjustment(record, cost=300, levels=levels))

        assert only_account(ledger).spent_nano_usd == 300

    @pytest.mark.parametrize("status", [RecordStatus.COMPLETED, None], ids=["known", "absent"])
    def test_nothing_changes_when_the_request_did_not_end_unknown(
        self, ledger: Ledger, status: RecordStatus | None
    ) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        record = make_record(make_hold(), cost=100)
        if status:
            ledger.record(record)
        before = list(ledger.accounts()), list(ledger.records())

        assert not ledger.adjust(make_adjustment(record, cost=300))

        assert (list(ledger.accounts()), list(ledger.records())) == before

    @pytest.mark.parametrize(
        "changes", [{"adjusts": None}, {"status": RecordStatus.COMPLETED}], ids=["none", "status"]
    )
    def test_record_is_refused_when_it_is_no_adjustment(
        self, ledger: Ledger, changes: dict[str, Any]
    ) -> None:
        record = make_adjustment(make_record(make_hold()), cost=1, **changes)

        with pytest.raises(ValueError, match="no adjustment"):
            ledger.adjust(record)

    def test_lane_may_be_overdrawn_when_what_was_found_out_is_more_than_is_left(
        self, ledger: Ledger
    ) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=1_000, limits=DAILY)
        record = ended_unknown(ledger, estimate=1_000)
        finish(ledger, reserve(ledger, estimate=900, period=LimitPeriod.DAILY), cost=900)

        assert ledger.adjust(make_adjustment(record, cost=800))

        assert only_account(ledger).available_nano_usd == -700


class TestFold:
    def test_counters_become_sums_when_a_day_is_folded(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=DAILY)
        for cost in (100, 250):
            finish(ledger, reserve(ledger, period=LimitPeriod.DAILY), cost=cost)
        today_ms = NOON_MS + DAY_MS
        finish(ledger, reserve(ledger, now_ms=today_ms, period=LimitPeriod.DAILY), cost=7)
        before = only_account(ledger)

        assert ledger.fold(before, day="261118", now_ms=today_ms)

        account = only_account(ledger)
        assert (account.folded_nano_usd, account.folded_requests) == (350, 2)
        assert account.spent_by_day == {"261119": 7}
        assert account.requests_by_day == {"261119": 1}
        assert account.remaining_by_period == {"d261119": 4_993}
        assert list(account.requests_by_minute) == [today_ms // MINUTE_MS]
        assert list(account.tokens_by_minute) == [today_ms // MINUTE_MS]
        assert account.spent_nano_usd == before.spent_nano_usd
        assert audit(ledger, swept=True).violations == ()

    def test_day_is_folded_once_when_it_is_repeated(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        finish(ledger, reserve(ledger), cost=100)
        before = only_account(ledger)
        ledger.fold(before, day="261118", now_ms=NOON_MS + DAY_MS)

        assert not ledger.fold(before, day="261118", now_ms=NOON_MS + DAY_MS)
        assert not ledger.fold(only_account(ledger), day="261118", now_ms=NOON_MS + DAY_MS)

        assert only_account(ledger).folded_nano_usd == 100

    def test_nothing_changes_when_a_request_of_the_day_is_open(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        reserve(ledger)
        before = only_account(ledger)

        assert not ledger.fold(before, day="261118", now_ms=NOON_MS + DAY_MS)

        assert only_account(ledger) == before

    def test_nothing_changes_when_the_day_counted_on_since_it_was_read(
        self, ledger: Ledger
    ) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        finish(ledger, reserve(ledger), cost=100)
        read = only_account(ledger)
        finish(ledger, reserve(ledger), cost=0)
        before = only_account(ledger)

        assert not ledger.fold(read, day="261118", now_ms=NOON_MS + DAY_MS)

        assert only_account(ledger) == before

    def test_day_of_an_adjustment_alone_is_folded_when_it_has_no_request(
        self, ledger: Ledger
    ) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        record = ended_unknown(ledger)
        ledger.adjust(make_adjustment(record, cost=300, now_ms=NOON_MS + DAY_MS))

        assert ledger.fold(only_account(ledger), day="261119", now_ms=NOON_MS + 2 * DAY_MS)

        account = only_account(ledger)
        assert (account.folded_nano_usd, account.folded_requests) == (300, 0)
        assert account.spent_by_day == {"261118": 0}

    def test_day_of_a_released_request_is_folded_when_nothing_was_spent(
        self, ledger: Ledger
    ) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        reservation = make_reservation()
        ledger.reserve(ACCOUNT, reservation=reservation)
        ledger.release(ACCOUNT, hold=reservation.hold, reservation=reservation)

        assert ledger.fold(only_account(ledger), day="261118", now_ms=NOON_MS + DAY_MS)

        assert only_account(ledger).requests_by_day == {}

    def test_remainder_stays_when_a_hold_of_its_period_is_open(self, ledger: Ledger) -> None:
        november = AccountLimits(spend_nano_usd=NanoUsd(5_000))
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=november)
        finish(ledger, reserve(ledger), cost=100)
        hold = reserve(ledger, estimate=1_000, now_ms=NOON_MS + DAY_MS)
        december_ms = NOON_MS + 20 * DAY_MS

        assert ledger.fold(only_account(ledger), day="261118", now_ms=december_ms)

        assert only_account(ledger).remaining_by_period == {"m2611": 3_900}
        finish(ledger, hold, cost=200, now_ms=december_ms)
        assert ledger.fold(only_account(ledger), day="261119", now_ms=december_ms)
        assert only_account(ledger).remaining_by_period == {}
        assert audit(ledger, swept=True).violations == ()

    def test_remainder_stays_when_its_period_ended_a_moment_ago(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=DAILY)
        finish(ledger, reserve(ledger, period=LimitPeriod.DAILY), cost=100)
        after_midnight_ms = NOON_MS + DAY_MS // 2 + 50 * MINUTE_MS

        ledger.fold(only_account(ledger), day="261118", now_ms=after_midnight_ms)

        assert only_account(ledger).remaining_by_period == {"d261118": 4_900}
