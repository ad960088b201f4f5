"""The operator's desk of credit: once per payment, to tenants that are not closed."""

import pytest

from tests.support.audit_values import ALICE
from tests.support.fake_tenants import FakeTenants
from tests.support.ledger_values import ACME, NOON_MS
from tests.support.rollup_fakes import FakeRollups
from weir.domain.audit_log import Action
from weir.domain.errors import ConflictError, NotFoundError
from weir.domain.tenant_changes import TenantChange
from weir.domain.tenant_registers import Grant
from weir.domain.tenant_standings import TenantStanding
from weir.services.tenant_credits import CreditDesk
from weir.services.tenants import TenantDesk


@pytest.fixture
def register() -> FakeTenants:
    return FakeTenants()


@pytest.fixture
def desk(register: FakeTenants) -> CreditDesk:
    tenants = TenantDesk(register=register, rollups=FakeRollups(), random=bytes)
    return CreditDesk(tenants=tenants, grants=register, random=bytes)


def create(desk: CreditDesk) -> None:
    desk.tenants.create(ACME, wish=TenantChange(), by=ALICE, now_ms=NOON_MS)


def add(desk: CreditDesk, amount: int = 5, *, reference: str = "r") -> tuple[TenantStanding, bool]:
    return desk.add(ACME, amount_nano_usd=amount, reference=reference, by=ALICE, now_ms=NOON_MS + 1)


def test_credit_is_added_once_per_payment(desk: CreditDesk, register: FakeTenants) -> None:
    create(desk)

    first, is_new = add(desk)
    again, is_again_new = add(desk)
    add(desk, 7, reference="s")

    assert (first.granted_nano_usd, is_new) == (5, True)
    assert (again.granted_nano_usd, is_again_new) == (5, False)
    standing, grants = desk.listed(ACME)
    assert standing.granted_nano_usd == 12
    assert grants == [
        Grant(reference="s", amount_nano_usd=grants[0].amount_nano_usd, at_ms=NOON_MS + 1),
        Grant(reference="r", amount_nano_usd=grants[1].amount_nano_usd, at_ms=NOON_MS + 1),
    ]
    assert [grant.amount_nano_usd for grant in grants] == [7, 5]
    _, entry, _ = register.log
    assert (entry.actor, entry.deed.action, entry.deed.subject) == (
        *(ALICE, Action.CREDIT_GRANTED, "r"),
    )


def test_another_amount_needs_another_reference(desk: CreditDesk) -> None:
    create(desk)
    add(desk)

    with pytest.raises(ConflictError):
        add(desk, 6)


def test_a_closed_or_absent_tenant_gets_no_credit(desk: CreditDesk) -> None:
    with pytest.raises(NotFoundError):
        add(desk)
    with pytest.raises(NotFoundError):
        desk.listed(ACME)
    create(desk)
    desk.tenants.close(ACME, by=ALICE, now_ms=NOON_MS)
    with pytest.raises(ConflictError, match="closed"):
        add(desk)
