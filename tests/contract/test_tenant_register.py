"""The register of tenants, in memory and on DynamoDB: all or nothing, and no change is lost."""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.retries.standard import ExponentialBackoff

from tests.support.audit_values import ALICE, make_entry
from tests.support.fake_tenants import FakeTenants
from tests.support.faults import ENDINGS, Faults
from tests.support.ledger_steps import reserve
from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from tests.support.ledger_values import ACME, NOON_MS
from tests.support.rollup_fakes import FakeRollups
from tests.support.tenant_values import FULL_TENANT, TENANT
from weir.adapters.dynamodb.audit_log import DynamoDBAuditLog
from weir.adapters.dynamodb.credits import DynamoDBCredits
from weir.adapters.dynamodb.price_plans import DynamoDBPricePlans
from weir.adapters.dynamodb.tenant_register import DynamoDBTenantRegister
from weir.domain.accounts import AccountStatus, tenant_account
from weir.domain.errors import ConflictError
from weir.domain.limits import MAX_LANES, AccountLimits, whole
from weir.domain.money import NanoUsd
from weir.domain.tenant_changes import LaneChange, TenantChange
from weir.domain.tenants import Tenant, TenantId, TenantStatus
from weir.services.tenants import TenantDesk

LIMITS = AccountLimits(spend_nano_usd=NanoUsd(1_000), in_flight=8)
WISH = TenantChange(profile={"lanes": 2}, limits={"in_flight": 8}, plan={"multiplier_ppm": 5})
Register = FakeTenants | DynamoDBTenantRegister


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made_client:
        yield made_client


@pytest.fixture
def made(client: Any, monkeypatch: pytest.MonkeyPatch) -> Tables:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)
    return new_tables(client)


@pytest.fixture(params=["fake", "dynamodb"])
def register(request: pytest.FixtureRequest, made: Tables) -> Register:
    return FakeTenants() if request.param == "fake" else over(made)


def over(made: Tables) -> DynamoDBTenantRegister:
    return DynamoDBTenantRegister(made.db, control_table=made.control, accounts_table=made.accounts)


def create(register: Register, tenant: Tenant = TENANT) -> bool:
    entry = make_entry(tenant_id=tenant.tenant_id)
    return register.create(tenant, limits=LIMITS, entry=entry)


@pytest.mark.parametrize("tenant", [TENANT, FULL_TENANT], ids=["plain", "all-set"])
def test_a_tenant_is_found_with_its_lanes_when_it_was_created(
    register: Register, tenant: Tenant
) -> None:
    tenant = replace(tenant, name="Acme", created_ms=NOON_MS, status=TenantStatus.SUSPENDED)

    assert create(register, tenant)

    lanes = register.lanes([tenant])[ACME]
    assert register.find(ACME) == tenant
    assert [lane.lane for lane in lanes] == list(range(tenant.lanes))
    assert whole([lane.limits for lane in lanes]) == LIMITS
    assert {lane.credit_nano_usd for lane in lanes} == {0}


def test_nothing_is_created_when_there_is_such_a_tenant_or_account(register: Register) -> None:
    create(register)

    assert not create(register, replace(FULL_TENANT, lanes=2))
    assert register.find(ACME) == TENANT
    assert len(register.lanes([replace(TENANT, lanes=2)])[ACME]) == 1
    assert register.find(TenantId("other")) is None


def test_tenants_come_page_by_page_in_order(register: Register) -> None:
    names = [TenantId(name) for name in ("a", "a-1", "b", "c")]
    for name in reversed(names):
        create(register, replace(TENANT, tenant_id=name))

    pages = [
        [tenant.tenant_id for tenant in register.page(after=after, count=2)]
        for after in (None, TenantId("a-1"), TenantId("aa"), TenantId("c"))
    ]

    assert pages == [["a", "a-1"], ["b", "c"], ["b", "c"], []]


def test_profile_and_lanes_change_together(register: Register) -> None:
    tenant = replace(TENANT, lanes=2)
    create(register, tenant)
    changed = replace(tenant.touched(NOON_MS), name="new", status=TenantStatus.CLOSED)
    changes = lane_changes(register, tenant, in_flight=3)

    assert register.change(tenant, changed=changed, lanes=changes, entry=make_entry())

    lanes = register.lanes([changed])[ACME]
    assert register.find(ACME) == changed
    assert [lane.status for lane in lanes] == [AccountStatus.SUSPENDED] * 2
    assert [lane.limits.in_flight for lane in lanes] == [3, 3]


