"""What an account refuses, over the wire: the right code, and an explanation to act on."""

import time
from decimal import Decimal
from typing import Any

import pytest
import requests

from local.seed import issue_key, seed_tenant
from local.stack import LocalStack
from tests.support.stacks import assert_books_balance, records
from weir.domain.accounts import AccountId, AccountStatus, key_account
from weir.domain.api_keys import KeyKind, key_hash
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd, nano_usd
from weir.domain.periods import LimitPeriod
from weir.domain.tenants import Tenant, TenantId

NOTHING = AccountLimits(spend_nano_usd=NanoUsd(0), period=LimitPeriod.DAILY)


def ask(stack: LocalStack, key: str, *, user: str | None = None) -> requests.Response:
    return requests.post(
        f"{stack.base_url}/chat/completions",
        json={
            "model": "weir/echo",
            "messages": [{"role": "user", "content": "hello"}],
            "max_tokens": 100,
            **({"user": user} if user else {}),
        },
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )


def open_tenant(
    stack: LocalStack, name: str, *, credit_usd: Decimal | int = 1, **policy: Any
) -> Tenant:
    return seed_tenant(stack.books, tenant_id=TenantId(name), credit_usd=credit_usd, **policy)


def key_of(stack: LocalStack, tenant: Tenant, *, limits: AccountLimits | None = None) -> str:
    return issue_key(stack.books, tenant, kind=KeyKind.INFERENCE, label="a key", limits=limits)


def test_an_empty_account_is_a_402_with_figures(stack: LocalStack) -> None:
    tenant = open_tenant(stack, "poor", credit_usd=Decimal("0.000000007"))

    response = ask(stack, key_of(stack, tenant))

    error = response.json()["error"]
    assert response.status_code == error["code"] == 402
    assert error["metadata"]["limit_source"] == "openrouter_credits"
    assert error["metadata"]["available_usd"] == 7e-9
    assert error["metadata"]["required_usd"] > 0


def test_new_credit_counts_for_the_next_request(stack: LocalStack) -> None:
    tenant = open_tenant(stack, "topped-up", credit_usd=0)
    key = key_of(stack, tenant)
    assert ask(stack, key).status_code == 402

    added = requests.post(
        f"{stack.base_url}/tenants/{tenant.tenant_id}/credits",
        json={"amount": 1, "reference": "invoice-1"},
        headers={"Authorization": f"Bearer {stack.operator_key}"},
        timeout=30,
    )

    assert added.status_code == 201
    assert ask(stack, key).status_code == 200


def test_a_full_minute_is_a_429_that_says_when_to_come_back(stack: LocalStack) -> None:
    tenant = open_tenant(stack, "busy", limits=AccountLimits(requests_per_minute=0))

    response = ask(stack, key_of(stack, tenant))

    error = response.json()["error"]
    assert response.status_code == error["code"] == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert response.headers["X-RateLimit-Limit"] == response.headers["X-RateLimit-Remaining"] == "0"
    assert error["metadata"]["headers"]["X-RateLimit-Remaining"] == "0"


def test_a_suspended_account_is_a_403(stack: LocalStack) -> None:
    tenant = open_tenant(stack, "suspended")
    stack.books.credits.set_status(AccountId(tenant.tenant_id), status=AccountStatus.SUSPENDED)

    response = ask(stack, key_of(stack, tenant))

    assert response.status_code == response.json()["error"]["code"] == 403
    assert "suspended" in response.json()["error"]["message"]


def test_a_keys_own_limit_refuses_that_key_alone_and_leaves_no_trace(stack: LocalStack) -> None:
    tenant = open_tenant(stack, "thrifty")
    response = ask(stack, key_of(stack, tenant, limits=NOTHING))

    error = response.json()["error"]
    assert response.status_code == error["code"] == 403
    assert error["metadata"]["limit_source"] == "openrouter_key_limit"
    assert error["metadata"]["reset_interval"] == "daily"
    assert error["metadata"]["resets_at"].endswith("T00:00:00Z")
    assert ask(stack, key_of(stack, tenant)).status_code == 200
    assert_books_balance(stack, swept=True)


def test_a_raised_limit_counts_for_the_next_request(stack: LocalStack) -> None:
    tenant = open_tenant(stack, "generous")
    key = key_of(stack, tenant, limits=NOTHING)
    assert ask(stack, key).status_code == 403

    stack.books.limits.set_limits(
        key_account(tenant.tenant_id, key_hash(key)[:8]),
        limits=AccountLimits(spend_nano_usd=nano_usd(1), period=LimitPeriod.DAILY),
        now_ms=int(time.time() * 1000),
    )

    assert ask(stack, key).status_code == 200


def test_an_end_users_limit_refuses_that_end_user_alone(stack: LocalStack) -> None:
    usual = ask(stack, stack.api_key, user="carol").headers["X-Generation-Id"]
    once_a_month = AccountLimits(spend_nano_usd=records(stack)[usual].estimate_nano_usd)
    key = key_of(stack, open_tenant(stack, "crowded", end_user_limits=once_a_month))
    first = ask(stack, key, user="alice")
    assert first.status_code == 200

    response = ask(stack, key, user="alice")

    error = response.json()["error"]
    assert response.status_code == error["code"] == 403
    assert error["metadata"]["scope"] == "member"
    assert [ask(stack, key, user=user).status_code for user in ("bob", None)] == [200, 200]
    assert records(stack)[first.headers["X-Generation-Id"]].end_user == "alice"
    assert_books_balance(stack, swept=True)


@pytest.mark.parametrize("lanes", [2, 3])
def test_a_tenant_with_lanes_is_refused_when_no_lane_has_the_credit(
    stack: LocalStack, lanes: int
) -> None:
    tenant = open_tenant(stack, f"wide-{lanes}", credit_usd=Decimal("0.000000007"), lanes=lanes)

    assert ask(stack, key_of(stack, tenant)).status_code == 402

    rich = open_tenant(stack, f"rich-{lanes}", lanes=lanes)
    assert ask(stack, key_of(stack, rich)).status_code == 200
    assert_books_balance(stack, swept=True)
