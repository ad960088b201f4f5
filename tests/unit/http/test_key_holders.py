"""What a key tells its holder, before and after it is rotated."""

from typing import Any

import pytest

from tests.support.account_gateway import HOLDER, AccountGateway, sample, shape
from tests.support.fakes import TENANT
from tests.support.ledger_steps import reserve
from tests.support.ledger_values import NOON_MS, make_record
from weir.domain.accounts import key_account
from weir.domain.api_keys import key_hash


@pytest.fixture
def gateway() -> AccountGateway:
    return AccountGateway()


def test_a_rotated_key_has_the_limits_and_the_usage_of_the_old_one(gateway: AccountGateway) -> None:
    made = gateway.create(limit=5, limit_reset="daily")
    old = made["data"]
    hold = reserve(
        gateway.ledger, account_id=key_account(TENANT.tenant_id, old["hash"][:8]), estimate=10**9
    )
    gateway.ledger.settle(
        key_account(TENANT.tenant_id, old["hash"][:8]),
        hold=hold,
        price_nano_usd=make_record(hold, cost=10**9).price_nano_usd,
        now_ms=NOON_MS,
    )

    answer = gateway.ask(f"POST /keys/{old['hash']}/rotate", body={"overlap_seconds": 60})

    assert answer.status == 201
    new = answer.data
    assert new["hash"] == key_hash(answer.body["key"]) != old["hash"]
    assert (new["limit"], new["limit_remaining"], new["usage"]) == (5, 4, 1)
    assert (new["name"], new["expires_at"]) == ("app", None)
    assert gateway.ask(f"GET /keys/{old['hash']}").data["expires_at"] == "2026-11-18T12:01:00Z"
    for key in (made["key"], answer.body["key"]):
        assert gateway.ask("GET /key", key=key).data["usage"] == 1
    gateway.clock.ms += 60_000
    assert gateway.ask("GET /key", key=made["key"]).status == 401
    assert gateway.ask("GET /key", key=answer.body["key"]).status == 200


@pytest.mark.parametrize(
    "body", [{}, {"overlap_seconds": -1}, {"overlap_seconds": "60"}, {"overlap_seconds": 10**9}]
)
def test_a_rotation_says_how_long_both_work(gateway: AccountGateway, body: Any) -> None:
    made = gateway.create()["data"]["hash"]

    assert gateway.ask(f"POST /keys/{made}/rotate", body=body).status == 400


@pytest.mark.parametrize("route", ["GET /key", "GET /auth/key"])
def test_a_key_is_shown_to_its_holder_as_openrouter_shows_it(
    gateway: AccountGateway, route: str
) -> None:
    made = gateway.create(limit=100, limit_reset="monthly")
    hold = reserve(
        gateway.ledger,
        account_id=key_account(TENANT.tenant_id, made["data"]["hash"][:8]),
        estimate=10**9,
    )
    assert hold.estimate_nano_usd == 10**9

    answer = gateway.ask(route, key=made["key"])

    assert shape(answer.body) == shape(sample("key"))
    # What is only held is not spent.
    assert (answer.data["limit"], answer.data["limit_remaining"]) == (100, 100)
    assert answer.data["effective_budget"] == {
        "budget_id": None,
        "guardrail_id": None,
        "include_byok": False,
        "limit_usd": 100,
        "remaining_usd": 100,
        "reset_interval": "monthly",
        "resets_at": "2026-12-01T00:00:00Z",
        "scope": "key_limit",
        "spend_usd": 0,
    }
    assert answer.data["budgets"] == [answer.data["effective_budget"]]


def test_a_key_without_a_limit_has_no_budget(gateway: AccountGateway) -> None:
    data = gateway.ask("GET /key", key=HOLDER).data

    assert (data["budgets"], data["effective_budget"]) == ([], None)
    assert (data["limit"], data["is_management_key"]) == (None, False)
    assert gateway.ask("GET /key").data["is_management_key"] is True
