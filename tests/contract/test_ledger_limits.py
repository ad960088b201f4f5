"""The contract of spending limits: their periods, and changing them under open requests."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_steps import ACCOUNT, Ledger, finish, only_account, reserve, take
from tests.support.ledger_tables import embedded_dynamodb, new_tables
from tests.support.ledger_values import ACME, NOON_MS, make_hold, make_reservation
from weir.domain.accounts import key_account
from weir.domain.errors import ForbiddenError, RateLimitExceededError
from weir.domain.limits import UNLIMITED, AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.services.audit import audit

DAY_MS = 86_400_000
# 2026-11-18 is a Wednesday; its day, week and month end here.
MIDNIGHT_MS = NOON_MS + DAY_MS // 2
MONDAY_MS = MIDNIGHT_MS + 4 * DAY_MS
DECEMBER_MS = MIDNIGHT_MS + 12 * DAY_MS
T, D, W, M = LimitPeriod.TOTAL, LimitPeriod.DAILY, LimitPeriod.WEEKLY, LimitPeriod.MONTHLY


def limited(spend: int, period: LimitPeriod = M) -> AccountLimits:
    return AccountLimits(spend_nano_usd=NanoUsd(spend), period=period)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made:
        yield made


@pytest.fixture(params=["fake", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "fake":
        return FakeLedger()
    return new_tables(request.getfixturevalue("client")).ledger()


class TestPeriods:
    def test_limit_is_used_up_exactly_when_requests_take_all_of_it(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=limited(1_000))

        with pytest.raises(ForbiddenError, match="limit exceeded"):
            reserve(ledger, estimate=1_001)
        reserve(ledger, estimate=600)
        reserve(ledger, estimate=400)
        with pytest.raises(ForbiddenError, match="limit exceeded"):
            reserve(ledger, estimate=1)

        assert only_account(ledger).remaining_by_period == {"m2611": 0}

    @pytest.mark.parametrize(
        ("period", "ends_ms", "keys"),
        [
            (D, MIDNIGHT_MS, ["d261118", "d261119"]),
            (W, MONDAY_MS, ["w261116", "w261123"]),
            (M, DECEMBER_MS, ["m2611", "m2612"]),
        ],
        ids=["day", "week", "month"],
    )
    def test_limit_is_whole_again_when_its_period_ends(
        self, ledger: Ledger, period: LimitPeriod, ends_ms: int, keys: list[str]
    ) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=limited(1_000, period))
        hold = reserve(ledger, estimate=1_000, now_ms=ends_ms - 1_000, period=period)
        with pytest.raises(ForbiddenError):
            reserve(ledger, estimate=1, now_ms=ends_ms - 1, period=period)

        reserve(ledger, estimate=900, now_ms=ends_ms, period=period)
        finish(ledger, hold, cost=400, now_ms=ends_ms + 5_000)

        left = only_account(ledger).remaining_by_period
        assert left == dict(zip(keys, (600, 100), strict=True))

    def test_limit_never_starts_anew_when_it_is_a_total(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=limited(1_000, T))
        reserve(ledger, estimate=700, period=T)

        with pytest.raises(ForbiddenError):
            reserve(ledger, estimate=700, now_ms=NOON_MS + 400 * DAY_MS, period=T)

        assert only_account(ledger).remaining_by_period == {"t": 300}

    def test_hold_names_the_accounts_own_period_when_it_was_guessed_wrong(
        self, ledger: Ledger
    ) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=limited(1_000, D))
        hold = make_hold(estimate=600, period=W)

        stored = take(ledger, make_reservation(hold))

        assert stored.period is D
        assert only_account(ledger).remaining_by_period == {"d261118": 400}
        assert take(ledger, make_reservation(hold)) == stored, "a repetition finds it"
        assert only_account(ledger).in_flight == 1

    def test_refusal_is_explained_when_the_period_was_guessed_wrong(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=limited(1_000, D))

        with pytest.raises(ForbiddenError, match="daily limit"):
            reserve(ledger, estimate=1_001, period=M)

    def test_right_remainder_gets_it_back_when_the_caller_knows_the_hold_by_its_guess(
        self, ledger: Ledger
    ) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=limited(1_000, D))
        settled, released = make_hold(estimate=300), make_hold(estimate=200)
        for hold in (settled, released):
            ledger.reserve(ACCOUNT, reservation=make_reservation(hold))

        assert finish(ledger, settled, cost=100)
        assert ledger.release(ACCOUNT, hold=released, reservation=make_reservation(released))

        assert only_account(ledger).remaining_by_period == {"d261118": 900}
        assert audit(ledger, swept=True).violations == ()


class TestSetLimits:
    @pytest.mark.parametrize(("limit", "left"), [(1_500, 900), (700, 100), (500, -100), (600, 0)])
    def test_remainder_moves_by_the_difference_when_the_period_stays(
        self, ledger: Ledger, limit: int, left: int
    ) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=limited(1_000))
        finish(ledger, reserve(ledger, estimate=500), cost=200)
        hold = reserve(ledger, estimate=400)

        assert ledger.set_limits(ACCOUNT, limits=limited(limit), now_ms=NOON_MS)

        assert only_account(ledger).remaining_by_period == {"m2611": left}
        finish(ledger, hold, cost=100)
        assert only_account(ledger).remaining_by_period == {"m2611": left + 300}
        assert audit(ledger, swept=True).violations == ()

    def test_next_request_is_admitted_when_a_limit_is_raised(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=limited(1_000))
        reserve(ledger, estimate=1_000)
        with pytest.raises(ForbiddenError):
            reserve(ledger, estimate=1_000)

        ledger.set_limits(ACCOUNT, limits=limited(2_000), now_ms=NOON_MS)

        reserve(ledger, estimate=1_000)

    def test_next_request_is_refused_when_a_limit_is_lowered_below_what_is_held(
        self, ledger: Ledger
    ) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        hold = reserve(ledger)

        ledger.set_limits(ACCOUNT, limits=AccountLimits(in_flight=1), now_ms=NOON_MS)

        with pytest.raises(RateLimitExceededError):
            reserve(ledger)
        finish(ledger, hold, cost=1)
        reserve(ledger)

    def test_limit_is_switched_off_when_it_becomes_unlimited(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=limited(100))

        ledger.set_limits(ACCOUNT, limits=AccountLimits(), now_ms=NOON_MS)

        reserve(ledger, estimate=8_000)
        assert only_account(ledger).remaining_by_period == {"m2611": UNLIMITED - 8_000}

    def test_what_was_spent_counts_when_the_period_has_not_begun_on_the_account(
        self, ledger: Ledger
    ) -> None:
        account_id = key_account(ACME, "0123abcd")
        ledger.open_account(account_id, limits=AccountLimits())

        ledger.set_limits(
            account_id, limits=limited(1_000), now_ms=NOON_MS, spent_nano_usd=NanoUsd(700)
        )

        with pytest.raises(ForbiddenError):
            reserve(ledger, account_id=account_id, estimate=301)
        reserve(ledger, account_id=account_id, estimate=300)

    def test_another_period_starts_from_what_is_spent_and_held_when_it_is_set(
        self, ledger: Ledger
    ) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=limited(5_000))
        finish(ledger, reserve(ledger, estimate=500), cost=200)
        yesterdays = reserve(ledger, estimate=1_000, now_ms=NOON_MS - DAY_MS)
        todays = reserve(ledger, estimate=400)

        ledger.set_limits(
            ACCOUNT, limits=limited(1_000, D), now_ms=NOON_MS, spent_nano_usd=NanoUsd(200)
        )

        assert only_account(ledger).remaining_by_period == {"m2611": 3_400, "d261118": 400}
        # What they give back belongs to the month they were taken from.
        finish(ledger, yesterdays, cost=0)
        finish(ledger, todays, cost=100)
        assert only_account(ledger).remaining_by_period == {"m2611": 4_700, "d261118": 400}
        reserve(ledger, estimate=400, period=D)
        assert audit(ledger).violations == ()

    def test_earlier_remainder_is_replaced_when_a_period_comes_back(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=limited(1_000))
        reserve(ledger, estimate=600)
        ledger.set_limits(ACCOUNT, limits=limited(5_000, D), now_ms=NOON_MS)
        finish(ledger, reserve(ledger, estimate=500, period=D), cost=500)

        ledger.set_limits(
            ACCOUNT, limits=limited(2_000), now_ms=NOON_MS, spent_nano_usd=NanoUsd(500)
        )

        assert only_account(ledger).remaining_by_period["m2611"] == 900

    def test_nothing_happens_when_there_is_no_account(self, ledger: Ledger) -> None:
        assert not ledger.set_limits(ACCOUNT, limits=limited(1), now_ms=NOON_MS)

        assert list(ledger.accounts()) == []

    def test_one_lane_is_changed_when_an_account_has_several(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=limited(1_000), lanes=2)

        assert ledger.set_limits(ACCOUNT, limits=limited(7), now_ms=NOON_MS, lane=1)

        limits = {account.lane: account.limits.spend_nano_usd for account in ledger.accounts()}
        assert limits == {0: 500, 1: 7}
