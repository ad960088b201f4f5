"""Price plans on DynamoDB: every version stays as it was, and only the next one can follow."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from tests.support.tenant_values import KEY, PLAN, TENANT
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.adapters.dynamodb.price_plans import DynamoDBPricePlans
from weir.adapters.dynamodb.tenants import DynamoDBTenants
from weir.domain.errors import StoreUnavailableError
from weir.domain.price_plans import AT_COST, MAX_MODELS, PricePlan
from weir.domain.tenants import TenantId

ACME = TENANT.tenant_id
FIRST = PricePlan(version=1, multiplier_ppm=2_000_000)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made_client:
        yield made_client


@pytest.fixture
def made(client: Any) -> Tables:
    tables = new_tables(client)
    DynamoDBTenants(tables.db, control_table=tables.control).put(TENANT)
    return tables


def plans_of(made: Tables) -> DynamoDBPricePlans:
    """Another process's view of the same table."""
    return DynamoDBPricePlans(made.db, control_table=made.control)


def current_plan(made: Tables) -> PricePlan:
    tenant = DynamoDBTenants(made.db, control_table=made.control).find(ACME)
    assert tenant is not None
    return tenant.plan


def test_plan_is_at_cost_when_the_version_is_zero(made: Tables) -> None:
    assert plans_of(made).plan(TenantId("nobody"), version=0) == AT_COST
    assert current_plan(made) == AT_COST


def test_both_versions_are_found_when_a_plan_follows_another(made: Tables) -> None:
    second = replace(PLAN, version=2)

    assert plans_of(made).put_plan(ACME, FIRST)
    assert plans_of(made).put_plan(ACME, second)

    assert plans_of(made).plan(ACME, version=1) == FIRST
    assert plans_of(made).plan(ACME, version=2) == second
    assert current_plan(made) == second


def test_key_is_found_with_the_current_plan_when_it_changed(made: Tables) -> None:
    keys = DynamoDBKeys(made.db, control_table=made.control)
    keys.put_key(KEY)
    plans_of(made).put_plan(ACME, FIRST)

    found = keys.find(KEY.key_hash)

    assert found == replace(KEY, tenant=replace(TENANT, plan=FIRST))


@pytest.mark.parametrize("version", [1, 3])
def test_nothing_changes_when_the_version_is_not_the_next(made: Tables, version: int) -> None:
    plans_of(made).put_plan(ACME, FIRST)

    assert not plans_of(made).put_plan(ACME, replace(PLAN, version=version))

    assert current_plan(made) == FIRST
    assert plans_of(made).plan(ACME, version=1) == FIRST


def test_nothing_is_stored_when_there_is_no_such_tenant(made: Tables) -> None:
    assert not plans_of(made).put_plan(TenantId("nobody"), FIRST)

    with pytest.raises(StoreUnavailableError):
        plans_of(made).plan(TenantId("nobody"), version=1)


def test_a_plan_at_cost_can_follow_when_prices_are_taken_back(made: Tables) -> None:
    back = PricePlan(version=2)
    plans_of(made).put_plan(ACME, FIRST)

    assert plans_of(made).put_plan(ACME, back)

    assert current_plan(made) == plans_of(made).plan(ACME, version=2) == back


def test_version_zero_is_refused_when_it_is_put(made: Tables) -> None:
    with pytest.raises(ValueError, match="version 0"):
        plans_of(made).put_plan(ACME, AT_COST)


def test_one_plan_wins_when_several_are_put_at_once(made: Tables) -> None:
    offers = [PricePlan(version=1, multiplier_ppm=ppm) for ppm in range(8)]
    with ThreadPoolExecutor(len(offers)) as pool:
        won = list(pool.map(lambda offer: plans_of(made).put_plan(ACME, offer), offers))

    winner = offers[won.index(True)]
    assert won.count(True) == 1
    assert current_plan(made) == plans_of(made).plan(ACME, version=1) == winner


def test_plan_is_read_once_when_it_is_asked_for_again(
    made: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = plans_of(made)
    plans.put_plan(ACME, FIRST)
    first = plans.plan(ACME, version=1)
    monkeypatch.setattr(made.client, "get_item", None)

    assert plans.plan(ACME, version=1) == first == FIRST


def test_plan_is_found_later_when_the_table_could_not_be_read(
    made: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = plans_of(made)
    plans.put_plan(ACME, FIRST)
    with monkeypatch.context() as patch:
        patch.setattr(DynamoDBPricePlans, "_read", _unreachable)
        broken = plans_of(made)
        with pytest.raises(StoreUnavailableError):
            broken.plan(ACME, version=1)

    assert plans.plan(ACME, version=1) == FIRST


def test_the_largest_plan_fits_when_it_is_stored_twice(made: Tables) -> None:
    models = {f"maker/{number:03d}".ljust(256, "x"): 10**8 for number in range(MAX_MODELS)}
    largest = PricePlan(version=1, models=models)

    assert plans_of(made).put_plan(ACME, largest)

    assert current_plan(made) == largest


def test_tenant_starts_with_its_plan_when_it_is_created_with_one(made: Tables) -> None:
    tenant = replace(TENANT, tenant_id=TenantId("rated"), plan=PLAN)
    tenants = DynamoDBTenants(made.db, control_table=made.control)

    assert tenants.put(tenant)

    assert plans_of(made).plan(tenant.tenant_id, version=3) == PLAN
    assert plans_of(made).put_plan(tenant.tenant_id, replace(FIRST, version=4))


def test_amounts_are_integers_when_a_plan_is_stored(made: Tables) -> None:
    plans_of(made).put_plan(ACME, replace(PLAN, version=1))

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
