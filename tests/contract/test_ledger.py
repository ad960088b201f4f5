"""One contract for the ledger's ports, kept by the fake and by DynamoDB alike."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_steps import ACCOUNT, Ledger, finish, only_account, reserve, take
from tests.support.ledger_tables import embedded_dynamodb, new_tables
from tests.support.ledger_values import (
    ACME,
    NOON_MS,
    make_hold,
    make_reservation,
    new_id,
)
from weir.domain.accounts import (
    AccountId,
    AccountStatus,
    key_account,
    tenant_account,
)
from weir.domain.errors import (
    ForbiddenError,
    InsufficientCreditsError,
    MissingAccountError,
    RateLimitExceededError,
    WeirError,
)
from weir.domain.limits import AccountLimits
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
        limits = AccountLimits(requests_per_minute=60, in_flight=8, spend_nano_usd=NanoUsd(9_000))
        ledger.open_tenant_account(ACME, credit_nano_usd=5_000, limits=limits)
        hold = make_hold(estimate=1_000, model="maker/with;semicolon")

        account = ledger.reserve(ACCOUNT, reservation=make_reservation(hold, tokens=7))

        assert account.holds == {hold.generation_id: hold}
        assert (account.credit_nano_usd, account.available_nano_usd) == (5_000, 4_000)
        assert (account.in_flight, account.sequence, account.spent_nano_usd) == (1, 1, 0)
        assert account.requests_by_minute == {NOON_MS // MINUTE_MS: 1}
        assert account.tokens_by_minute == {NOON_MS // MINUTE_MS: 7}
        assert account.remaining_by_period == {"m2611": 8_000}
        assert account.requests_by_day == {"261118": 1}
        assert account == only_account(ledger)

    def test_second_hold_is_not_taken_when_the_same_reservation_is_repeated(
        self, ledger: Ledger
    ) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=1_000)
        reservation = make_reservation(estimate=1_000)
        first = ledger.reserve(ACCOUNT, reservation=reservation)

        second = ledger.reserve(ACCOUNT, reservation=reservation)

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
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=limits)

        with pytest.raises(RateLimitExceededError):
            reserve(ledger, estimate=1_000, tokens=10)

        assert only_account(ledger).holds == {}

    @pytest.mark.parametrize(
        ("limits", "credit", "error", "reason"),
        [
            (AccountLimits(in_flight=1), 9_000, RateLimitExceededError, "in flight"),
            (AccountLimits(requests_per_minute=1), 9_000, RateLimitExceededError, "requests per"),
            (AccountLimits(tokens_per_minute=10), 9_000, RateLimitExceededError, "tokens per"),
            (AccountLimits(spend_nano_usd=NanoUsd(1_999)), 9_000, ForbiddenError, "monthly limit"),
            (AccountLimits(), 1_999, InsufficientCreditsError, "credits cover"),
        ],
        ids=["in-flight", "requests", "tokens", "spending", "credit"],
    )
    def test_second_request_is_refused_when_a_limit_is_reached(
        self,
        ledger: Ledger,
        limits: AccountLimits,
        credit: int,
        error: type[WeirError],
        reason: str,
    ) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=credit, limits=limits)
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
            spend_nano_usd=NanoUsd(1_000),
        )
        ledger.open_tenant_account(ACME, credit_nano_usd=1_000, limits=limits)

        reserve(ledger, estimate=1_000, tokens=50)

        assert only_account(ledger).available_nano_usd == 0

    def test_request_is_admitted_when_the_next_minute_begins(self, ledger: Ledger) -> None:
        limits = AccountLimits(requests_per_minute=1, tokens_per_minute=1)
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=limits)
        reserve(ledger, now_ms=NOON_MS + MINUTE_MS - 1)

        reserve(ledger, now_ms=NOON_MS + MINUTE_MS)

        assert only_account(ledger).in_flight == 2

    def test_request_is_forbidden_when_the_account_is_suspended(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        hold = reserve(ledger)
        ledger.set_status(ACME, status=AccountStatus.SUSPENDED)

        with pytest.raises(ForbiddenError, match="suspended"):
            reserve(ledger)

        assert finish(ledger, hold, cost=1), "what is in flight settles as ever"
        ledger.set_status(ACME, status=AccountStatus.ACTIVE)
        reserve(ledger)

    def test_request_is_forbidden_when_there_is_no_account(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)

        for account_id in (AccountId("other"), key_account(ACME, "0123abcd")):
            with pytest.raises(MissingAccountError):
                reserve(ledger, account_id=account_id)
        with pytest.raises(MissingAccountError):
            reserve(ledger, lane=1)

    def test_lanes_are_apart_when_an_account_has_several(self, ledger: Ledger) -> None:
        ledger.open_lane(ACME, credit_nano_usd=1_000, lane=0)
        ledger.open_lane(ACME, credit_nano_usd=2_000, lane=1)

        hold = reserve(ledger, estimate=2_000, lane=1)
        finish(ledger, hold, cost=500)

        spent = {account.lane: account.spent_nano_usd for account in ledger.accounts()}
        assert spent == {0: 0, 1: 500}
        assert audit(ledger, swept=True).violations == ()


class TestRelease:
    def test_account_is_as_if_nothing_had_been_reserved_when_released(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        reserve(ledger, estimate=500, tokens=3)
        before = only_account(ledger)
        reservation = make_reservation(estimate=1_000, tokens=7)
        hold = take(ledger, reservation)

        assert ledger.release(ACCOUNT, hold=hold, reservation=reservation)

        assert only_account(ledger) == before

    def test_only_zeros_are_left_when_the_first_reservation_is_released(
        self, ledger: Ledger
    ) -> None:
        limits = AccountLimits(spend_nano_usd=NanoUsd(5_000))
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=limits)
        before = only_account(ledger)
        reservation = make_reservation()
        hold = take(ledger, reservation)

        ledger.release(ACCOUNT, hold=hold, reservation=reservation)

        after = only_account(ledger)
        assert after.requests_by_day == {"261118": 0}
        assert set(after.requests_by_minute.values()) == set(after.tokens_by_minute.values()) == {0}
        assert after.remaining_by_period == {"m2611": 5_000}
        emptied = replace(
            after,
            requests_by_day={},
            requests_by_minute={},
            tokens_by_minute={},
            remaining_by_period={},
        )
        assert emptied == before
        assert audit(ledger, swept=True).violations == ()

    def test_nothing_changes_when_the_hold_is_gone(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        reservation = make_reservation()
        hold = take(ledger, reservation)
        assert ledger.release(ACCOUNT, hold=hold, reservation=reservation)
        before = only_account(ledger)

        assert not ledger.release(ACCOUNT, hold=hold, reservation=reservation)
        assert not ledger.release(AccountId("other"), hold=hold, reservation=reservation)

        assert only_account(ledger) == before
        assert not finish(ledger, hold, cost=1), "a released request cannot be settled"

    def test_limits_admit_another_when_one_in_flight_is_released(self, ledger: Ledger) -> None:
        limits = AccountLimits(in_flight=1, requests_per_minute=1, tokens_per_minute=1)
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=limits)
        reservation = make_reservation()
        hold = take(ledger, reservation)

        ledger.release(ACCOUNT, hold=hold, reservation=reservation)

        reserve(ledger)


class TestHeld:
    @pytest.mark.parametrize("end_user", [None, "", "%", "%25", "ann", "a;b", "ünï", "~x~"])
    def test_hold_is_as_it_was_taken_when_it_is_open(
        self, ledger: Ledger, end_user: str | None
    ) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        hold = reserve(ledger, end_user=end_user, model="maker/with;semi;colons")

        assert ledger.held(ACCOUNT, hold.generation_id) == hold

    def test_there_is_none_when_it_was_settled_or_never_taken(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        hold = reserve(ledger)
        finish(ledger, hold, cost=1)

        assert ledger.held(ACCOUNT, hold.generation_id) is None
        assert ledger.held(ACCOUNT, new_id()) is None
        assert ledger.held(AccountId("other"), hold.generation_id) is None


def test_reservation_of_two_tenants_are_apart_when_ids_are_equal(ledger: Ledger) -> None:
    other = TenantId("acme#1")
    ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
    ledger.open_tenant_account(other, credit_nano_usd=9_000)
    hold = make_hold()

    for tenant_id in (ACME, other):
        take(ledger, make_reservation(hold), account_id=tenant_account(tenant_id))
    ledger.settle(ACCOUNT, hold=hold, price_nano_usd=NanoUsd(5), now_ms=NOON_MS)

    state = {account.account_id: account.in_flight for account in ledger.accounts()}
    assert state == {ACCOUNT: 0, AccountId(other): 1}
