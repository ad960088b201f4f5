"""The contract of the operator's writes: tenants' accounts, lanes, grants, transfers, status."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_steps import ACCOUNT, Ledger, finish, only_account, reserve
from tests.support.ledger_tables import embedded_dynamodb, new_tables
from tests.support.ledger_values import ACME, NOON_MS
from weir.domain.accounts import AccountId, AccountStatus
from weir.domain.errors import ConflictError, InsufficientCreditsError, NotFoundError
from weir.domain.limits import UNLIMITED, AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.tenants import Tenant, TenantId
from weir.services.audit import audit

TENANT = Tenant(tenant_id=ACME, namespace_key=b"", lanes=3)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made:
        yield made


@pytest.fixture(params=["fake", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "fake":
        return FakeLedger()
    return new_tables(request.getfixturevalue("client")).ledger()


def credits_of(ledger: Ledger) -> list[tuple[int, int]]:
    """Credit and what is available of it, by lane."""
    lanes = sorted(ledger.accounts(), key=lambda account: account.lane)
    return [(account.credit_nano_usd, account.available_nano_usd) for account in lanes]


def grant(ledger: Ledger, amount: int, *, reference: str = "payment-1", lanes: int = 1) -> bool:
    return ledger.grant(
        ACME, amount_nano_usd=amount, reference=reference, lanes=lanes, now_ms=NOON_MS
    )


def transfer(ledger: Ledger, amount: int, *, name: str = "1", lanes: tuple[int, int]) -> bool:
    source, target = lanes
    return ledger.transfer(
        ACME, transfer_id=name, source=source, target=target, amount=NanoUsd(amount)
    )


class TestOpenTenantAccount:
    def test_lanes_share_credit_and_limits_exactly_when_opened(self, ledger: Ledger) -> None:
        limits = AccountLimits(requests_per_minute=8, in_flight=4, spend_nano_usd=NanoUsd(1_000))

        assert ledger.open_tenant_account(ACME, credit_nano_usd=10_001, limits=limits, lanes=3)

        assert credits_of(ledger) == [(3_334, 3_334), (3_334, 3_334), (3_333, 3_333)]
        shares = [account.limits for account in ledger.lanes(TENANT)]
        assert [share.requests_per_minute for share in shares] == [3, 3, 2]
        assert [share.in_flight for share in shares] == [2, 1, 1]
        assert [share.spend_nano_usd for share in shares] == [334, 333, 333]
        assert [share.tokens_per_minute for share in shares] == [UNLIMITED] * 3

    @pytest.mark.parametrize("lanes", [1, 2])
    def test_nothing_changes_when_a_lane_is_open_already(self, ledger: Ledger, lanes: int) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=1_000)
        reserve(ledger, estimate=1_000)

        assert not ledger.open_tenant_account(ACME, credit_nano_usd=9_000, lanes=lanes)

        assert credits_of(ledger) == [(1_000, 0)]

    def test_lanes_that_are_not_open_are_left_out_when_they_are_read(self, ledger: Ledger) -> None:
        ledger.open_lane(ACME, credit_nano_usd=1, lane=0)
        ledger.open_lane(ACME, credit_nano_usd=2, lane=2)

        assert [account.lane for account in ledger.lanes(TENANT)] == [0, 2]
        assert list(ledger.lanes(Tenant(tenant_id=TenantId("other"), namespace_key=b""))) == []


class TestGrant:
    def test_credit_is_added_once_when_a_payment_is_announced_twice(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=1_000)

        answers = [grant(ledger, 500, reference=f"payment-{number}") for number in (1, 1, 2)]

        assert answers == [True, False, True]
        assert credits_of(ledger) == [(2_000, 2_000)]

    def test_lanes_get_exact_portions_when_there_are_several(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=0, lanes=3)

        assert grant(ledger, 2, lanes=3)
        assert grant(ledger, 1_000, reference="payment-2", lanes=3)

        assert credits_of(ledger) == [(335, 335), (334, 334), (333, 333)]
        assert audit(ledger).violations == ()

    def test_payment_is_refused_when_its_reference_belongs_to_another(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=1_000)
        grant(ledger, 500)

        with pytest.raises(ConflictError, match="reference"):
            grant(ledger, 501)

        assert credits_of(ledger) == [(1_500, 1_500)]

    def test_nothing_is_kept_when_there_is_no_such_account(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=1_000)

        with pytest.raises(NotFoundError, match="account"):
            grant(ledger, 500, lanes=2)

        assert credits_of(ledger) == [(1_000, 1_000)]
        assert grant(ledger, 500), "the payment can be announced again"

    @pytest.mark.parametrize("amount", [0, -1])
    def test_amount_is_refused_when_it_is_not_positive(self, ledger: Ledger, amount: int) -> None:
        with pytest.raises(ValueError):
            grant(ledger, amount)


class TestTransfer:
    def test_credit_moves_once_when_it_is_repeated(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=2_000, lanes=2)
        hold = reserve(ledger, estimate=400, lane=0)
        finish(ledger, hold, cost=300)

        answers = [transfer(ledger, 700, lanes=(0, 1)) for _ in range(2)]

        assert answers == [True, False]
        assert credits_of(ledger) == [(300, 0), (1_700, 1_700)]
        assert audit(ledger, swept=True).violations == ()

    def test_nothing_moves_when_the_source_does_not_have_it(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=2_000, lanes=2)
        reserve(ledger, estimate=400, lane=0)

        assert not transfer(ledger, 601, lanes=(0, 1))

        assert credits_of(ledger) == [(1_000, 600), (1_000, 1_000)]
        assert transfer(ledger, 600, lanes=(0, 1)), "what did not happen can be tried again"

    @pytest.mark.parametrize("lanes", [(0, 7), (7, 0)])
    def test_nothing_moves_when_a_lane_is_missing(
        self, ledger: Ledger, lanes: tuple[int, int]
    ) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=2_000, lanes=2)

        assert not transfer(ledger, 1, lanes=lanes)

        assert credits_of(ledger) == [(1_000, 1_000), (1_000, 1_000)]

    @pytest.mark.parametrize(("amount", "lanes"), [(0, (0, 1)), (-5, (0, 1)), (5, (1, 1))])
    def test_transfer_is_refused_when_it_is_none(
        self, ledger: Ledger, amount: int, lanes: tuple[int, int]
    ) -> None:
        with pytest.raises(ValueError):
            transfer(ledger, amount, lanes=lanes)

    def test_other_lane_admits_when_credit_was_moved_there(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=2_000, lanes=2)
        with pytest.raises(InsufficientCreditsError):
            reserve(ledger, estimate=1_500, lane=1)

        transfer(ledger, 500, lanes=(0, 1))

        reserve(ledger, estimate=1_500, lane=1)


class TestSetStatus:
    def test_lane_is_suspended_and_made_active_when_asked(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=1_000)

        for status in (AccountStatus.SUSPENDED, AccountStatus.ACTIVE):
            assert ledger.set_status(ACCOUNT, status=status)
            assert only_account(ledger).status is status

    def test_nothing_happens_when_there_is_no_account(self, ledger: Ledger) -> None:
        assert not ledger.set_status(AccountId("other"), status=AccountStatus.SUSPENDED)

        assert list(ledger.accounts()) == []
