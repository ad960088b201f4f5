"""What the operator's routes refuse, each in words that name what is wrong."""

from typing import Any

import pytest

from tests.support.operator_gateway import OperatorGateway
from weir.http.tenant_wishes import MAX_BYTES


@pytest.fixture
def gateway() -> OperatorGateway:
    made = OperatorGateway()
    made.data("POST /tenants", {"id": "acme"})
    return made


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "body.id is required"),
        ({"id": "Acme"}, "body.id must be 1 to 63 of a-z"),
        ({"id": "a" * 64}, "body.id must be a string of at most 63"),
        ({"id": "a", "lanes": 0}, "body.lanes must be an integer from 1 to 96"),
        ({"id": "a", "lanes": 97}, "body.lanes must be an integer from 1 to 96"),
        ({"id": "a", "status": "active"}, 'body has no member "status" that could be set'),
        ({"id": "a", "créd\n": 1}, 'body has no member "cr?d?"'),
    ],
)
def test_a_new_tenant_is_refused_in_words_that_name_the_field(
    gateway: OperatorGateway, body: Any, told: str
) -> None:
    answer = gateway.ask("POST /tenants", body)

    assert (answer.status, answer.body["error"]["code"]) == (400, 400)
    assert told in answer.body["error"]["message"]
    assert list(gateway.tenants.profiles) == ["acme"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"name": ""}, "body.name must be a non-empty string of at most 256"),
        ({"status": "closed"}, 'body.status must be one of "active", "suspended"'),
        ({"status": None}, "body.status must be one of"),
        ({"lanes": 2}, 'body has no member "lanes"'),
        ({"credits": {"total": 1}}, 'body has no member "credits"'),
        ({"default_max_tokens": 0}, "body.default_max_tokens must be an integer from 1"),
        ({"prompt_bound": "loose"}, "body.prompt_bound must be one of"),
        ({"unpriced_hold": -1}, "body.unpriced_hold must be a number from 0"),
        ({"unpriced_hold": 0.0000000001}, "body.unpriced_hold must be a number of at most 9"),
        ({"limits": 5}, "body.limits must be an object"),
        ({"limits": {"rpm": 5}}, 'body.limits has no member "rpm"'),
        ({"limits": {"in_flight": 1.5}}, "body.limits.in_flight must be an integer"),
        ({"limits": {"spend": "5"}}, "body.limits.spend must be a number"),
        ({"limits": {"reset": "yearly"}}, "body.limits.reset must be one of"),
        ({"end_user_limits": {"in_flight": -1}}, "body.end_user_limits.in_flight"),
        ({"price_plan": {"version": 3}}, 'body.price_plan has no member "version"'),
        ({"price_plan": {"multiplier": 1.0000001}}, "body.price_plan.multiplier must be a number"),
        ({"price_plan": {"multiplier": 101}}, "body.price_plan.multiplier must be a number"),
        ({"price_plan": {"models": []}}, "body.price_plan.models must be an object"),
        ({"price_plan": {"models": {"a b": 1}}}, 'models has the name "a b"'),
        ({"price_plan": {"models": {"": 1}}}, 'models has the name ""'),
        ({"price_plan": {"models": {"a/b": "1"}}}, "body.price_plan.models.a/b must be a number,"),
        ({"price_plan": {"models": {"a/b": {"prompt": 1}}}}, "a/b.completion is required"),
        (
            {"price_plan": {"models": {"a/b": {"prompt": 1e-13, "completion": 0}}}},
            "body.price_plan.models.a/b.prompt must be a number of at most 12 decimals",
        ),
        ({"policy": {"models": "a/b"}}, "body.policy.models must be an array"),
        ({"policy": {"models": ["A/b"]}}, "body.policy.models[0] must be a model's name"),
        ({"policy": {"providers": ["open ai"]}}, "body.policy.providers[0] must be a provider's"),
        ({"policy": {"data_collection": "some"}}, "body.policy.data_collection must be one of"),
        ({"policy": {"zdr": 1}}, "body.policy.zdr must be a boolean"),
        ({"policy": {"max_tokens": 0}}, "body.policy.max_tokens must be an integer"),
        ({"policy": {"modles": []}}, 'body.policy has no member "modles"'),
    ],
)
def test_a_change_is_refused_in_words_that_name_the_field(
    gateway: OperatorGateway, body: Any, told: str
) -> None:
    before = gateway.data("GET /tenants/acme")

    answer = gateway.ask("PATCH /tenants/acme", body)

    assert answer.status == 400
    assert told in answer.body["error"]["message"]
    assert gateway.data("GET /tenants/acme") == before