def test_nothing_changes_when_the_tenant_is_no_more_as_it_was_read(register: Register) -> None:
    create(register)
    first = replace(TENANT.touched(1), name="first")
    second = replace(first.touched(2), name="second")
    late = replace(TENANT.touched(3), name="late")
    assert register.change(TENANT, changed=first, lanes=(), entry=make_entry())

    assert not register.change(TENANT, changed=late, lanes=(), entry=make_entry())
    assert register.change(first, changed=second, lanes=(), entry=make_entry())
    assert not register.change(first, changed=late, lanes=(), entry=make_entry())
    nobody = replace(TENANT, tenant_id=TenantId("nobody"))
    changed = nobody.touched(1)
    assert not register.change(nobody, changed=changed, lanes=(), entry=make_entry())
    assert register.find(ACME) == second


def test_nothing_changes_when_limits_are_no_more_as_they_were_read(register: Register) -> None:
    create(register)
    old = lane_changes(register, TENANT, in_flight=5)
    first = TENANT.touched(1)
    spend = replace(LIMITS, spend_nano_usd=NanoUsd(9))
    raised = [replace(change, limits=spend) for change in old]
    assert register.change(TENANT, changed=first, lanes=raised, entry=make_entry())

    assert not register.change(first, changed=first.touched(2), lanes=old, entry=make_entry())
    assert register.find(ACME) == first
    assert register.lanes([TENANT])[ACME][0].limits == spend


def test_a_changed_limit_keeps_what_is_held_under_it(made: Tables) -> None:
    register, ledger = over(made), made.ledger()
    create(register)
    ledger.grant(ACME, amount_nano_usd=900, reference="r", lanes=1, now_ms=NOON_MS)
    reserve(ledger, estimate=300)
    lower = replace(LIMITS, spend_nano_usd=NanoUsd(500))
    changes = [replace(change, limits=lower) for change in lane_changes(register, TENANT)]

    register.change(TENANT, changed=TENANT.touched(NOON_MS), lanes=changes, entry=make_entry())

    account = ledger.account(tenant_account(ACME))
    assert list(account.remaining_by_period.values()) == [200]


def test_entries_come_back_as_they_were_written_the_newest_first(made: Tables) -> None:
    register, log = over(made), DynamoDBAuditLog(made.db, control_table=made.control)
    after = {"a": None, "b": [True, {"c": "d"}], "e": 7}
    entries = [make_entry(at_ms=NOON_MS + place, after=after) for place in range(4)]
    register.create(TENANT, limits=LIMITS, entry=entries[0])
    tenant = TENANT
    for entry in entries[1:]:
        changed = tenant.touched(entry.at_ms)
        register.change(tenant, changed=changed, lanes=(), entry=entry)
        tenant = changed

    pages = [
        log.page(ACME, before=None, count=3),
        log.page(ACME, before=entries[1].entry_id, count=3),
    ]

    assert pages == [entries[:0:-1], entries[:1]]
    assert log.page(TenantId("other"), before=None, count=3) == []


def test_a_tenant_of_the_most_lanes_fits_into_one_write(made: Tables) -> None:
    desk = TenantDesk(register=over(made), rollups=FakeRollups(), random=os.urandom)
    wish = TenantChange(
        profile={"lanes": MAX_LANES}, limits={"in_flight": 200}, plan={"multiplier_ppm": 5}
    )
    more = TenantChange(limits={"in_flight": 300}, plan={"multiplier_ppm": 6})

    desk.create(ACME, wish=wish, by=ALICE, now_ms=NOON_MS)
    desk.change(ACME, change=more, by=ALICE, now_ms=NOON_MS)

    standing = desk.find(ACME)
    assert (standing.limits.in_flight, standing.tenant.plan.version) == (300, 2)
    credits_ = DynamoDBCredits(made.db, accounts_table=made.accounts, control_table=made.control)
    assert credits_.grant(standing.tenant, amount_nano_usd=10**6, reference="r", entry=make_entry())
    assert desk.find(ACME).granted_nano_usd == 10**6


