"""The catalogue of the deployed functions, for clients nobody here wrote, and without upstream."""

import json
import os
import signal
import time
import zlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import openai
import pytest
import requests
from openrouter import OpenRouter, errors

from local.seed import issue_key, seed_tenant
from local.stack import LocalStack
from tests.support.stacks import echo_stack, simulator, wait_until
from weir.adapters.catalogue_copies import object_key
from weir.domain.api_keys import KeyKind
from weir.domain.catalogue import MODELS
from weir.domain.policies import Policy
from weir.domain.price_plans import PricePlan
from weir.domain.tenants import TenantId

MODEL = "weir/echo"


def client_of(stack: LocalStack, key: str | None = None) -> OpenRouter:
    return OpenRouter(api_key=key or stack.api_key, server_url=stack.base_url)


def get(stack: LocalStack, path: str, *, key: str | None = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return requests.get(f"{stack.base_url}{path}", headers=headers, timeout=30)


def key_of(stack: LocalStack, name: str, **policy: Any) -> str:
    tenant = seed_tenant(
        stack.books, tenant_id=TenantId(f"catalogue-{name}"), credit_usd=1, **policy
    )
    return issue_key(stack.books, tenant, kind=KeyKind.INFERENCE, label=name)


def test_openrouter_reads_every_part_of_the_catalogue(stack: LocalStack) -> None:
    with client_of(stack) as client:
        page: Any = client.models.list()
        own: Any = client.models.list_for_user(security={"bearer": stack.api_key})
        count = client.models.count()
        model = client.models.get(author="weir", slug="echo:nitro")
        endpoints = client.endpoints.list(author="weir", slug="echo")
        zdr = client.endpoints.list_zdr_endpoints()
        providers = client.providers.list()

    listed = [found.id for found in page.result.data]
    assert MODEL in listed
    assert [found.id for found in own.result.data] == listed
    assert page.result.total_count == count.data.count == len(listed)
    assert model.data.id == MODEL
    assert endpoints.data.endpoints[0].model_id == MODEL
    assert MODEL in {endpoint.model_id for endpoint in zdr.data}
    assert [provider.slug for provider in providers.data] == ["weir-simulator"]


def test_openrouter_pages_through_all_models(stack: LocalStack) -> None:
    found, pages = [], 0
    with client_of(stack) as client:
        page: Any = client.models.list(limit=7)
        while page is not None:
            pages += 1
            found += [model.id for model in page.result.data]
            page = page.next()

    everything = get(stack, "/models").json()
    assert found == [model["id"] for model in everything["data"]]
    assert pages > 2


def test_openai_lists_the_models(stack: LocalStack) -> None:
    with openai.OpenAI(base_url=stack.base_url, api_key=stack.api_key, max_retries=0) as client:
        assert MODEL in {model.id for model in client.models.list()}
        assert get(stack, "/models?limit=1&offset=1").json()["total_count"] > 1


def test_prices_are_those_of_the_callers_plan(stack: LocalStack) -> None:
    key = key_of(stack, "dear", plan=PricePlan(version=1, multiplier_ppm=1_500_000))

    (upstreams,) = get(stack, "/models?q=weir/echo:slow").json()["data"]
    (own,) = get(stack, "/models?q=weir/echo:slow", key=key).json()["data"]

    for name in ("prompt", "completion"):
        price = Decimal(upstreams["pricing"][name])
        assert Decimal(own["pricing"][name]) == price * Decimal("1.5")


def test_a_tenants_own_models_are_those_of_its_policy(stack: LocalStack) -> None:
    named = key_of(stack, "named", policy=Policy(models=("weir/*",)))
    provided = key_of(stack, "provided", policy=Policy(providers=("weir-simulator",), zdr=True))
    nothing = key_of(stack, "nothing", policy=Policy(providers=("openai",)))

    def own(key: str) -> set[str]:
        return {model["id"] for model in get(stack, "/models/user", key=key).json()["data"]}

    assert own(named) == own(provided) == {
        "weir/echo", "weir/echo:slow", "weir/echo:free", "weir/smollm2-135m",
    }  # fmt: skip
    assert own(nothing) == set()
    assert get(stack, "/models/user").status_code == 401


def test_openrouter_raises_its_own_errors(stack: LocalStack) -> None:
    with client_of(stack) as client, pytest.raises(errors.NotFoundResponseError):
        client.models.get(author="no", slug="such")
    with client_of(stack) as client, pytest.raises(errors.BadRequestResponseError):
        client.models.list(region="eu")


@pytest.mark.parametrize(
    "path",
    ["/model/no/such", "/model/../keys", "/model/a/%2e%2e", "/models/a/b%2fc/endpoints",
     "/models/a/b%3fx=1/endpoints", "/model/%00/x", "/model/a/b%23c"],
)  # fmt: skip
def test_nothing_of_a_path_reaches_upstream_unless_it_is_a_models_name(
    stack: LocalStack, path: str
) -> None:
    before = len(simulator(stack).requests)
    request = requests.Request("GET", "http://unused").prepare()
    request.url = stack.base_url + path  # as it is, without normalising

    with requests.Session() as session:
        answer = session.send(request, timeout=30)

    asked = [received.path for received in simulator(stack).requests[before:]]
    assert answer.status_code == 404
    assert set(answer.json()["error"]) == {"code", "message"}
    assert [each for each in asked if each != "/api/v1/model/no/such"] == [
        each for each in asked if each == "/api/v1/models?output_modalities=all"
    ]


def test_a_cold_function_answers_without_upstream_and_says_how_old_its_word_is(
    tmp_path: Path,
) -> None:
    with echo_stack(tmp_path) as stack:
        assert get(stack, "/models").headers["Age"] == "0"
        storage = stack.aws.client("s3")
        place = {"Bucket": stack.deployment.physical_ids["AnswersBucket"]}
        place["Key"] = object_key(MODELS)
        stored = json.loads(zlib.decompress(storage.get_object(**place)["Body"].read()))
        stored["read_ms"] -= 3_600_000
        storage.put_object(**place, Body=zlib.compress(json.dumps(stored).encode()))
        simulator(stack).stop()
        _kill(stack)

        started_s = time.monotonic()
        stale = get(stack, "/models?limit=1")
        unknown = get(stack, "/providers")

        assert (stale.status_code, len(stale.json()["data"])) == (200, 1)
        assert 3_600 <= int(stale.headers["Age"]) < 3_700
        assert (unknown.status_code, unknown.headers["Retry-After"]) == (503, "10")
        assert unknown.json()["error"]["code"] == 503
        assert time.monotonic() - started_s < 25


def _kill(stack: LocalStack) -> None:
    victims = set(stack.gateway.worker_pids("CatalogFunction"))
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not victims & set(stack.gateway.worker_pids("CatalogFunction")))
