"""The key store on DynamoDB: what is put is found, and nothing is put twice."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from tests.support.opened_tenants import PutTenants
from tests.support.tenant_values import FULL_TENANT, KEY, TENANT
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.domain.api_keys import KeyKind, key_hash
from weir.domain.errors import StoreUnavailableError
from weir.domain.periods import LimitPeriod
from weir.domain.tenants import Tenant, TenantId


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made_client:
        yield made_client


@pytest.fixture
def made(client: Any) -> Tables:
    return new_tables(client)


@pytest.fixture
def keys(made: Tables) -> DynamoDBKeys:
    return DynamoDBKeys(made.db, control_table=made.control)


@pytest.fixture
def tenants(made: Tables) -> PutTenants:
    return PutTenants(made.db, control_table=made.control)


@pytest.mark.parametrize("tenant", [TENANT, FULL_TENANT], ids=["defaults", "all-set"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "kind": KeyKind.MANAGEMENT,
            "disabled": True,
            "expires_at_ms": 1_795_003_200_000,
            "limit_period": LimitPeriod.TOTAL,
            "updated_ms": 1_795_003_200_001,
            "name": "app",
            "creator": "user_1",
            "external_user": "theirs",
            "includes_byok": True,
            "succeeds": "0123abcd",
        },
    ],
    ids=["plain", "all-set"],
)
def test_key_is_found_with_its_tenant_when_both_were_put(
    keys: DynamoDBKeys, tenants: PutTenants, tenant: Tenant, changes: dict[str, object]
) -> None:
    api_key = replace(KEY, tenant=tenant, **changes)  # type: ignore[arg-type]  # test data

    assert tenants.put(tenant)
    assert keys.put_key(api_key)

    assert keys.find(api_key.key_hash) == api_key
    assert tenants.find(tenant.tenant_id) == tenant


def test_nothing_is_found_when_the_hash_is_unknown(keys: DynamoDBKeys, tenants: PutTenants) -> None:
    tenants.put(TENANT)
    keys.put_key(KEY)

    assert keys.find(key_hash("another")) is None
    assert tenants.find(TenantId("another")) is None


def test_nothing_is_found_when_the_key_has_no_tenant(keys: DynamoDBKeys) -> None:
    keys.put_key(KEY)

    assert keys.find(KEY.key_hash) is None


def test_first_row_stays_when_a_key_or_tenant_is_put_again(
    keys: DynamoDBKeys, tenants: PutTenants
) -> None:
    tenants.put(TENANT)
    keys.put_key(KEY)

    assert not tenants.put(replace(FULL_TENANT, namespace_key=b"other"))
    assert not keys.put_key(replace(KEY, disabled=True))

    assert keys.find(KEY.key_hash) == KEY
    assert list(keys.keys_of(TENANT)) == [KEY]


def test_key_is_refused_when_another_of_the_tenant_has_its_id(keys: DynamoDBKeys) -> None:
    namesake = replace(KEY, key_hash=KEY.key_id + "0" * 56)
    elsewhere = replace(namesake, tenant=replace(TENANT, tenant_id=TenantId("other")))
    keys.put_key(KEY)

    assert not keys.put_key(namesake)
    assert list(keys.keys_of(TENANT)) == [KEY]
    assert keys.put_key(elsewhere)


def test_keys_are_listed_when_a_tenant_has_several(keys: DynamoDBKeys, tenants: PutTenants) -> None:
    other = replace(TENANT, tenant_id=TenantId("acme-2"))
    tenants.put(FULL_TENANT)
    hashes = [key_hash(name) for name in "abc"]
    for digits in hashes:
        keys.put_key(replace(KEY, key_hash=digits, tenant=FULL_TENANT))
    keys.put_key(replace(KEY, tenant=other))

    listed = list(keys.keys_of(FULL_TENANT))

    assert {key.key_hash for key in listed} == set(hashes)
    assert {key.tenant.tenant_id for key in listed} == {FULL_TENANT.tenant_id}
    assert [key.key_hash for key in keys.keys_of(other)] == [KEY.key_hash]


def test_every_tenant_is_listed_once_when_pages_are_short(
    tenants: PutTenants, keys: DynamoDBKeys, monkeypatch: pytest.MonkeyPatch, made: Tables
) -> None:
    names = [f"tenant-{number:03d}" for number in range(5)]
    for name in reversed(names):
        tenants.put(replace(FULL_TENANT, tenant_id=TenantId(name)))
    tenants.put(replace(TENANT, tenant_id=TenantId("tenant-000")))
    keys.put_key(KEY)
    query = made.client.query
    monkeypatch.setattr(made.client, "query", lambda **payload: query(Limit=2, **payload))

    assert [tenant.tenant_id for tenant in tenants.tenants()] == names


def test_no_tenant_is_listed_when_there_is_none(tenants: PutTenants) -> None:
    assert list(tenants.tenants()) == []


def test_listing_fails_after_all_others_when_a_profile_is_gone(
    tenants: PutTenants, made: Tables
) -> None:
    other = replace(TENANT, tenant_id=TenantId("zenith"))
    tenants.put(TENANT)
    tenants.put(other)
    profile = {"pk": {"S": "T#acme"}, "sk": {"S": "PROFILE"}}
    made.client.delete_item(TableName=made.control, Key=profile)

    listed = tenants.tenants()

    assert next(listed) == other
    with pytest.raises(StoreUnavailableError):
        next(listed)


def test_key_itself_is_in_no_item_when_it_was_put(
    keys: DynamoDBKeys, tenants: PutTenants, made: Tables
) -> None:
    tenants.put(TENANT)
    keys.put_key(KEY)

    assert "sk-weir-v1-demo" not in repr(made.items(made.control))
