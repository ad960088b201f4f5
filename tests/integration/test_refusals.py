"""What an account refuses, over the wire: the right code, and an explanation to act on."""

from collections.abc import Callable

import pytest
import requests

from local.seed import issue_key
from local.stack import LocalStack
from weir.domain.accounts import AccountLimits, AccountStatus
from weir.domain.api_keys import KeyKind
from weir.domain.tenants import Tenant, TenantId

AskAs = Callable[[str], requests.Response]


@pytest.fixture
def ask_as(stack: LocalStack) -> AskAs:
    def ask(key: str) -> requests.Response:
        return requests.post(
            f"{stack.base_url}/chat/completions",
            json={
                "model": "weir/echo",
                "messages": [{"role": "user", "content": "hello"}],
                "max_tokens": 100,
            },
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
        )

    return ask


def open_tenant(
    stack: LocalStack, name: str, *, credit_nano_usd: int, limits: AccountLimits | None = None
) -> str:
    """Create a tenant of its own and return a key of it."""
    tenant = Tenant(tenant_id=TenantId(name), namespace_key=b"n" * 32)
    stack.books.keys.put_tenant(tenant)
    stack.books.ledger.open_account(
        tenant.tenant_id, credit_nano_usd=credit_nano_usd, limits=limits
    )
    return issue_key(stack.books, tenant, kind=KeyKind.INFERENCE, label=name)


def test_an_empty_account_is_a_402_with_figures(stack: LocalStack, ask_as: AskAs) -> None:
    response = ask_as(open_tenant(stack, "poor", credit_nano_usd=7))

    error = response.json()["error"]
    assert response.status_code == error["code"] == 402
    assert error["metadata"]["limit_source"] == "openrouter_credits"
    assert error["metadata"]["available_usd"] == 7e-9
    assert error["metadata"]["required_usd"] > 0


def test_new_credit_counts_for_the_next_request(stack: LocalStack, ask_as: AskAs) -> None:
    key = open_tenant(stack, "topped-up", credit_nano_usd=0)
    assert ask_as(key).status_code == 402

    stack.books.ledger.grant(TenantId("topped-up"), amount_nano_usd=10**9, reference="invoice-1")

    assert ask_as(key).status_code == 200


def test_a_full_minute_is_a_429_that_says_when_to_come_back(
    stack: LocalStack, ask_as: AskAs
) -> None:
    limits = AccountLimits(requests_per_minute=0)
    response = ask_as(open_tenant(stack, "busy", credit_nano_usd=10**9, limits=limits))

    error = response.json()["error"]
    assert response.status_code == error["code"] == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert error["metadata"]["headers"]["X-RateLimit-Remaining"] == "0"


def test_a_suspended_account_is_a_403(stack: LocalStack, ask_as: AskAs) -> None:
    key = open_tenant(stack, "suspended", credit_nano_usd=10**9)
    stack.books.ledger.set_status(TenantId("suspended"), status=AccountStatus.SUSPENDED)

    response = ask_as(key)

    assert response.status_code == response.json()["error"]["code"] == 403
    assert "suspended" in response.json()["error"]["message"]
