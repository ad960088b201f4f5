"""Lanes: what cannot be read stands in no other's way, and no lane is left without a share."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from tests.support.ledger_values import ACME
from weir.domain.errors import StoreUnavailableError
from weir.domain.limits import AccountLimits
from weir.domain.tenants import Tenant


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made:
        yield made


@pytest.fixture
def made(client: Any) -> Tables:
    return new_tables(client)


def test_lanes_fail_after_all_others_when_one_is_unreadable(made: Tables) -> None:
    ledger = made.ledger()
    ledger.open_tenant_account(ACME, credit_nano_usd=1_000, lanes=2)
    broken = next(item for item in made.items(made.accounts) if item["pk"]["S"] == "acme#0")
    del broken["seq"]
    made.client.put_item(TableName=made.accounts, Item=broken)
    found = ledger.lanes(Tenant(tenant_id=ACME, namespace_key=b"", lanes=2))

    assert next(found).lane == 1
    with pytest.raises(StoreUnavailableError):
        next(found)


def test_lanes_are_refused_when_a_rate_would_leave_one_without(made: Tables) -> None:
    for limits in (
        AccountLimits(in_flight=2),
        AccountLimits(requests_per_minute=2),
        AccountLimits(tokens_per_minute=1),
    ):
        with pytest.raises(ValueError, match="does not reach for 3 lanes"):
            made.ledger().open_tenant_account(ACME, credit_nano_usd=0, limits=limits, lanes=3)

    closed = AccountLimits(in_flight=0)
    assert made.ledger().open_tenant_account(ACME, credit_nano_usd=0, limits=closed, lanes=3)
