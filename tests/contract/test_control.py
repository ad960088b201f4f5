"""The key store on DynamoDB: what is put is found, and nothing is put twice."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.domain.api_keys import ApiKey, KeyKind, key_hash
from weir.domain.money import NanoUsd
from weir.domain.tenants import PromptBound, Tenant, TenantId

TENANT = Tenant(tenant_id=TenantId("acme"), namespace_key=bytes(range(32)))
KEY = ApiKey(
    key_hash=key_hash("sk-weir-v1-demo"),
    tenant=TENANT,
    kind=KeyKind.INFERENCE,
    label="sk-weir-v1-abc...1234",
    disabled=False,
    expires_at_ms=None,
)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made_client:
        yield made_client


@pytest.fixture
def made(client: Any) -> Tables:
    return new_tables(client)


@pytest.fixture
def keys(made: Tables) -> DynamoDBKeys:
    return made.keys()


@pytest.mark.parametrize(
    "tenant",
    [
        TENANT,
        replace(
            TENANT,
            default_max_tokens=1,
            prompt_bound=PromptBound.TYPICAL,
            unpriced_hold_nano_usd=NanoUsd(5),
            lanes=4,
        ),
    ],
    ids=["defaults", "all-set"],
)
@pytest.mark.parametrize(
    "changes",
    [{}, {"kind": KeyKind.MANAGEMENT, "disabled": True, "expires_at_ms": 1_795_003_200_000}],
    ids=["plain", "all-set"],
)
def test_key_is_found_with_its_tenant_when_both_were_put(
    keys: DynamoDBKeys, tenant: Tenant, changes: dict[str, object]
) -> None:
    api_key = replace(KEY, tenant=tenant, **changes)  # type: ignore[arg-type]  # test data

    assert keys.put_tenant(tenant)
    assert keys.put_key(api_key)

    assert keys.find(api_key.key_hash) == api_key


def test_nothing_is_found_when_the_hash_is_unknown(keys: DynamoDBKeys) -> None:
    keys.put_tenant(TENANT)
    keys.put_key(KEY)

    assert keys.find(key_hash("another")) is None


def test_nothing_is_found_when_the_key_has_no_tenant(keys: DynamoDBKeys) -> None:
    keys.put_key(KEY)

    assert keys.find(KEY.key_hash) is None


def test_first_row_stays_when_a_key_or_tenant_is_put_again(keys: DynamoDBKeys) -> None:
    keys.put_tenant(TENANT)
    keys.put_key(KEY)

    assert not keys.put_tenant(replace(TENANT, namespace_key=b"other"))
    assert not keys.put_key(replace(KEY, disabled=True))

    assert keys.find(KEY.key_hash) == KEY


def test_key_itself_is_in_no_item_when_it_was_put(keys: DynamoDBKeys, made: Tables) -> None:
    keys.put_tenant(TENANT)
    keys.put_key(KEY)

    assert "sk-weir-v1-demo" not in repr(made.items(made.control))
