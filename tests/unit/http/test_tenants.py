"""The operator's routes: what they take, what they tell, and what they refuse in which words."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.support.operator_gateway import HOLDER, MANAGER, OPERATOR, OperatorGateway
from weir.http.tenant_bodies import TenantBody
from weir.http.tenant_wishes import NEW_GRANT, NEW_TENANT, TENANT_CHANGE

LAMBDA_MAX_BYTES = 6_291_456
LIMITS = {
    "requests_per_minute": 5,
    "tokens_per_minute": None,
    "in_flight": 2.0,
    "spend": 0.25,
    "reset": None,
}


@pytest.fixture
def gateway() -> OperatorGateway:
    made = OperatorGateway()
    made.data("POST /tenants", {"id": "acme"})
    return made


def change(gateway: OperatorGateway, **body: Any) -> Any:
    return gateway.data("PATCH /tenants/acme", body)


def test_a_tenant_with_nothing_set_is_shown_with_what_is_usual(gateway: OperatorGateway) -> None:
    shown = gateway.data("GET /tenants/acme")

    assert list(shown) == list(TenantBody.__annotations__)
    assert shown == {
        "id": "acme",
        "name": "acme",
        "status": "active",
        "created_at": "2026-11-18T12:00:00Z",
        "updated_at": None,
        "default_max_tokens": 4096,
        "prompt_bound": "strict",
        "unpriced_hold": None,
        "lanes": 1,
        "limits": {
            "requests_per_minute": None,
            "tokens_per_minute": None,
            "in_flight": None,
            "spend": None,
            "reset": "monthly",
        },
        "end_user_limits": None,
        "price_plan": {"version": 0, "multiplier": 1, "models": {}},
        "policy": {
            "models": None,
            "providers": None,
            "data_collection": None,
            "zdr": False,
            "max_tokens": None,
        },
        "credits": {"total": 0, "used": 0, "remaining": 0},
    }


def test_what_is_null_is_cleared_and_what_is_absent_stays(gateway: OperatorGateway) -> None:
    full = {
        "name": "Acme",
        "default_max_tokens": 1,
        "prompt_bound": "typical",
        "unpriced_hold": 0.5,
        "limits": LIMITS,
        "end_user_limits": LIMITS,
        "price_plan": {"multiplier": 2, "models": {"a/b": 3}},
        "policy": {
            "models": ["a/*"],
            "providers": ["p"],
            "data_collection": "deny",
            "zdr": True,
            "max_tokens": 5,
        },
    }
    before = change(gateway, **full)

    renamed = change(gateway, name="New", limits={"in_flight": None}, policy={"zdr": None})
    cleared = change(gateway, **dict.fromkeys(full))

    assert before["limits"] == before["end_user_limits"] == {**LIMITS, "in_flight": 2}
    assert renamed["limits"] == {**LIMITS, "in_flight": None}
    assert renamed["policy"] == {**before["policy"], "zdr": False}
    assert {name for name in renamed if renamed[name] != before[name]} <= {
        *("name", "limits", "policy", "updated_at"),
    }
    blank = gateway.data("POST /tenants", {"id": "blank"})
    unlike = {name for name in blank if blank[name] != cleared[name]}
    assert unlike == {"id", "name", "updated_at", "limits", "price_plan"}
    assert cleared["limits"] == {**blank["limits"], "reset": None}
    assert cleared["price_plan"] == {"version": 2, "multiplier": 1, "models": {}}


def test_prices_are_exact(gateway: OperatorGateway) -> None:
    plan = (
        '{"multiplier": 1.150000, "models": {"a/b": {"prompt": 0.000000000001, "completion": 5}}}'
    )

    shown = gateway.data("PATCH /tenants/acme", f'{{"price_plan": {plan}}}')["price_plan"]

    assert shown == {
        "version": 1,
        "multiplier": Decimal("1.15"),
        "models": {
            "a/b": {"prompt": Decimal("0.000000000001"), "completion": 5, "request": 0},
        },
    }


def test_a_tenant_is_made_once_and_found_made_afterwards(gateway: OperatorGateway) -> None:
    body = {"id": "new", "name": "New", "lanes": 2}
    answers = [gateway.ask("POST /tenants", body) for _ in range(2)]
    other = gateway.ask("POST /tenants", {**body, "name": "Other"})

    assert [answer.status for answer in (*answers, other)] == [201, 200, 409]
    assert answers[0].body == answers[1].body


def test_credit_is_added_once_per_reference(gateway: OperatorGateway) -> None:
    grant = {"amount": 1.5, "reference": "invoice 1"}
    answers = [gateway.ask("POST /tenants/acme/credits", grant) for _ in range(2)]
    other = gateway.ask("POST /tenants/acme/credits", {**grant, "amount": 2})

    assert [answer.status for answer in (*answers, other)] == [201, 200, 409]
    assert answers[0].body == answers[1].body
    assert answers[0].data == {
        **grant,
        "credits": {"total": Decimal("1.5"), "used": 0, "remaining": Decimal("1.5")},
    }
    assert gateway.data("GET /tenants/acme/credits") == {
        "total": Decimal("1.5"),
        "used": 0,
        "remaining": Decimal("1.5"),
        "grants": [{**grant, "created_at": "2026-11-18T12:00:00Z"}],
    }


def test_a_closed_tenant_is_shown_and_not_changed(gateway: OperatorGateway) -> None:
    answer = gateway.ask("DELETE /tenants/acme")
    again = gateway.ask("DELETE /tenants/acme")

    assert (answer.status, answer.body) == (again.status, again.body) == (200, {"deleted": True})
    assert gateway.data("GET /tenants/acme")["status"] == "closed"
    assert gateway.ask("PATCH /tenants/acme", {"name": "x"}).status == 409


def test_tenants_are_listed_page_by_page(gateway: OperatorGateway) -> None:
    gateway.data("POST /tenants", {"id": "b"})

    first = gateway.ask("GET /tenants", limit="1").body
    second = gateway.ask("GET /tenants", limit="1", cursor=first["next"]).body

    assert [tenant["id"] for tenant in first["data"] + second["data"]] == ["acme", "b"]
    assert (first["next"], second["next"]) == ("acme", None)


def test_the_log_is_listed_page_by_page_the_newest_first(gateway: OperatorGateway) -> None:
    change(gateway, name="New")

    first = gateway.ask("GET /tenants/acme/audit", limit="1").body
    second = gateway.ask("GET /tenants/acme/audit", limit="1", cursor=first["next"]).body

    (entry,) = first["data"]
    assert entry == {
        "id": first["next"],
        "at": "2026-11-18T12:00:00Z",
        "who": "alice",
        "request_id": "request-1",
        "action": "tenant.changed",
        "subject": "acme",
        "before": {"name": "acme"},
        "after": {"name": "New"},
    }
    assert [entry["action"] for entry in second["data"]] == ["tenant.created"]
    assert second["next"] is None


def test_a_page_is_shorter_when_lambda_could_not_answer_with_all_of_it(
    gateway: OperatorGateway,
) -> None:
    for number in range(45):
        models = {f"maker/{index:03}-{'x' * 225}": number for index in range(400)}
        change(gateway, price_plan={"models": models})
        gateway.data("POST /tenants", {"id": f"t-{number}", "price_plan": {"models": models}})

    for path, total in (("/tenants", 46), ("/tenants/acme/audit", 46)):
        ids: list[str] = []
        cursor: dict[str, str] = {}
        for _ in range(10):
            answer = gateway.ask(f"GET {path}", **cursor)
            assert len(json.dumps(answer.text)) < LAMBDA_MAX_BYTES
            ids += [row["id"] for row in answer.body["data"]]
            if answer.body["next"] is None:
                break
            cursor = {"cursor": answer.body["next"]}
        assert len(set(ids)) == len(ids) == total


def test_keys_of_both_kinds_are_issued_listed_changed_and_deleted(
    gateway: OperatorGateway,
) -> None:
    made = gateway.ask(
        "POST /tenants/acme/keys", {"name": "ci", "kind": "management", "limit": None}
    ).body
    named = made["data"]["hash"]

    changed = gateway.data(f"PATCH /tenants/acme/keys/{named}", {"name": "new"})
    listed = gateway.data("GET /tenants/acme/keys", include_disabled="true")
    deleted = gateway.ask(f"DELETE /tenants/acme/keys/{named}")

    assert made["key"].startswith("sk-weir-v1-")
    assert (made["data"]["kind"], made["data"]["name"]) == ("management", "ci")
    assert (changed["name"], changed["kind"]) == ("new", "management")
    assert listed == [changed]
    assert deleted.body == {"deleted": True}
    assert gateway.ask(f"DELETE /tenants/acme/keys/{named}").status == 404
    assert {entry.actor.who for entry in gateway.register.log} == {"alice"}


def test_every_route_is_the_operators_alone(gateway: OperatorGateway) -> None:
    for name, route in gateway.routes.table.items():
        asked = name.replace("/api/v1", "").format(id="acme", hash="0" * 64)
        statuses = [
            gateway.ask(asked, {}, key=key).status
            for key in (HOLDER, MANAGER, OPERATOR[:-1], "garbage", None)
        ]
        assert statuses == [403, 403, 401, 401, 401], name
        assert route.about is not None


def test_schemas_say_that_nothing_unknown_passes() -> None:
    for check in (NEW_TENANT, TENANT_CHANGE, NEW_GRANT):
        assert check.schema["additionalProperties"] is False
    models = TENANT_CHANGE.schema["properties"]["price_plan"]["properties"]["models"]
    assert models["propertyNames"] == {"pattern": "^[\\x21-\\x7e]{1,256}$"}
    assert NEW_TENANT.schema["properties"]["id"]["pattern"] == "^(?:[a-z0-9][a-z0-9-]{0,62})$"
