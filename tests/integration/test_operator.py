"""The operator's API over real HTTP: what it sets is what the tenant's next request meets."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from local.stack import LocalStack
from tests.support.operator_calls import Operator, chat, unused_id
from tests.support.stacks import records, wait_until

FULL: dict[str, Any] = {
    "name": "Acme Ltd",
    "default_max_tokens": 100,
    "prompt_bound": "typical",
    "unpriced_hold": 0.25,
    "lanes": 3,
    "limits": {
        "requests_per_minute": 100,
        "tokens_per_minute": 10**6,
        "in_flight": 7,
        "spend": 12.5,
        "reset": "weekly",
    },
    "end_user_limits": {
        "requests_per_minute": 5,
        "tokens_per_minute": None,
        "in_flight": None,
        "spend": 0.000000001,
        "reset": "daily",
    },
    "price_plan": {
        "multiplier": 1.15,
        "models": {
            "a/b": 2,
            "c/d": {"prompt": 0.0000015, "completion": 0.000000000001, "request": 0},
        },
    },
    "policy": {
        "models": ["weir/*"],
        "providers": ["echo"],
        "data_collection": "deny",
        "zdr": True,
        "max_tokens": 500,
    },
}


@pytest.fixture
def operator(stack: LocalStack) -> Operator:
    return Operator(stack)


def test_a_tenant_is_shown_as_it_was_made(operator: Operator) -> None:
    tenant_id = unused_id()

    made = operator.ask("POST /tenants", {"id": tenant_id, **FULL})
    again = operator.ask("POST /tenants", {"id": tenant_id, **FULL})
    shown = operator.done(f"GET /tenants/{tenant_id}")["data"]

    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == again.json()
    expected = {**FULL, "price_plan": {**FULL["price_plan"], "version": 1}}
    floats = operator.ask(f"GET /tenants/{tenant_id}").json()["data"]
    assert {name: floats[name] for name in FULL} == expected
    assert (shown["id"], shown["status"], shown["updated_at"]) == (tenant_id, "active", None)
    assert shown["price_plan"]["models"]["c/d"]["completion"] == Decimal("0.000000000001")
    assert shown["credits"] == {"total": 0, "used": 0, "remaining": 0}


def test_another_tenant_of_the_same_id_is_a_conflict(operator: Operator) -> None:
    tenant_id = operator.tenant()

    answer = operator.ask("POST /tenants", {"id": tenant_id, "name": "another"})

    assert answer.status_code == answer.json()["error"]["code"] == 409


def test_a_new_tenant_can_pay_for_what_it_asks(stack: LocalStack, operator: Operator) -> None:
    tenant_id = operator.tenant(credit=0)
    key = operator.issue(tenant_id)
    refused = chat(stack, key)

    operator.done(f"POST /tenants/{tenant_id}/credits", {"amount": 2.5, "reference": "r"})
    answer = chat(stack, key)

    assert (refused.status_code, answer.status_code) == (402, 200)
    price = records(stack)[answer.json()["id"]].price_nano_usd
    credits_ = operator.done(f"GET /tenants/{tenant_id}")["data"]["credits"]
    assert credits_["used"] == Decimal(price) / 10**9 > 0
    assert credits_["remaining"] == Decimal("2.5") - credits_["used"]


def test_a_payment_counts_once(operator: Operator) -> None:
    tenant_id = operator.tenant(credit=0)
    path = f"/tenants/{tenant_id}/credits"

    statuses = [
        operator.ask(f"POST {path}", {"amount": amount, "reference": "invoice 1"}).status_code
        for amount in (5, 5.0, 6)
    ]
    operator.done(f"POST {path}", {"amount": 0.000000001, "reference": "invoice 2"})
    shown = operator.done(f"GET {path}")["data"]

    assert statuses == [201, 200, 409]
    assert shown["total"] == shown["remaining"] == Decimal("5.000000001")
    assert {grant["reference"]: grant["amount"] for grant in shown["grants"]} == {
        "invoice 1": 5,
        "invoice 2": Decimal("0.000000001"),
    }


def test_a_payment_counts_once_when_it_is_announced_many_times_at_once(
    operator: Operator,
) -> None:
    tenant_id = operator.tenant(credit=0, lanes=4)
    grant = {"amount": 3, "reference": "webhook"}
    route = f"POST /tenants/{tenant_id}/credits"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: operator.ask(route, grant), range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert operator.done(f"GET /tenants/{tenant_id}")["data"]["credits"]["total"] == 3
    log = operator.done(f"GET /tenants/{tenant_id}/audit")["data"]
    assert [entry["action"] for entry in log] == ["credit.granted", "tenant.created"]


def test_every_change_is_kept_when_many_are_made_at_once(operator: Operator) -> None:
    tenant_id = operator.tenant(credit=0)
    changes: list[dict[str, Any]] = [
        {"name": "renamed"},
        {"limits": {"spend": 7}},
        {"policy": {"max_tokens": 9}},
        {"price_plan": {"multiplier": 2}},
    ]

    def change(body: dict[str, Any]) -> int:
        return operator.ask(f"PATCH /tenants/{tenant_id}", body).status_code

    with ThreadPoolExecutor(len(changes)) as pool:
        statuses = list(pool.map(change, changes))

    shown = operator.done(f"GET /tenants/{tenant_id}")["data"]
    assert statuses == [200] * 4
    assert (shown["name"], shown["limits"]["spend"]) == ("renamed", 7)
    assert (shown["policy"]["max_tokens"], shown["price_plan"]["multiplier"]) == (9, 2)
    assert len(operator.done(f"GET /tenants/{tenant_id}/audit")["data"]) == 5


def test_a_changed_limit_holds_for_the_next_request(stack: LocalStack, operator: Operator) -> None:
    tenant_id = operator.tenant(lanes=2)
    key = operator.issue(tenant_id)
    assert chat(stack, key).status_code == 200

    operator.done(f"PATCH /tenants/{tenant_id}", {"limits": {"requests_per_minute": 0}})
    closed = chat(stack, key)
    operator.done(f"PATCH /tenants/{tenant_id}", {"limits": {"requests_per_minute": None}})
    opened = chat(stack, key)

    assert (closed.status_code, opened.status_code) == (429, 200)


def test_a_suspended_tenant_cannot_chat_until_it_is_active_again(
    stack: LocalStack, operator: Operator
) -> None:
    tenant_id = operator.tenant(lanes=2)
    key = operator.issue(tenant_id)

    operator.done(f"PATCH /tenants/{tenant_id}", {"status": "suspended"})
    refused = chat(stack, key)
    operator.done(f"PATCH /tenants/{tenant_id}", {"status": "active"})

    assert refused.status_code == 403
    assert "suspended" in refused.json()["error"]["message"]
    assert chat(stack, key).status_code == 200


def test_a_closed_tenant_is_gone_for_good_and_its_books_stay(
    stack: LocalStack, operator: Operator
) -> None:
    tenant_id = operator.tenant(credit=4)
    key = operator.issue(tenant_id)
    manager = operator.issue(tenant_id, kind="management")
    assert chat(stack, key).status_code == 200

    deleted = operator.done(f"DELETE /tenants/{tenant_id}")
    operator.done(f"DELETE /tenants/{tenant_id}")

    assert deleted == {"deleted": True}
    refused = chat(stack, key).status_code
    assert refused in {401, 403}  # as soon as the process that remembers the key asks again: 401
    never_used = Operator(stack, manager).ask("GET /keys")
    assert never_used.status_code == 401
    shown = operator.done(f"GET /tenants/{tenant_id}")["data"]
    assert (shown["status"], shown["credits"]["total"]) == ("closed", 4)
    assert shown["credits"]["used"] > 0
    for route, body in {
        "POST /tenants": {"id": tenant_id},
        f"PATCH /tenants/{tenant_id}": {"name": "again"},
        f"POST /tenants/{tenant_id}/credits": {"amount": 1, "reference": "late"},
        f"POST /tenants/{tenant_id}/keys": {"name": "late", "kind": "inference"},
    }.items():
        assert operator.ask(route, body).status_code == 409, route


def test_a_new_policy_and_price_hold_for_a_key_that_is_not_remembered(
    stack: LocalStack, operator: Operator
) -> None:
    tenant_id = operator.tenant()
    plan = {"multiplier": 10, "models": {}}
    policy = {"models": ["other/model"]}
    operator.done(f"PATCH /tenants/{tenant_id}", {"price_plan": plan})

    answer = chat(stack, operator.issue(tenant_id))
    operator.done(f"PATCH /tenants/{tenant_id}", {"policy": policy})
    forbidden = chat(stack, operator.issue(tenant_id))

    record = records(stack)[answer.json()["id"]]
    assert (record.plan_version, record.price_nano_usd) == (1, record.usage.cost_nano_usd * 10)
    assert forbidden.status_code == 403


@pytest.mark.chaos
def test_a_revoked_tenant_and_a_new_policy_reach_every_process_within_half_a_minute(
    stack: LocalStack, operator: Operator
) -> None:
    closed, forbidden = operator.tenant(), operator.tenant()
    keys = {tenant_id: operator.issue(tenant_id) for tenant_id in (closed, forbidden)}
    assert {chat(stack, key).status_code for key in keys.values()} == {200}

    operator.done(f"DELETE /tenants/{closed}")
    operator.done(f"PATCH /tenants/{forbidden}", {"policy": {"models": []}})

    wait_until(lambda: chat(stack, keys[closed]).status_code == 401, timeout_s=31)
    wait_until(lambda: chat(stack, keys[forbidden]).status_code == 403, timeout_s=31)


def test_tenants_are_listed_page_by_page(operator: Operator) -> None:
    made = sorted(operator.tenant(id=unused_id("page"), credit=0) for _ in range(3))
    listed: list[str] = []
    cursor: Any = "page"
    while cursor is not None:
        page = operator.done("GET /tenants", limit=2, cursor=cursor)
        listed += [tenant["id"] for tenant in page["data"]]
        cursor = page["next"]

    assert [tenant_id for tenant_id in listed if tenant_id.startswith("page")] == made
    assert listed == sorted(listed)
