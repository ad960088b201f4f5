"""Price plans on DynamoDB: every version stays as it was, and only the next one can follow."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.support.audit_values import make_entry
from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from tests.support.ledger_values import NOON_MS
from tests.support.opened_tenants import PutTenants
from tests.support.tenant_values import KEY, PLAN, TENANT
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.adapters.dynamodb.price_plans import DynamoDBPricePlans
from weir.adapters.dynamodb.tenant_register import DynamoDBTenantRegister
from weir.domain.errors import StoreUnavailableError
from weir.domain.price_plans import AT_COST, MAX_MODELS, PricePlan
from weir.domain.tenants import Tenant, TenantId

ACME = TENANT.tenant_id
FIRST = PricePlan(version=1, multiplier_ppm=2_000_000)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made_client:
        yield made_client


@pytest.fixture
def made(client: Any) -> Tables:
    tables = new_tables(client)
    PutTenants(tables.db, control_table=tables.control).put(TENANT)
    return tables


def plans_of(made: Tables) -> DynamoDBPricePlans:
    """Another process's view of the same table."""
    return DynamoDBPricePlans(made.db, control_table=made.control)


def put_plan(made: Tables, plan: PricePlan, *, tenant: Tenant | None = None) -> bool:
    """Make a plan the current one of a tenant, as it is stored or as somebody has read it."""
    register = DynamoDBTenantRegister(
        made.db, control_table=made.control, accounts_table=made.accounts
    )
    read = tenant or register.find(ACME)
    assert read is not None
    changed = replace(read.touched(NOON_MS), plan=plan)
    return register.change(read, changed=changed, lanes=(), entry=make_entry())


def current_plan(made: Tables) -> PricePlan:
    tenant = PutTenants(made.db, control_table=made.control).find(ACME)
    assert tenant is not None
    return tenant.plan


def test_plan_is_at_cost_when_the_version_is_zero(made: Tables) -> None:
    assert plans_of(made).plan(TenantId("nobody"), version=0) == AT_COST
    assert current_plan(made) == AT_COST


def test_both_versions_are_found_when_a_plan_follows_another(made: Tables) -> None:
    second = replace(PLAN, version=2)

    assert put_plan(made, FIRST)
    assert put_plan(made, second)

    assert plans_of(made).plan(ACME, version=1) == FIRST
    assert plans_of(made).plan(ACME, version=2) == second
    assert current_plan(made) == second


def test_key_is_found_with_the_current_plan_when_it_changed(made: Tables) -> None:
    keys = DynamoDBKeys(made.db, control_table=made.control)
    keys.put_key(KEY)
    put_plan(made, FIRST)

    found = keys.find(KEY.key_hash)

    assert found == replace(KEY, tenant=replace(TENANT.touched(NOON_MS), plan=FIRST))


def test_nothing_changes_when_there_is_such_a_version(made: Tables) -> None:
    put_plan(made, FIRST)

    assert not put_plan(made, replace(PLAN, version=1))

    assert current_plan(made) == FIRST
    assert plans_of(made).plan(ACME, version=1) == FIRST


def test_nothing_is_stored_when_there_is_no_such_tenant(made: Tables) -> None:
    nobody = replace(TENANT, tenant_id=TenantId("nobody"))

    assert not put_plan(made, FIRST, tenant=nobody)

    with pytest.raises(StoreUnavailableError):
        plans_of(made).plan(TenantId("nobody"), version=1)


def test_a_plan_at_cost_can_follow_when_prices_are_taken_back(made: Tables) -> None:
    back = PricePlan(version=2)
    put_plan(made, FIRST)

    assert put_plan(made, back)

    assert current_plan(made) == plans_of(made).plan(ACME, version=2) == back


def test_one_plan_wins_when_several_are_put_at_once(made: Tables) -> None:
    offers = [PricePlan(version=1, multiplier_ppm=ppm) for ppm in range(8)]
    with ThreadPoolExecutor(len(offers)) as pool:
        won = list(pool.map(lambda offer: put_plan(made, offer, tenant=TENANT), offers))

    winner = offers[won.index(True)]
    assert won.count(True) == 1
    assert current_plan(made) == plans_of(made).plan(ACME, version=1) == winner


def test_plan_is_read_once_when_it_is_asked_for_again(
    made: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = plans_of(made)
    put_plan(made, FIRST)
    first = plans.plan(ACME, version=1)
    monkeypatch.setattr(made.client, "get_item", None)

    assert plans.plan(ACME, version=1) == first == FIRST


def test_plan_is_found_later_when_the_table_could_not_be_read(
    made: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = plans_of(made)
    put_plan(made, FIRST)
    with monkeypatch.context() as patch:
        patch.setattr(DynamoDBPricePlans, "_read", _unreachable)
        broken = plans_of(made)
        with pytest.raises(StoreUnavailableError):
            broken.plan(ACME, version=1)

    assert plans.plan(ACME, version=1) == FIRST


def test_the_largest_plan_fits_when_it_is_stored_twice(made: Tables) -> None:
    models = {f"maker/{number:03d}".ljust(256, "x"): 10**8 for number in range(MAX_MODELS)}
    largest = PricePlan(version=1, models=models)

    assert put_plan(made, largest)

    assert current_plan(made) == largest


def test_tenant_starts_with_its_plan_when_it_is_created_with_one(made: Tables) -> None:
    tenant = replace(TENANT, tenant_id=TenantId("rated"), plan=PLAN)
    tenants = PutTenants(made.db, control_table=made.control)

    assert tenants.put(tenant)

    assert plans_of(made).plan(tenant.tenant_id, version=3) == PLAN
    assert put_plan(made, replace(FIRST, version=4), tenant=tenant)


def test_amounts_are_integers_when_a_plan_is_stored(made: Tables) -> None:
    put_plan(made, replace(PLAN, version=1))

    row = next(item for item in made.items(made.control) if item["sk"]["S"] == "PLAN#000001")

    assert row["pl"]["M"] == {
        "x": {"N": "1150000"},
        "m": {
            "M": {
                "a/free": {"N": "0"},
                "a/fixed": {"M": {"i": {"N": "1"}, "o": {"N": "2"}, "r": {"N": "3"}}},
            }
        },
    }


def _unreachable(*_: object) -> PricePlan:
    raise StoreUnavailableError("not now")
