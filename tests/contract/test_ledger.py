"""One contract for the ledger's ports, kept by the fake and by DynamoDB alike."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_steps import Ledger, finish, only_account, reserve
from tests.support.ledger_tables import embedded_dynamodb, new_tables
from tests.support.ledger_values import (
    ACME,
    NOON_MS,
    make_hold,
    make_reservation,
    new_id,
)
from weir.domain.accounts import AccountId, AccountLimits, AccountStatus
from weir.domain.errors import (
    ForbiddenError,
    InsufficientCreditsError,
    RateLimitExceededError,
    WeirError,
)
from weir.domain.holds import Reservation
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId
from weir.services.audit import audit

MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made:
        yield made


@pytest.fixture(params=["fake", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "fake":
        return FakeLedger()
    return new_tables(request.getfixturevalue("client")).ledger()


class TestReserve:
    def test_account_is_returned_as_it_then_is_when_admitted(self, ledger: Ledger) -> None:
        limits = AccountLimits(requests_per_minute=60, in_flight=8, monthly_nano_usd=NanoUsd(9_000))
        ledger.open_account(ACME, credit_nano_usd=5_000, limits=limits)
        hold = make_hold(estimate=1_000, model="maker/with;semicolon")

        account = ledger.reserve(ACME, reservation=make_reservation(hold, tokens=7))

        assert account.holds == {hold.generation_id: hold}
        assert (account.credit_nano_usd, account.available_nano_usd) == (5_000, 4_000)
        assert (account.in_flight, account.sequence, account.spent_nano_usd) == (1, 1, 0)
        assert account.requests_by_minute == {NOON_MS // MINUTE_MS: 1}
        assert account.tokens_by_minute == {NOON_MS // MINUTE_MS: 7}
        assert account.remaining_by_month == {"2611": 8_000}
        assert account.requests_by_day == {"261118": 1}
        assert account == only_account(ledger)

    def test_second_hold_is_not_taken_when_the_same_reservation_is_repeated(
        self, ledger: Ledger
    ) -> None:
        ledger.open_account(ACME, credit_nano_usd=1_000)
        reservation = make_reservation(estimate=1_000)
        first = ledger.reserve(ACME, reservation=reservation)

        second = ledger.reserve(ACME, reservation=reservation)

        assert second == first == only_account(ledger)

    @pytest.mark.parametrize(
        "limits",
        [
            AccountLimits(in_flight=0),
            AccountLimits(requests_per_minute=0),
            AccountLimits(tokens_per_minute=0),
        ],
        ids=["in-flight", "requests", "tokens"],
    )
    def test_first_request_is_refused_when_a_limit_allows_nothing(
        self, ledger: Ledger, limits: AccountLimits
    ) -> None:
        ledger.open_account(ACME, credit_nano_usd=9_000, limits=limits)

        with pytest.raises(RateLimitExceededError):
            reserve(ledger, estimate=1_000, tokens=10)

        assert only_account(ledger).holds == {}

    @pytest.mark.parametrize(
        ("limits", "credit", "error", "reason"),
        [
            (AccountLimits(in_flight=1), 9_000, RateLimitExceededError, "in flight"),
            (AccountLimits(requests_per_minute=1), 9_000, RateLimitExceededError, "requests per"),
            (AccountLimits(tokens_per_minute=10), 9_000, RateLimitExceededError, "tokens per"),
            (
                AccountLimits(monthly_nano_usd=NanoUsd(1_999)),
                9_000,
                InsufficientCreditsError,
                "monthly limit",
            ),
            (AccountLimits(), 1_999, InsufficientCreditsError, "credits cover"),
        ],
        ids=["in-flight", "requests", "tokens", "month", "credit"],
    )
    def test_second_request_is_refused_when_a_limit_is_reached(
        self,
        ledger: Ledger,
        limits: AccountLimits,
        credit: int,
        error: type[WeirError],
        reason: str,
    ) -> None:
        ledger.open_account(ACME, credit_nano_usd=credit, limits=limits)
        reserve(ledger, estimate=1_000, tokens=10)
        before = only_account(ledger)

        with pytest.raises(error, match=reason):
            reserve(ledger, estimate=1_000, tokens=10)

        assert only_account(ledger) == before

    def test_request_is_admitted_when_it_takes_exactly_what_is_left(self, ledger: Ledger) -> None:
        limits = AccountLimits(
            in_flight=1,
            requests_per_minute=1,
            tokens_per_minute=1,
            monthly_nano_usd=NanoUsd(1_000),
        )
        ledger.open_account(ACME, credit_nano_usd=1_000, limits=limits)

        reserve(ledger, estimate=1_000, tokens=50)

        assert only_account(ledger).available_nano_usd == 0

    def test_request_is_admitted_when_the_next_minute_begins(self, ledger: Ledger) -> None:
        limits = AccountLimits(requests_per_minute=1, tokens_per_minute=1)
        ledger.open_account(ACME, credit_nano_usd=9_000, limits=limits)
        reserve(ledger, now_ms=NOON_MS + MINUTE_MS - 1)

        reserve(ledger, now_ms=NOON_MS + MINUTE_MS)

        assert only_account(ledger).in_flight == 2

    def test_month_is_used_up_exactly_when_requests_take_all_of_it(self, ledger: Ledger) -> None:
        limits = AccountLimits(monthly_nano_usd=NanoUsd(1_000))
        ledger.open_account(ACME, credit_nano_usd=9_000, limits=limits)

        with pytest.raises(InsufficientCreditsError, match="monthly limit"):
            reserve(ledger, estimate=1_001)
        reserve(ledger, estimate=600)
        reserve(ledger, estimate=400)
        with pytest.raises(InsufficientCreditsError, match="monthly limit"):
            reserve(ledger, estimate=1)

        assert only_account(ledger).remaining_by_month == {"2611": 0}

    def test_monthly_limit_is_whole_again_when_the_next_month_begins(self, ledger: Ledger) -> None:
        limits = AccountLimits(monthly_nano_usd=NanoUsd(1_000))
        ledger.open_account(ACME, credit_nano_usd=9_000, limits=limits)
        last_ms = NOON_MS + 12 * 86_400_000 + 43_199_000
        hold = reserve(ledger, estimate=1_000, now_ms=last_ms)

        reserve(ledger, estimate=900, now_ms=last_ms + 1_000)
        finish(ledger, hold, cost=400, now_ms=last_ms + 5_000)

        account = only_account(ledger)
        assert account.remaining_by_month == {"2611": 600, "2612": 100}
        assert account.requests_by_day == {"261130": 1, "261201": 1}
        assert account.spent_by_day == {"261130": 400}

    def test_request_is_forbidden_when_the_account_is_suspended(self, ledger: Ledger) -> None:
        ledger.open_account(ACME, credit_nano_usd=9_000)
        hold = reserve(ledger)
        ledger.set_status(ACME, status=AccountStatus.SUSPENDED)

        with pytest.raises(ForbiddenError, match="suspended"):
            reserve(ledger)

        assert finish(ledger, hold, cost=1), "what is in flight settles as ever"
        ledger.set_status(ACME, status=AccountStatus.ACTIVE)
        reserve(ledger)

    def test_request_is_forbidden_when_there_is_no_account(self, ledger: Ledger) -> None:
        ledger.open_account(ACME, credit_nano_usd=9_000)

        with pytest.raises(ForbiddenError, match="no account"):
            ledger.reserve(TenantId("other"), reservation=make_reservation())
        with pytest.raises(ForbiddenError, match="no account"):
            reserve(ledger, lane=1)

    def test_lanes_are_apart_when_an_account_has_several(self, ledger: Ledger) -> None:
        ledger.open_account(ACME, credit_nano_usd=1_000, lane=0)
        ledger.open_account(ACME, credit_nano_usd=2_000, lane=1)

        hold = reserve(ledger, estimate=2_000, lane=1)
        finish(ledger, hold, cost=500)

        spent = {account.lane: account.spent_nano_usd for account in ledger.accounts()}
        assert spent == {0: 0, 1: 500}
        assert audit(ledger, swept=True).violations == ()


class TestOpenAccount:
    def test_balance_is_kept_when_an_account_is_opened_again(self, ledger: Ledger) -> None:
        assert ledger.open_account(ACME, credit_nano_usd=1_000)
        reserve(ledger, estimate=1_000)

        assert not ledger.open_account(ACME, credit_nano_usd=9_000)

        assert only_account(ledger).available_nano_usd == 0


def test_reservation_of_two_tenants_are_apart_when_ids_are_equal(ledger: Ledger) -> None:
    other = TenantId("acme#1")
    ledger.open_account(ACME, credit_nano_usd=9_000)
    ledger.open_account(other, credit_nano_usd=9_000)
    hold = make_hold(generation_id=new_id())

    for tenant_id in (ACME, other):
        ledger.reserve(tenant_id, reservation=Reservation(hold=hold, tokens=1, now_ms=NOON_MS))
    ledger.settle(ACME, hold=hold, cost_nano_usd=NanoUsd(5), now_ms=NOON_MS)

    state = {account.account_id: account.in_flight for account in ledger.accounts()}
    assert state == {AccountId(ACME): 0, AccountId(other): 1}