def test_an_entry_is_not_written_over(made: Tables) -> None:
    register, entry = over(made), make_entry()
    register.create(TENANT, limits=LIMITS, entry=entry)

    assert not register.change(TENANT, changed=TENANT.touched(1), lanes=(), entry=entry)
    assert register.find(ACME) == TENANT


def test_an_entry_holds_json_values_only(made: Tables) -> None:
    with pytest.raises(TypeError, match="no JSON value"):
        over(made).create(TENANT, limits=LIMITS, entry=make_entry(after={"key": b"secret"}))


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("call", range(3))
def test_a_tenant_is_whole_or_absent_when_a_call_fails_and_it_is_repeated(
    made: Tables, kind: str, call: int
) -> None:
    """Creation is one call; those that follow look whether it was made already."""
    desk = TenantDesk(register=over(made), rollups=FakeRollups(), random=os.urandom)

    def story() -> object:
        return desk.create(ACME, wish=WISH, by=ALICE, now_ms=NOON_MS)

    ended = Faults({call: kind}).play(made.client, story)
    rows = len(made.items(made.control)), len(made.items(made.accounts))
    standing, _ = desk.create(ACME, wish=WISH, by=ALICE, now_ms=NOON_MS + 5)

    assert rows in {(0, 0), (4, 2)}
    assert ended in {"done", ENDINGS[kind]}
    assert (len(made.items(made.control)), len(made.items(made.accounts))) == (4, 2)
    assert desk.find(ACME) == standing
    plans = DynamoDBPricePlans(made.db, control_table=made.control)
    assert plans.plan(ACME, version=1) == standing.tenant.plan


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("call", range(3))
def test_a_change_is_whole_or_absent_when_a_call_fails_and_it_is_repeated(
    made: Tables, kind: str, call: int
) -> None:
    desk = TenantDesk(register=over(made), rollups=FakeRollups(), random=os.urandom)
    desk.create(ACME, wish=WISH, by=ALICE, now_ms=NOON_MS)
    change = TenantChange(
        profile={"status": TenantStatus.SUSPENDED},
        limits={"in_flight": 4},
        plan={"models": {"a": 1}},
    )

    def story() -> object:
        return desk.change(ACME, change=change, by=ALICE, now_ms=NOON_MS + 1)

    ended = Faults({call: kind}).play(made.client, story)
    found = desk.find(ACME)
    assert (found.tenant.status is TenantStatus.SUSPENDED) is (found.limits.in_flight == 4)
    standing = desk.change(ACME, change=change, by=ALICE, now_ms=NOON_MS + 2)

    assert ended == ENDINGS[kind]
    assert standing == desk.find(ACME)
    assert (standing.limits.in_flight, standing.tenant.plan.version) == (4, 2)
    entries = DynamoDBAuditLog(made.db, control_table=made.control).page(ACME, before=None, count=9)
    assert len(entries) == 2


@pytest.mark.parametrize("kind", ENDINGS)
def test_a_payment_and_its_entry_are_written_together_when_a_call_fails(
    made: Tables, kind: str
) -> None:
    register = over(made)
    create(register)
    credits_ = DynamoDBCredits(made.db, accounts_table=made.accounts, control_table=made.control)

    def story() -> object:
        return credits_.grant(TENANT, amount_nano_usd=5, reference="r", entry=make_entry())

    Faults({0: kind}).play(made.client, story)
    story()

    log = DynamoDBAuditLog(made.db, control_table=made.control)
    assert len(log.page(ACME, before=None, count=9)) == 2
    assert [grant.amount_nano_usd for grant in credits_.grants(ACME)] == [5]
    assert register.lanes([TENANT])[ACME][0].credit_nano_usd == 5
    with pytest.raises(ConflictError, match=r"for 0\.000000005 USD; 0\.000000006 USD needs"):
        credits_.grant(TENANT, amount_nano_usd=6, reference="r", entry=make_entry())


def lane_changes(register: Register, tenant: Tenant, **limits: Any) -> list[LaneChange]:
    return [
        LaneChange(
            account=account,
            status=AccountStatus.SUSPENDED,
            limits=replace(account.limits, **limits),
        )
        for account in register.lanes([tenant])[tenant.tenant_id]
    ]
