"""Who may use the operator's API, what keys it gives out, and what the audit log tells."""

from decimal import Decimal

import pytest
import requests

from local.stack import LocalStack
from tests.support.operator_calls import Operator, chat


@pytest.fixture
def operator(stack: LocalStack) -> Operator:
    return Operator(stack)


def test_keys_of_both_kinds_are_issued_changed_and_deleted(
    stack: LocalStack, operator: Operator
) -> None:
    tenant_id = operator.tenant()
    keys = f"/tenants/{tenant_id}/keys"
    made = operator.done(f"POST {keys}", {"name": "app", "kind": "inference", "limit": 1})
    operator.done(f"POST {keys}", {"name": "ci", "kind": "management"})
    named = f"{keys}/{made['data']['hash']}"

    listed = operator.done(f"GET {keys}")["data"]
    changed = operator.done(f"PATCH {named}", {"disabled": True, "limit": 0.5})["data"]
    disabled = chat(stack, made["key"])
    shown = operator.done(f"GET {keys}")["data"]
    operator.done(f"DELETE {named}")

    assert {key["name"]: key["kind"] for key in listed} == {"app": "inference", "ci": "management"}
    assert (changed["disabled"], changed["limit"], changed["kind"]) == (
        *(True, Decimal("0.5"), "inference"),
    )
    assert disabled.status_code == 401
    assert [key["name"] for key in shown] == ["ci"]
    assert operator.ask(f"DELETE {named}").status_code == 404
    log = operator.done(f"GET /tenants/{tenant_id}/audit")["data"]
    assert [entry["action"] for entry in log] == [
        *("key.deleted", "key.changed", "key.changing", "key.created", "key.created"),
        *("credit.granted", "tenant.created"),
    ]


def test_the_log_tells_who_did_what_and_no_secret(stack: LocalStack, operator: Operator) -> None:
    tenant_id = operator.tenant(credit=0, name="before")
    manager = Operator(stack, operator.issue(tenant_id, kind="management"))
    operator.done(f"PATCH /tenants/{tenant_id}", {"name": "after", "limits": {"spend": 0.1}})
    made = manager.done("POST /keys", {"name": "app", "limit": 2})
    manager.done(f"POST /keys/{made['data']['hash']}/rotate", {"overlap_seconds": 0})

    answer = operator.ask(f"GET /tenants/{tenant_id}/audit")
    first = operator.done(f"GET /tenants/{tenant_id}/audit", limit=3)
    rest = operator.done(f"GET /tenants/{tenant_id}/audit", limit=3, cursor=first["next"])

    log = answer.json()["data"]
    rotated, created, changed, *_ = log
    assert [entry["id"] for entry in log] == [
        entry["id"] for page in (first, rest) for entry in page["data"]
    ]
    assert (changed["who"], changed["action"], changed["subject"]) == (
        *("operator", "tenant.changed", tenant_id),
    )
    assert changed["before"]["name"] == "before"
    assert changed["after"]["name"] == "after"
    assert (changed["before"]["limits"]["spend"], changed["after"]["limits"]["spend"]) == (
        *(None, 0.1),
    )
    assert changed["before"].keys() == changed["after"].keys() == {"name", "limits"}
    assert (created["who"][:10], created["after"]["limit"]) == ("sk-weir-v1", 2)
    assert (rotated["action"], rotated["subject"]) == ("key.rotated", made["data"]["hash"])
    assert all(entry["request_id"] for entry in log)
    for secret in (manager.key, made["key"], stack.operator_key):
        assert str(secret) not in answer.text


@pytest.mark.parametrize("route", ["GET /tenants", "POST /tenants", "DELETE /tenants/demo"])
def test_nobody_but_the_operator_is_let_in(stack: LocalStack, route: str) -> None:
    statuses = {
        key: Operator(stack, key).ask(route, {"id": "never"}).status_code
        for key in (stack.api_key, stack.management_key, "sk-weir-operator-" + "0" * 64, "x")
    }
    without = requests.request(
        route.split(maxsplit=1)[0], stack.base_url + route.split()[1], json={}, timeout=30
    )

    assert list(statuses.values()) == [403, 403, 401, 401]
    assert without.status_code == 401
    assert Operator(stack).ask("GET /tenants/never").status_code == 404


@pytest.mark.parametrize("route", ["GET /keys", "GET /credits", "GET /models/user"])
def test_the_operators_key_is_none_of_a_tenants(stack: LocalStack, route: str) -> None:
    assert Operator(stack).ask(route).status_code == 401
