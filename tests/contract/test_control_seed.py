"""Tenants and keys as an operator makes them: whoever is found can be charged as it should be."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from local.seed import Books, TableNames, books_over, issue_key, seed_tenant
from tests.support.ledger_tables import embedded_dynamodb, new_tables
from tests.support.tenant_values import FULL_TENANT, PLAN
from weir.adapters.dynamodb.control import DynamoDBKeys
from weir.domain.accounts import Account, key_account
from weir.domain.api_keys import ApiKey, KeyKind, is_well_formed, key_hash
from weir.domain.limits import UNLIMITED, AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.tenants import Tenant, TenantId

PREFIX = "sk-test-"
DAILY = AccountLimits(requests_per_minute=5, spend_nano_usd=NanoUsd(7), period=LimitPeriod.DAILY)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made_client:
        yield made_client


@pytest.fixture
def books(client: Any) -> Books:
    made = new_tables(client)
    names = TableNames(accounts=made.accounts, usage=made.usage, control=made.control)
    return books_over(made.db, tables=names, key_prefix=PREFIX)


def seeded(books: Books, **changes: Any) -> Tenant:
    facts = {"tenant_id": TenantId("acme"), "credit_usd": 1}
    return seed_tenant(books, **{**facts, **changes})


def found(books: Books, key: str) -> ApiKey:
    api_key = books.keys.find(key_hash(key))
    assert api_key is not None
    return api_key


def accounts(books: Books) -> dict[str, Account]:
    return {f"{account.account_id}#{account.lane}": account for account in books.ledger.accounts()}


def test_key_has_no_account_of_its_own_when_it_has_no_limits(books: Books) -> None:
    tenant = seeded(books)

    key = issue_key(books, tenant, kind=KeyKind.INFERENCE, label="")

    assert is_well_formed(key, prefix=PREFIX)
    assert found(books, key).tenant == tenant
    assert found(books, key).label.startswith(PREFIX)
    assert found(books, key).limit_period is None
    assert set(accounts(books)) == {"acme#0"}


def test_key_has_its_account_when_it_has_limits(books: Books) -> None:
    tenant = seeded(books)

    key = issue_key(books, tenant, kind=KeyKind.INFERENCE, label="app", limits=DAILY)

    api_key = found(books, key)
    account = accounts(books)[f"{key_account(tenant.tenant_id, api_key.key_id)}#0"]
    assert (api_key.name, api_key.limit_period) == ("app", LimitPeriod.DAILY)
    assert account.limits == DAILY
    assert account.credit_nano_usd == UNLIMITED


def test_another_key_is_minted_when_its_id_is_taken(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = seeded(books)
    put_key, tried = DynamoDBKeys.put_key, []

    def taken_once(keys: DynamoDBKeys, api_key: ApiKey) -> bool:
        tried.append(api_key.key_hash)
        return len(tried) > 1 and put_key(keys, api_key)

    monkeypatch.setattr(DynamoDBKeys, "put_key", taken_once)

    key = issue_key(books, tenant, kind=KeyKind.INFERENCE, label="app")

    assert tried == [tried[0], key_hash(key)]
    assert tried[0] != tried[1]


def test_policy_and_account_agree_when_a_tenant_has_limits_and_prices(books: Books) -> None:
    tenant = seeded(
        books,
        credit_usd=Decimal("0.000000005"),
        limits=DAILY,
        lanes=2,
        plan=PLAN,
        end_user_limits=FULL_TENANT.end_user_limits,
    )

    lanes = list(books.ledger.lanes(tenant))
    assert tenant.limit_period is LimitPeriod.DAILY
    assert list(books.tenants.tenants()) == [tenant]
    assert [lane.credit_nano_usd for lane in lanes] == [3, 2]
    assert [lane.limits.requests_per_minute for lane in lanes] == [3, 2]
    assert {lane.limits.period for lane in lanes} == {LimitPeriod.DAILY}
    assert books.plans.plan(tenant.tenant_id, version=PLAN.version) == PLAN


def test_nothing_is_given_away_when_a_tenant_is_seeded_twice(books: Books) -> None:
    tenant = seeded(books)

    with pytest.raises(ValueError, match="there is a tenant acme already"):
        seeded(books, credit_usd=5)

    assert list(books.tenants.tenants()) == [tenant]
    assert accounts(books)["acme#0"].credit_nano_usd == 10**9
