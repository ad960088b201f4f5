"""The wire of the keys: OpenRouter's fields, codes and meanings."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.account_gateway import (
    HOLDER,
    MANAGER,
    STRANGER,
    AccountGateway,
    sample,
    shape,
)
from tests.support.fakes import TENANT
from tests.support.usage_figures import cell, put_open
from weir.domain.api_keys import key_hash, masked
from weir.http.wire_values import workspace_id

ABSENT = key_hash("absent")
DAY_MS = 86_400_000


@pytest.fixture
def gateway() -> AccountGateway:
    return AccountGateway()


def test_a_new_key_is_shown_as_openrouter_shows_it(gateway: AccountGateway) -> None:
    wishes = {
        "limit": 50,
        "limit_reset": "monthly",
        "include_byok_in_limit": True,
        "expires_at": "2027-12-31T23:59:59Z",
        "creator_user_id": "user_x",
        "external": {"user": "theirs"},
        "workspace_id": workspace_id(TENANT.tenant_id),
    }

    made = gateway.create(**wishes)

    data = made["data"]
    assert shape(made) == shape(sample("keys_create"))
    assert data["hash"] == key_hash(made["key"])
    assert data["label"] == masked(made["key"])
    assert (data["name"], data["disabled"]) == ("app", False)
    assert {name: data[name] for name in wishes if name != "external"} == {
        name: wish for name, wish in wishes.items() if name != "external"
    }
    assert (data["limit_remaining"], data["external_user"]) == (50, "theirs")
    assert (data["created_at"], data["updated_at"]) == ("2026-11-18T12:00:00Z", None)
    assert (data["usage"], data["usage_daily"]) == (0, 0)


def test_a_key_without_wishes_has_no_limits_and_no_account(gateway: AccountGateway) -> None:
    data = gateway.create()["data"]

    assert [data[name] for name in ("limit", "limit_remaining", "limit_reset", "expires_at")] == [
        None
    ] * 4
    assert list(gateway.ledger.accounts()) == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        {},
        {"name": ""},
        {"name": 7},
        {"name": "x" * 257},
        {"name": "x", "limit": -1},
        {"name": "x", "limit": "5"},
        {"name": "x", "limit": 10**9},
        {"name": "x", "limit_reset": "yearly"},
        {"name": "x", "include_byok_in_limit": 1},
        {"name": "x", "expires_at": "2027-12-31"},
        {"name": "x", "expires_at": "2027-12-31T23:59:59+01:00"},
        {"name": "x", "expires_at": "2027-12-31T23:59Z"},
        {"name": "x", "expires_at": "2027-13-31T23:59:59Z"},
        {"name": "x", "expires_at": "2026-11-18T12:00:00Z"},
        {"name": "x", "external": {}},
        {"name": "x", "workspace_id": workspace_id(TENANT.tenant_id)[:-1]},
    ],
    ids=str,
)
def test_a_key_is_refused_when_a_wish_is_not_clear(gateway: AccountGateway, body: Any) -> None:
    answer = gateway.ask("POST /keys", body=body)

    assert answer.status == answer.body["error"]["code"] == 400
    assert len(gateway.register.stored) == 3


def test_microseconds_and_an_offset_of_nothing_are_utc(gateway: AccountGateway) -> None:
    data = gateway.create(expires_at="2027-12-31T23:59:59.123456+00:00")["data"]

    assert data["expires_at"] == "2027-12-31T23:59:59Z"


def test_one_key_is_shown_and_found_again(gateway: AccountGateway) -> None:
    made = gateway.create(limit=Decimal("0.5").__float__())["data"]

    answer = gateway.ask(f"GET /keys/{made['hash']}")

    assert answer.status == 200
    assert shape(answer.body) == shape(sample("keys_get"))
    assert answer.data == made
    assert answer.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("named", [ABSENT, key_hash(MANAGER), key_hash(STRANGER), "x", "A" * 64])
@pytest.mark.parametrize(
    ("method", "body"),
    [("GET", None), ("PATCH", {"name": "mine"}), ("DELETE", None)],
    ids=["get", "patch", "delete"],
)
def test_what_is_not_the_tenants_to_manage_reads_like_what_does_not_exist(
    gateway: AccountGateway, method: str, body: Any, named: str
) -> None:
    expected = gateway.ask(f"GET /keys/{ABSENT}")

    answer = gateway.ask(f"{method} /keys/{named}", body=body)

    assert (answer.status, answer.text, answer.headers) == (404, expected.text, expected.headers)
    assert len(gateway.register.stored) == 3


def test_a_key_of_another_tenant_cannot_be_rotated(gateway: AccountGateway) -> None:
    made = gateway.create()["data"]["hash"]

    answer = gateway.ask(f"POST /keys/{made}/rotate", key=STRANGER, body={"overlap_seconds": 0})

    assert answer.status == 404


@pytest.mark.parametrize(
    "route",
    [
        "GET /keys",
        "POST /keys",
        f"GET /keys/{ABSENT}",
        f"PATCH /keys/{ABSENT}",
        f"DELETE /keys/{ABSENT}",
        f"POST /keys/{ABSENT}/rotate",
        "GET /credits",
        "GET /activity",
        "GET /usage",
        "GET /usage.csv",
    ],
)
def test_management_is_for_management_keys(gateway: AccountGateway, route: str) -> None:
    answer = gateway.ask(route, key=HOLDER)

    assert answer.status == 403
    assert answer.body["error"]["message"] == "Only management keys can perform this operation"
    assert gateway.ask(route, key=None).status == 401


def test_keys_are_listed_newest_first_in_pages_of_a_hundred(gateway: AccountGateway) -> None:
    names = [f"key {number}" for number in range(120)]
    for name in names:
        gateway.clock.ms += 1
        gateway.create(name=name)

    first, second = gateway.ask("GET /keys").data, gateway.ask("GET /keys", offset="100").data

    assert [key["name"] for key in first + second] == [*names[::-1], "made by the operator"]
    assert (len(first), len(second)) == (100, 21)
    assert shape(gateway.ask("GET /keys").body) == shape(sample("keys_list"))
    assert gateway.ask("GET /keys", offset="121").data == []


def test_disabled_and_expired_keys_are_listed_when_they_are_asked_for(
    gateway: AccountGateway,
) -> None:
    off = gateway.create(name="off")["data"]["hash"]
    gateway.ask(f"PATCH /keys/{off}", body={"disabled": True})
    gateway.create(name="old", expires_at="2026-11-18T12:00:01Z")
    gateway.clock.ms += 1_000

    def names(**query: str) -> set[str]:
        return {key["name"] for key in gateway.ask("GET /keys", **query).data}

    usual = {"made by the operator"}
    assert names() == usual
    assert names(include_disabled="true") == usual | {"off"}
    assert names(include_expired="true") == usual | {"old"}
    assert names(workspace_id=workspace_id(TENANT.tenant_id)) == usual
    assert names(workspace_id="0df9e665-d932-5740-b2c7-b52af166bc11") == set()


@pytest.mark.parametrize(
    "query",
    [{"offset": "-1"}, {"offset": "x"}, {"offset": "1e3"}, {"include_disabled": "maybe"}],
    ids=str,
)
def test_the_list_is_refused_when_the_query_is_not_clear(
    gateway: AccountGateway, query: dict[str, str]
) -> None:
    assert gateway.ask("GET /keys", **query).status == 400


def test_a_change_keeps_what_it_does_not_name_and_clears_what_is_null(
    gateway: AccountGateway,
) -> None:
    made = gateway.create(limit=5, limit_reset="weekly")["data"]

    renamed = gateway.ask(f"PATCH /keys/{made['hash']}", body={"name": "new"}).data
    freed = gateway.ask(f"PATCH /keys/{made['hash']}", body={"limit": None}).data
    total = gateway.ask(f"PATCH /keys/{made['hash']}", body={"limit": 7, "limit_reset": None}).data

    assert (renamed["name"], renamed["limit"], renamed["limit_reset"]) == ("new", 5, "weekly")
    assert renamed["updated_at"] == "2026-11-18T12:00:00Z"
    assert (freed["name"], freed["limit"], freed["limit_remaining"]) == ("new", None, None)
    assert freed["limit_reset"] == "weekly"
    assert (total["limit"], total["limit_remaining"], total["limit_reset"]) == (7, 7, None)


@pytest.mark.parametrize(
    "body", [{"name": ""}, {"disabled": "yes"}, {"limit": -1}, {"workspace_id": "x"}, "nothing"]
)
def test_a_change_is_refused_when_it_is_not_clear(gateway: AccountGateway, body: Any) -> None:
    made = gateway.create()["data"]["hash"]

    assert gateway.ask(f"PATCH /keys/{made}", body=body).status == 400


def test_a_limit_counts_what_the_key_has_spent_before_it(gateway: AccountGateway) -> None:
    made = gateway.create()["data"]["hash"]
    put_open(gateway.rollups, "2026-11-18", cell(key_id=made[:8]), 2 * 10**9)

    data = gateway.ask(f"PATCH /keys/{made}", body={"limit": 5, "limit_reset": "daily"}).data

    assert (data["usage"], data["limit"], data["limit_remaining"]) == (2, 5, 3)


def test_a_deleted_key_is_refused(gateway: AccountGateway) -> None:
    made = gateway.create()

    answer = gateway.ask(f"DELETE /keys/{made['data']['hash']}")

    assert (answer.status, answer.body) == (200, sample("keys_delete"))
    assert gateway.ask("GET /key", key=made["key"]).status == 401