@pytest.mark.parametrize("name", MAX_BYTES)
def test_a_member_is_refused_when_it_would_not_fit_into_the_log(
    gateway: OperatorGateway, name: str
) -> None:
    names = {f"m/{number}".ljust(256, "x"): 1 for number in range(400)}
    members = {"policy": {"models": list(names)}, "price_plan": {"models": names}}

    answer = gateway.ask("PATCH /tenants/acme", {name: members[name]})

    assert answer.status == 400
    assert f"body.{name} must be at most {MAX_BYTES[name]} bytes" in answer.text


def test_more_models_than_a_plan_takes_are_refused(gateway: OperatorGateway) -> None:
    models = {f"m/{number}": 1 for number in range(501)}

    answer = gateway.ask("PATCH /tenants/acme", {"price_plan": {"models": models}})

    assert (answer.status, "an object of at most 500 models" in answer.text) == (400, True)


@pytest.mark.parametrize(
    "grant",
    [
        {"amount": 0, "reference": "r"},
        {"amount": -1, "reference": "r"},
        {"amount": 1e-10, "reference": "r"},
        {"amount": 1_000_000_000, "reference": "r"},
        {"amount": "1", "reference": "r"},
        {"amount": 1, "reference": ""},
        {"amount": 1, "reference": "r" * 257},
        {"amount": 1},
        {"amount": 1, "reference": "r", "currency": "EUR"},
    ],
)
def test_a_grant_is_refused_when_it_cannot_be_meant(gateway: OperatorGateway, grant: Any) -> None:
    assert gateway.ask("POST /tenants/acme/credits", grant).status == 400
    assert gateway.data("GET /tenants/acme/credits")["grants"] == []


@pytest.mark.parametrize(
    ("route", "query"),
    [
        ("GET /tenants", {"limit": "0"}),
        ("GET /tenants", {"limit": "101"}),
        ("GET /tenants", {"cursor": "-"}),
        ("GET /tenants", {"cursor": "x" * 65}),
        ("GET /tenants/acme/audit", {"cursor": "acme"}),
        ("GET /tenants/acme/audit", {"limit": "many"}),
        ("GET /tenants/acme/keys", {"offset": "-1"}),
    ],
)
def test_a_page_is_refused_when_its_place_is_none(
    gateway: OperatorGateway, route: str, query: dict[str, str]
) -> None:
    assert gateway.ask(route, **query).status == 400


@pytest.mark.parametrize("named", ["other", "Acme", "a%2Fb", "x" * 64, "acme#0"])
@pytest.mark.parametrize(
    "route",
    [
        "GET /tenants/{}",
        "PATCH /tenants/{}",
        "DELETE /tenants/{}",
        "GET /tenants/{}/credits",
        "POST /tenants/{}/credits",
        "GET /tenants/{}/keys",
        "POST /tenants/{}/keys",
        "GET /tenants/{}/audit",
        "PATCH /tenants/{}/keys/" + "0" * 64,
        "DELETE /tenants/{}/keys/" + "0" * 64,
    ],
)
def test_a_tenant_that_is_not_there_is_a_404(
    gateway: OperatorGateway, route: str, named: str
) -> None:
    body = {"amount": 1, "reference": "r"} if "credits" in route else {"name": "x"}

    answer = gateway.ask(route.format(named), body)

    assert (answer.status, answer.body["error"]["message"]) == (404, "Tenant not found")


@pytest.mark.parametrize(
    "wish",
    [{"name": "x"}, {"kind": "inference"}, {"name": "x", "kind": "operator"}],
    ids=["no kind", "no name", "other kind"],
)
def test_a_key_needs_a_name_and_a_kind(gateway: OperatorGateway, wish: Any) -> None:
    assert gateway.ask("POST /tenants/acme/keys", wish).status == 400
