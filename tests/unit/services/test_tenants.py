"""The operator's desk of tenants, alone and while others work on the same tenants."""

from dataclasses import replace

import pytest

from tests.support.audit_values import ALICE
from tests.support.ledger_values import ACME, NOON_MS
from tests.support.tenant_stage import CAP, Stage
from tests.support.tenant_values import FULL_TENANT
from weir.domain.accounts import AccountStatus
from weir.domain.audit_log import Action
from weir.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from weir.domain.limits import UNLIMITED, AccountLimits
from weir.domain.periods import LimitPeriod
from weir.domain.policies import Policy
from weir.domain.price_plans import PricePlan
from weir.domain.tenants import TenantId, TenantStatus


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_tenant_is_made_with_everything_its_wish_names(stage: Stage) -> None:
    standing, is_new = stage.create(
        profile={"name": "Acme", "lanes": 2},
        limits={**CAP, "period": LimitPeriod.DAILY},
        end_user_limits={"in_flight": 1},
        plan={"multiplier_ppm": 2_000_000},
        policy={"zdr": True},
    )

    tenant = standing.tenant
    assert is_new
    assert stage.desk.find(ACME) == standing
    assert (tenant.name, tenant.lanes, tenant.created_ms) == ("Acme", 2, NOON_MS)
    assert (tenant.limit_period, standing.limits.spend_nano_usd) == (LimitPeriod.DAILY, 1_000)
    assert tenant.end_user_limits == AccountLimits(in_flight=1)
    assert tenant.plan == PricePlan(version=1, multiplier_ppm=2_000_000)
    assert tenant.policy == Policy(zdr=True)
    assert len(tenant.namespace_key) == 32
    lanes = stage.register.lanes([tenant])[ACME]
    assert [lane.limits.spend_nano_usd for lane in lanes] == [500, 500]


def test_a_tenant_is_found_made_when_the_request_is_repeated(stage: Stage) -> None:
    first, _ = stage.create(limits=CAP)

    again, is_new = stage.create(limits=CAP)

    assert (again, is_new) == (first, False)
    assert len(stage.register.log) == 1


def test_an_id_is_taken_when_another_tenant_has_it_or_had_it(stage: Stage) -> None:
    stage.create(limits=CAP)
    with pytest.raises(ConflictError, match="taken"):
        stage.create()
    stage.close()
    with pytest.raises(ConflictError, match="taken"):
        stage.create(limits=CAP)


def test_an_id_is_taken_when_there_is_an_account_of_it(stage: Stage) -> None:
    stage.register.ledger.open_tenant_account(ACME, credit_nano_usd=1)

    with pytest.raises(ConflictError, match="taken"):
        stage.create()


@pytest.mark.parametrize("name", ["in_flight", "requests_per_minute", "tokens_per_minute"])
def test_a_limit_must_reach_for_all_lanes(stage: Stage, name: str) -> None:
    with pytest.raises(InvalidRequestError, match=rf"body\.limits\.{name} must be 0 or at least 3"):
        stage.create(profile={"lanes": 3}, limits={name: 2})
    stage.create(profile={"lanes": 3}, limits={name: 0})
    with pytest.raises(InvalidRequestError, match="at least 3"):
        stage.change(limits={name: 2})

    assert len(stage.register.log) == 1


def test_what_a_change_does_not_name_stays(stage: Stage) -> None:
    before, _ = stage.create(
        profile={"name": "Acme"}, limits=CAP, policy={"max_tokens": 5}, end_user_limits={}
    )

    after = stage.change(profile={"default_max_tokens": 7}, policy={"zdr": True})

    assert after.limits == before.limits
    assert after.tenant == replace(
        before.tenant,
        default_max_tokens=7,
        policy=Policy(max_tokens=5, zdr=True),
        updated_ms=NOON_MS + 1,
    )
    assert stage.desk.find(ACME) == after


def test_end_users_lose_their_accounts_when_their_limits_are_dropped(stage: Stage) -> None:
    stage.create(end_user_limits={"in_flight": 1})

    limited = stage.change(end_user_limits={"requests_per_minute": 2}).tenant.end_user_limits
    dropped = stage.change(drops_end_user_limits=True).tenant.end_user_limits

    assert limited == AccountLimits(in_flight=1, requests_per_minute=2)
    assert dropped is None


def test_a_price_plan_is_the_next_version_when_its_prices_differ(stage: Stage) -> None:
    stage.create()
    rates: list[dict[str, int]] = [{"a/b": 5}, {"a/b": 5}, {}]

    plans = [stage.change(plan={"models": models}).tenant.plan for models in rates]

    assert plans[0] == plans[1] == PricePlan(version=1, models={"a/b": 5})
    assert plans[2] == PricePlan(version=2)
    assert len(stage.register.log) == 3


