"""The catalogue as a caller sees it: its plan's prices, its policy's models, what it asked for."""

from typing import Any

import pytest

from tests.support.catalogue_values import (
    FakeLeases,
    FakeShared,
    FakeSource,
    contents,
    make_endpoint,
    make_model,
    model_topic,
    selection,
)
from tests.support.fakes import FakeClock
from weir.adapters.catalogue_copies import CatalogueMemory
from weir.domain.catalogue import FRESH_MS, Subject, Topic
from weir.domain.errors import InvalidRequestError, NotFoundError, ProviderError
from weir.domain.model_queries import ModelQuery, Order
from weir.domain.policies import ANYTHING, Policy
from weir.domain.price_plans import AT_COST, PricePlan
from weir.services.catalogue import DEADLINE_MS, Catalogue, Listing
from weir.services.catalogue_copies import CatalogueCopies

DOUBLE = PricePlan(version=1, multiplier_ppm=2_000_000)
PROVIDERS = {"openai": "OpenAI", "deepinfra": "DeepInfra"}
NAMES = ("openai/gpt", "meta/llama", "meta/llama:free", "~openai/latest")


def models() -> list[dict[str, Any]]:
    target = {"slug": "openai/gpt", "name": "GPT"}
    return [
        *(make_model(name, created=place) for place, name in enumerate(NAMES[:3])),
        make_model(NAMES[3], alias_target=target, created=3),
    ]


def make(**known: Any) -> tuple[Catalogue, FakeSource]:
    clock = FakeClock()
    source = FakeSource(contents=contents(models(), providers=PROVIDERS, **known), clock=clock)
    copies = CatalogueCopies(
        memory=CatalogueMemory(clock=clock),
        shared=FakeShared(),
        source=source,
        leases=FakeLeases(),
        clock=clock,
    )
    return Catalogue(copies=copies, clock=clock), source


def ids(found: Listing) -> list[str]:
    return [entry["id"] for entry in found.entries]


def allowed(policy: Policy, *, selected: dict[Topic, Any] | None = None, **known: Any) -> list[str]:
    catalogue, source = make(**known)
    source.contents |= selected or {}
    return ids(catalogue.models(ModelQuery(), plan=AT_COST, policy=policy))


def test_all_models_are_listed_in_upstreams_order_when_nothing_is_asked() -> None:
    catalogue, source = make()

    found = catalogue.models(ModelQuery(), plan=AT_COST)

    assert (ids(found), found.total) == (list(NAMES), 4)
    assert source.deadlines_ms == [source.clock.ms + 8_000]
    assert DEADLINE_MS > 8_000


def test_a_page_is_cut_after_filter_and_order() -> None:
    catalogue, _ = make()
    query = ModelQuery(offset=1, limit=2, order=Order.NEWEST, text="a")

    found = catalogue.models(query, plan=AT_COST)

    assert (ids(found), found.total) == (["meta/llama:free", "meta/llama"], 4)


def test_prices_and_the_filter_by_price_go_by_the_callers_plan() -> None:
    catalogue, _ = make()

    found = catalogue.models(ModelQuery(), plan=DOUBLE)
    single = catalogue.model("openai", "gpt", plan=DOUBLE)

    assert found.entries[0]["pricing"] == {"prompt": "0.0000003", "completion": "0.0000012"}
    assert single.entries == [found.entries[0]]


def test_a_policys_models_are_listed_without_aliases_that_it_does_not_name() -> None:
    assert allowed(Policy(models=("openai/*",))) == ["openai/gpt"]
    assert allowed(Policy(models=("~openai/latest",))) == ["~openai/latest"]
    assert allowed(Policy(models=("meta/llama:free",))) == ["meta/llama:free"]
    assert allowed(ANYTHING) == list(NAMES)


def test_a_policys_providers_are_asked_for_at_once_by_their_names() -> None:
    found = allowed(
        Policy(providers=("openai", "deepinfra/fp8", "nobody")),
        selected={selection("providers", "DeepInfra,OpenAI"): ["openai/gpt", "other/model"]},
    )

    assert found == ["openai/gpt", "~openai/latest"]


@pytest.mark.parametrize("providers", [(), ("nobody",)])
def test_no_model_is_listed_when_no_provider_is_allowed(providers: tuple[str, ...]) -> None:
    assert allowed(Policy(providers=providers)) == []


