"""The catalogue on the wire: bodies that the official client takes, paging, age, whose prices."""

import json
from dataclasses import replace
from typing import Any

import pytest
from openrouter import components

from tests.support.catalogue_values import (
    FakeLeases,
    FakeShared,
    FakeSource,
    contents,
    make_endpoint,
    make_model,
    model_topic,
)
from tests.support.fakes import TENANT, FakeClock, FakeJournal, FakeKeys, make_key
from weir.adapters.catalogue_copies import CatalogueMemory
from weir.domain.api_keys import ApiKey, KeyKind, key_hash, mint
from weir.domain.catalogue import FRESH_MS, PROVIDERS, Subject
from weir.domain.errors import ProviderError
from weir.domain.policies import Policy
from weir.domain.price_plans import PricePlan
from weir.http.access import Access, Gate
from weir.http.catalogue import CatalogueEndpoints
from weir.http.events import ProxyEvent
from weir.http.routes import Routes
from weir.services.catalogue import Catalogue
from weir.services.catalogue_copies import CatalogueCopies

KEY = mint(random=bytes(28))
DOUBLE = PricePlan(version=1, multiplier_ppm=2_000_000)
MODELS = "/api/v1/models"
MODEL = "/api/v1/model/{author}/{slug}"
ENDPOINTS = "/api/v1/models/{author}/{slug}/endpoints"
BARE = {"id": "maker/bare", "created": 1, "architecture": {}, "pricing": {}, "description": None}


class Front:
    """The routes of the catalogue over an upstream that has three models."""

    def __init__(self, *, policy: Policy | None = None, plan: PricePlan = DOUBLE) -> None:
        self.clock = FakeClock()
        known = contents(
            [make_model(f"maker/model-{number}") for number in range(3)],
            providers={"openai": "OpenAI"},
            zdr=[make_endpoint()],
        )
        model = make_model(endpoints=[make_endpoint()])
        known[model_topic("maker/model", Subject.ENDPOINTS)] = model
        self.source = FakeSource(contents=known, clock=self.clock)
        copies = CatalogueCopies(
            memory=CatalogueMemory(clock=self.clock),
            shared=FakeShared(),
            source=self.source,
            leases=FakeLeases(),
            clock=self.clock,
        )
        self.endpoints = CatalogueEndpoints(catalogue=Catalogue(copies=copies, clock=self.clock))
        tenant = replace(TENANT, plan=plan, policy=policy or Policy())
        self.key = make_key(key_hash=key_hash(KEY), tenant=tenant)

    def ask(
        self,
        resource: str = MODELS,
        *,
        bearer: str | None = None,
        query: dict[str, str] | None = None,
        key: ApiKey | None = None,
        **path: str,
    ) -> tuple[int, dict[str, str], Any]:
        event: ProxyEvent = {
            "httpMethod": "GET",
            "resource": resource,
            "headers": {"Authorization": f"Bearer {bearer}"} if bearer else None,
            "pathParameters": path or None,
            "queryStringParameters": query,
        }
        routes = Routes(
            table=self.endpoints.table(),
            gate=Gate(keys=FakeKeys({key_hash(KEY): key or self.key}), key_prefix="sk-weir-v1-"),
            clock=self.clock,
            journal=FakeJournal(),
        )
        result = routes.respond(event, request_id="request-1")
        return result["statusCode"], dict(result["headers"]), json.loads(result["body"])


def test_all_but_the_callers_own_models_are_open() -> None:
    table = Front().endpoints.table()

    assert {name for name, route in table.items() if route.access is Access.ANY} == {
        "GET /api/v1/models/user"
    }
    assert {route.access for route in table.values()} == {Access.OPTIONAL, Access.ANY}


def test_the_list_is_whole_when_no_page_is_asked_for() -> None:
    status, headers, body = Front().ask()

    assert status == 200
    assert list(body) == ["data", "links", "total_count"]
    assert len(body["data"]) == body["total_count"] == 3
    assert body["links"] == {"next": None}
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"].startswith("public")
    assert headers["Vary"] == "Authorization"


def test_pages_lead_to_each_other_until_the_last() -> None:
    front = Front()

    _, _, first = front.ask(query={"limit": "2", "q": "maker/model"})
    _, _, last = front.ask(query={"limit": "2", "offset": "2"})
    _, _, beyond = front.ask(query={"offset": "3"})

    assert len(first["data"]) == 2
    assert first["links"]["next"] == "/api/v1/models?limit=2&q=maker%2Fmodel&offset=2"
    assert (len(last["data"]), last["links"]["next"], last["total_count"]) == (1, None, 3)
    assert (beyond["data"], beyond["total_count"]) == ([], 3)


def test_prices_are_the_callers_own_when_a_key_is_sent() -> None:
    front = Front()

    _, _, anonymous = front.ask()
    status, headers, own = front.ask(bearer=KEY)

    assert anonymous["data"][0]["pricing"]["prompt"] == "0.00000015"
    assert own["data"][0]["pricing"]["prompt"] == "0.0000003"
    assert (status, headers["Cache-Control"]) == (200, "private, no-store")


@pytest.mark.parametrize("bearer", ["sk-wrong", KEY[:-1] + "0"])
def test_a_key_that_is_not_good_is_refused_although_none_is_needed(bearer: str) -> None:
    status, _, body = Front().ask(bearer=bearer)

    assert (status, body["error"]["code"]) == (401, 401)