def test_nothing_is_written_when_nothing_changes(stage: Stage) -> None:
    standing, _ = stage.create(limits=CAP)

    assert stage.change(limits=CAP, profile={"name": ""}) == standing
    assert len(stage.register.log) == 1


def test_the_log_has_what_differs_and_who_did_it(stage: Stage) -> None:
    stage.create(profile={"name": "Acme"})

    stage.change(profile={"name": "New"}, limits=CAP)

    created, changed = stage.register.log
    assert (created.actor, created.deed.action) == (ALICE, Action.TENANT_CREATED)
    assert created.deed.before == {}
    assert created.deed.after["name"] == "Acme"
    assert (changed.tenant_id, changed.at_ms) == (ACME, NOON_MS + 1)
    assert (changed.deed.action, changed.deed.subject) == (Action.TENANT_CHANGED, ACME)
    assert changed.deed.before.keys() == changed.deed.after.keys() == {"name", "limits"}
    assert created.entry_id < changed.entry_id


def test_both_changes_are_kept_when_two_change_a_tenant_at_once(stage: Stage) -> None:
    stage.create()
    stage.register.meanwhile = lambda: stage.change(policy={"zdr": True})

    tenant = stage.change(profile={"name": "New"}).tenant

    assert (tenant.name, tenant.policy.zdr) == ("New", True)


def test_a_change_gives_up_when_others_change_the_tenant_all_the_time(stage: Stage) -> None:
    stage.create()
    stage.register.always = stage.touch

    with pytest.raises(ConflictError, match="try again"):
        stage.change(profile={"name": "New"})


def test_every_lane_is_suspended_with_the_tenant(stage: Stage) -> None:
    stage.create(profile={"lanes": 3}, limits=CAP)

    suspended = stage.change(profile={"status": TenantStatus.SUSPENDED})
    lanes = stage.register.lanes([suspended.tenant])[ACME]
    active = stage.change(profile={"status": TenantStatus.ACTIVE})

    assert [lane.status for lane in lanes] == [AccountStatus.SUSPENDED] * 3
    assert sum(lane.limits.spend_nano_usd for lane in lanes) == 1_000
    again = stage.register.lanes([active.tenant])[ACME]
    assert [lane.status for lane in again] == [AccountStatus.ACTIVE] * 3


def test_a_closed_tenant_takes_no_change_and_keeps_its_credit(stage: Stage) -> None:
    stage.create()
    stage.register.ledger.grant(ACME, amount_nano_usd=5, reference="r", lanes=1, now_ms=NOON_MS)

    stage.close()
    stage.close()

    standing = stage.desk.find(ACME)
    assert (standing.tenant.status, standing.granted_nano_usd) == (TenantStatus.CLOSED, 5)
    assert standing.tenant.is_closed
    assert [entry.deed.action for entry in stage.register.log][1:] == [Action.TENANT_CLOSED]
    (lane,) = stage.register.lanes([standing.tenant])[ACME]
    assert lane.status is AccountStatus.SUSPENDED
    with pytest.raises(ConflictError, match="closed"):
        stage.change(profile={"name": "New"})
    with pytest.raises(ConflictError, match="closed"):
        stage.desk.open_tenant(ACME)


def test_a_tenant_that_is_not_there_is_not_found(stage: Stage) -> None:
    for ask in (stage.desk.find, stage.desk.open_tenant, stage.change, stage.close):
        with pytest.raises(NotFoundError):
            ask(ACME)
    stage.create()
    assert stage.desk.open_tenant(ACME) == stage.register.profiles[ACME]


def test_tenants_are_listed_in_order_with_their_figures(stage: Stage) -> None:
    for name in ("b", "a", "c"):
        stage.create(TenantId(name), limits={"in_flight": 9})
    stage.register.ledger.grant(
        TenantId("b"), amount_nano_usd=7, reference="r", lanes=1, now_ms=NOON_MS
    )

    page = stage.desk.page(after=TenantId("a"), count=1)

    assert [(one.tenant.tenant_id, one.granted_nano_usd) for one in page] == [("b", 7)]
    assert page[0].limits.in_flight == 9


def test_limits_are_none_when_the_account_is_gone(stage: Stage) -> None:
    tenant = replace(FULL_TENANT, tenant_id=ACME)
    stage.register.profiles[ACME] = tenant

    standing = stage.desk.find(ACME)
    renamed = stage.change(profile={"name": "x"})

    assert standing.limits.requests_per_minute == UNLIMITED
    assert (renamed.tenant.name, renamed.granted_nano_usd) == ("x", 0)