def test_models_with_zero_retention_are_those_an_allowed_provider_has() -> None:
    zdr = [make_endpoint("openai/gpt"), make_endpoint("meta/llama", tag="deepinfra/fp8")]
    selected = {selection("providers", "OpenAI"): list(NAMES)}

    assert allowed(Policy(zdr=True), zdr=zdr) == ["openai/gpt", "meta/llama", "~openai/latest"]
    both = Policy(zdr=True, providers=("openai",))
    assert allowed(both, zdr=zdr, selected=selected) == ["openai/gpt", "~openai/latest"]


def test_filters_that_only_upstream_knows_are_its_own() -> None:
    catalogue, source = make(zdr=[make_endpoint("meta/llama")])
    source.contents |= {
        selection("providers", "OpenAI"): ["openai/gpt"],
        selection("providers", "DeepInfra"): ["meta/llama", "meta/llama:free"],
        selection("region", "eu"): ["meta/llama", "openai/gpt"],
        selection("sort", "most-popular"): ["~openai/latest", "meta/llama:free"],
    }

    def asked(**query: Any) -> list[str]:
        return ids(catalogue.models(ModelQuery(**query), plan=AT_COST))

    assert asked(providers=("deepinfra", "openai")) == list(NAMES)
    assert asked(providers=("DeepInfra",)) == ["meta/llama", "meta/llama:free"]
    assert asked(zdr=True) == ["meta/llama"]
    assert asked(selections={"region": "eu"}, text="llama") == ["meta/llama"]
    assert asked(selections={"sort": "most-popular"}) == [
        "~openai/latest", "meta/llama:free", "openai/gpt", "meta/llama",
    ]  # fmt: skip


def test_a_provider_that_is_not_there_is_named() -> None:
    catalogue, _ = make()

    with pytest.raises(InvalidRequestError, match="there is no provider 'nobody'"):
        catalogue.models(ModelQuery(providers=("nobody", "openai")), plan=AT_COST)


def test_a_model_that_is_not_listed_is_asked_for() -> None:
    catalogue, source = make()
    source.contents[model_topic("openai/gpt:nitro")] = make_model("openai/gpt")

    assert ids(catalogue.model("openai", "gpt:nitro", plan=AT_COST)) == ["openai/gpt"]
    with pytest.raises(NotFoundError) as absent:
        catalogue.model("no", "such", plan=AT_COST)
    with pytest.raises(NotFoundError) as malformed:
        catalogue.endpoints("..", "keys", plan=AT_COST)

    assert absent.value.message == malformed.value.message
    assert [topic.name for topic in source.asked] == ["", "openai/gpt:nitro", "no/such"]


def test_endpoints_have_the_prices_of_their_model() -> None:
    catalogue, source = make(zdr=[make_endpoint("openai/gpt")])
    model = make_model("openai/gpt", endpoints=[make_endpoint("openai/gpt")])
    source.contents[model_topic("openai/gpt", Subject.ENDPOINTS)] = model

    (found,) = catalogue.endpoints("openai", "gpt", plan=DOUBLE).entries
    (endpoint,) = catalogue.zdr(plan=DOUBLE).entries

    assert found["endpoints"] == [endpoint]
    assert endpoint["pricing"]["prompt"] == "0.0000003"


def test_providers_are_upstreams() -> None:
    catalogue, _ = make()

    assert [row["slug"] for row in catalogue.providers().entries] == ["openai", "deepinfra"]


def test_an_answer_is_as_old_as_the_oldest_thing_it_is_made_of() -> None:
    catalogue, source = make(zdr=[make_endpoint("openai/gpt")])
    first_ms = source.clock.ms
    catalogue.zdr(plan=AT_COST)
    source.clock.ms += FRESH_MS - 1

    assert catalogue.models(ModelQuery(), plan=AT_COST).read_ms == first_ms + FRESH_MS - 1
    assert catalogue.models(ModelQuery(zdr=True), plan=AT_COST).read_ms == first_ms


def test_there_is_no_catalogue_when_upstream_never_answered() -> None:
    catalogue, source = make()
    source.failure = ProviderError("down", cost_is_zero=True)

    with pytest.raises(ProviderError) as caught:
        catalogue.models(ModelQuery(), plan=AT_COST)

    assert caught.value.status == 503


def test_an_alias_target_that_cannot_be_read_is_none() -> None:
    catalogue, source = make()
    source.contents |= contents([make_model("~a/b", alias_target="broken"), make_model("a/b")])

    found = catalogue.models(ModelQuery(), plan=AT_COST, policy=Policy(models=("a/*",)))

    assert ids(found) == ["a/b"]