def test_a_callers_own_models_are_those_of_its_policy() -> None:
    front = Front(policy=Policy(models=("maker/model-1", "maker/model-2")))
    resource = f"{MODELS}/user"

    assert front.ask(resource)[0] == 401
    status, headers, body = front.ask(resource, bearer=KEY, query={"limit": "1"})
    assert (status, body["total_count"]) == (200, 2)
    assert body["data"][0]["id"] == "maker/model-1"
    assert body["links"]["next"] == "/api/v1/models/user?limit=1&offset=1"
    assert headers["Cache-Control"] == "private, no-store"
    manager = replace(front.key, kind=KeyKind.MANAGEMENT)
    assert front.ask(resource, bearer=KEY, key=manager)[0] == 200
    assert front.ask(bearer=KEY)[2]["total_count"] == 3


def test_models_are_counted() -> None:
    front = Front()

    assert front.ask(f"{MODELS}/count")[2] == {"data": {"count": 3}}
    assert front.ask(f"{MODELS}/count", query={"output_modalities": "image"})[2] == {
        "data": {"count": 0}
    }


def test_a_model_is_described_when_its_colon_is_escaped() -> None:
    front = Front()
    front.source.contents[model_topic("maker/model-1:free")] = make_model("maker/model-1:free")

    for slug in ("model-1:free", "model-1%3Afree"):
        status, _, body = front.ask(MODEL, author="maker", slug=slug)
        assert (status, body["data"]["id"]) == (200, "maker/model-1:free")


@pytest.mark.parametrize("resource", [MODEL, ENDPOINTS])
@pytest.mark.parametrize(
    ("author", "slug"), [("no", "such"), ("..", "keys"), ("a", "b?c"), ("a", "b%2F..%2Fkey")]
)
def test_a_model_that_is_not_there_reads_like_one_that_cannot_be(
    resource: str, author: str, slug: str
) -> None:
    status, _, body = Front().ask(resource, author=author, slug=slug)

    assert (status, body) == (404, {"error": {"code": 404, "message": "Model not found"}})


def test_an_answer_says_how_old_it_is_when_upstream_is_down() -> None:
    front = Front()
    assert front.ask()[1]["Age"] == "0"
    front.source.failure = ProviderError("down", cost_is_zero=True)
    front.clock.ms += FRESH_MS + 90_999

    status, headers, body = front.ask()

    assert (status, headers["Age"], body["total_count"]) == (200, "690", 3)


def test_there_is_a_time_to_ask_again_when_there_is_no_copy() -> None:
    front = Front()
    front.source.failure = ProviderError("down", cost_is_zero=True)

    status, headers, body = front.ask()

    assert (status, body["error"]["code"], headers["Retry-After"]) == (503, 503, "10")


def test_a_filter_that_cannot_be_honoured_is_refused() -> None:
    status, _, body = Front().ask(query={"use_rss": "true"})

    assert (status, "use_rss" in body["error"]["message"]) == (400, True)


def test_members_that_nobody_here_knows_pass_in_their_places() -> None:
    front = Front()
    model = make_model("maker/new", tomorrow={"price": 0.1}, benchmarks=None)
    front.source.contents |= contents([model])

    (shown,) = front.ask()[2]["data"]

    assert list(shown) == [name for name in model if name != "benchmarks"]
    assert shown["tomorrow"] == {"price": 0.1}


def test_the_official_client_takes_entries_that_lack_what_it_requires() -> None:
    front = Front()
    endpoint = {**make_endpoint(), "status": None, "pricing": {"prompt": "0", "completion": "0"}}
    bare = {**BARE, "architecture": {"modality": None, "tokenizer": None,
            "input_modalities": [], "output_modalities": ["text"]},
            "pricing": {"prompt": "0", "completion": "0", "image": None}}  # fmt: skip
    front.source.contents |= contents([bare], zdr=[endpoint])
    front.source.contents[model_topic("maker/bare", Subject.ENDPOINTS)] = {
        **bare, "endpoints": [endpoint],
    }  # fmt: skip
    front.source.contents[PROVIDERS] = [{"name": "OpenAI", "slug": "openai"}]

    model = front.ask()[2]["data"][0]
    described = front.ask(ENDPOINTS, author="maker", slug="bare")[2]["data"]
    zdr = front.ask("/api/v1/endpoints/zdr")[2]["data"][0]
    provider = front.ask("/api/v1/providers")[2]["data"][0]

    assert "description" not in model
    assert "tokenizer" not in model["architecture"]
    assert "image" not in model["pricing"]
    assert "status" not in zdr
    assert provider["privacy_policy_url"] is None
    assert components.Model.model_validate(model).id == "maker/bare"
    assert components.ListEndpointsResponse.model_validate(described).description == ""
    assert components.PublicEndpoint.model_validate(zdr).tag == "openai"


def test_entries_of_another_shape_pass_as_they_are() -> None:
    front = Front()
    odd = {"id": "maker/odd", "architecture": None, "pricing": None}
    front.source.contents |= contents([odd])
    front.source.contents[model_topic("maker/odd", Subject.ENDPOINTS)] = {**odd, "endpoints": []}

    assert front.ask(query={"output_modalities": "all"})[2]["data"][0]["pricing"] is None
    assert front.ask(ENDPOINTS, author="maker", slug="odd")[2]["data"]["architecture"] is None
