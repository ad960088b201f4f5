"""Every way around a policy is refused by name; what it allows goes on, with what it forces."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.http.chat_bodies import MINIMAL, TENANT, body, parts, read
from tests.unit.http.policy_bodies import (
    ALL,
    DENY,
    IMAGE,
    MODELS,
    OTHER,
    PDF,
    PROVIDERS,
    TEXT,
    TOKENS,
    ZDR,
    native_parser,
    plugin,
    provider_of,
    refused,
    tool,
)
from weir.domain.policies import DataCollection, Policy


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"model": OTHER}, "model"),
        ({"model": "openai/gpt-4o"}, "model"),
        ({"model": "OPENAI/GPT-4O"}, "model"),
        ({"model": "meta/llama"}, "model"),
        ({"model": "meta/llama:nitro"}, "model"),
        ({"model": "openai/gpt-4o-mini:unheard-of"}, "model"),
        ({"model": "~openai/gpt-latest"}, "model"),
        ({"model": "~maker/latest"}, "model"),
        ({"model": "openrouter/auto"}, "model"),
        ({"model": "openrouter/free"}, "model"),
        ({"model": "openrouter/fusion"}, "model"),
        ({"model": "gpt-4o-mini"}, "model"),
        ({"model": "auto"}, "model"),
        ({"model": "@preset/mine"}, "model"),
        ({"model": "openai/gpt-4o-mini@preset/mine"}, "model"),
        ({"model": "maker/@preset/mine"}, "model"),
        ({"model": "maker/../rival/other"}, "model"),
        ({"model": "maker/model/../../rival/other"}, "model"),
        (plugin("web", model="maker/m\u043edel"), "plugins[0].model"),
        (plugin("web", model="ma\u212aer/model"), "plugins[0].model"),
        ({"model": " openai/gpt-4o-mini"}, "model"),
        ({"models": [OTHER]}, "models"),
        ({"models": ["maker/one", OTHER]}, "models"),
        ({"model": ..., "models": ["maker/one", "maker/two", OTHER]}, "models"),
        ({"model": None, "models": [OTHER]}, "models"),
        ({"models": ["@preset/mine"]}, "models"),
        (plugin("auto-router"), "plugins[0]"),
        (plugin("auto-router", allowed_models=["openai/gpt-4o-mini"]), "plugins[0]"),
        (plugin("auto-beta-router"), "plugins[0]"),
        (plugin("pareto-router"), "plugins[0]"),
        (plugin("web", model=OTHER), "plugins[0].model"),
        (plugin("web", summary={"by": {"Model": OTHER}}), "plugins[0].summary.by.Model"),
        (plugin("web", fallback_models=["maker/one", OTHER]), "plugins[0].fallback_models"),
        (plugin("web", model_by={"price": 1}), "plugins[0].model_by"),
        (tool("openrouter:web_search", parameters={"model": OTHER}), "tools[0].parameters.model"),
        (tool("function", function={"name": "f"}, model=OTHER), "tools[0].model"),
        ({"reasoning": {"model": OTHER}}, "reasoning.model"),
        ({"image_config": {"model": OTHER}}, "image_config.model"),
        ({"provider": {"sort": {"by": "price", "model": OTHER}}}, "provider.sort.model"),
    ],
)
def test_a_model_outside_is_refused_when_models_are_listed(
    fields: dict[str, Any], field: str
) -> None:
    error = refused(MODELS, **fields)

    assert error.status == 403
    assert error.metadata == {
        "error_type": "permission_denied",
        "policy": "models",
        "field": field,
    }
    assert 'the policy "models" of this tenant does not allow' in error.message


@pytest.mark.parametrize(
    ("policy", "fields", "field"),
    [
        (PROVIDERS, {"provider": {"only": ["openai"]}}, "provider.only[0]"),
        (PROVIDERS, {"provider": {"only": ["deepinfra", "azure"]}}, "provider.only[1]"),
        (PROVIDERS, {"provider": {"order": ["azure/eu", "openai"]}}, "provider.order[1]"),
        (PROVIDERS, {"provider": {"only": ["deepinfra"], "order": ["x"]}}, "provider.order[0]"),
        (PROVIDERS, {"provider": {"only": ["deepinfra-2"]}}, "provider.only[0]"),
        (Policy(providers=()), {}, "provider"),
        (DENY, {"provider": {"data_collection": "allow"}}, "provider.data_collection"),
        (DENY, {"provider": {"data_collection": "DENY"}}, "provider.data_collection"),
        (ZDR, {"provider": {"zdr": False}}, "provider.zdr"),
        (TOKENS, {"max_tokens": 1001}, "max_tokens"),
        (TOKENS, {"max_completion_tokens": 1001}, "max_completion_tokens"),
        (TOKENS, {"max_tokens": ..., "max_completion_tokens": 2e6}, "max_completion_tokens"),
        (TOKENS, {"reasoning": {"max_tokens": 1001}}, "reasoning.max_tokens"),
        (TOKENS, {"provider": {"options": {"a": {"max_tokens": 9999}}}}, "provider.options"),
    ],
)
def test_a_forced_value_is_not_relaxed(policy: Policy, fields: dict[str, Any], field: str) -> None:
    (name,) = policy.forced

    metadata = refused(policy, **fields).metadata

    assert metadata == {"error_type": "permission_denied", "policy": name, "field": field}


@pytest.mark.parametrize(
    ("policy", "fields", "message"),
    [
        (
            MODELS,
            plugin("web", model="x/\u00fc"),
            'model "x/\\u00fc": it allows openai/gpt-4o-mini, meta/llama:free, maker/*.',
        ),
        (MODELS, {"model": "a/" + "b" * 200}, f'model "a/{"b" * 62}": it allows openai'),
        (
            MODELS,
            {"strategy": "cheap"},
            'field "strategy": it is not known here, and may name a model or a receiver.',
        ),
        (PROVIDERS, {"provider": {"only": ["x"]}}, 'provider "x": it allows deepinfra, azure/eu.'),
        (Policy(providers=()), {}, "any provider: it allows none."),
        (DENY, {"provider": {"data_collection": "allow"}}, '"allow": it allows "deny" alone.'),
        (ZDR, {"model": "openrouter/fusion"}, "it may search, or call models, with others"),
        (ZDR, plugin("web"), '"engine": "native" is allowed.'),
        (TOKENS, {"max_tokens": 5000}, "max_tokens 5000: it allows at most 1000."),
    ],
)
def test_a_refusal_says_what_would_be_allowed(
    policy: Policy, fields: dict[str, Any], message: str
) -> None:
    assert message in refused(policy, **fields).message


@pytest.mark.parametrize(
    ("policy", "fields"),
    [
        (MODELS, {"model": "OpenAI/GPT-4o-mini:nitro", "models": ["meta/llama:free", "maker/x"]}),
        (MODELS, {"route": "fallback", "provider": {"sort": "price", "ignore": ["x"]}}),
        (MODELS, {"provider": {"only": ["anybody"], "options": None}, "unheard_of": None}),
        (MODELS, plugin("auto-router", enabled=False)),
        (MODELS, plugin("web", engine="exa", model="maker/x", models_x=None)),
        (MODELS, plugin("web-fetch")),
        (MODELS, plugin("context-compression", engine="middle-out")),
        (MODELS, plugin("response-healing")),
        (MODELS, {"messages": parts(PDF), **native_parser()}),
        (MODELS, {"messages": parts(PDF), **plugin("file-parser", pdf={"engine": "pdf-text"})}),
        (MODELS, {"transforms": ["middle-out"], "web_search_options": {}}),
        (MODELS, {"metadata": {"model": OTHER}, "trace": {"model": OTHER}}),
        (MODELS, tool("function", function={"name": "f", "parameters": {"model": OTHER}})),
        (MODELS, tool("openrouter:datetime")),
        (MODELS, {"model": "maker/x:online", **tool("openrouter:web_search")}),
        (MODELS, {"messages": [*MINIMAL["messages"], {"role": "assistant", "model": OTHER}]}),
        (Policy(data_collection=DataCollection.ALLOW), {"provider": {"data_collection": "deny"}}),
        (Policy(data_collection=DataCollection.ALLOW), {"provider": {"data_collection": "allow"}}),
        (MODELS, {"messages": [*parts(TEXT, IMAGE), *parts(TEXT)]}),
        (TOKENS, {"max_tokens": 1000, "n": 5, "reasoning": {"max_tokens": 1000}}),
        (TOKENS, {"unheard_of": 1, "preset": "mine", **plugin("fusion")}),
        (ALL, {"provider": {"only": ["openai"], "data_collection": "deny", "zdr": True}}),
        (
            ALL,
            {
                "provider": {"only": ["OpenAI/x"], "data_collection": "deny", "zdr": True},
                **plugin("web", engine="native"),
            },
        ),
    ],
)
def test_a_request_stays_as_written_when_it_obeys(policy: Policy, fields: dict[str, Any]) -> None:
    raw = body(**fields)

    assert read(raw, tenant=replace(TENANT, policy=policy)).body == raw


@pytest.mark.parametrize("written", [..., None, {}, {"only": [], "zdr": None}, {"only": None}])
def test_what_is_forced_is_put_in_when_the_request_is_silent(written: object) -> None:
    provider = provider_of(ALL, provider=written)

    assert provider == {"only": ["openai"], "data_collection": "deny", "zdr": True}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"only": ["openai/eu"]}, ["openai/eu"]),
        ({"only": ["OpenAI"]}, ["OpenAI"]),
        ({"order": ["openai/eu"], "allow_fallbacks": True}, ["openai"]),
    ],
)
def test_a_requests_own_choice_stays_when_it_lies_inside(
    given: dict[str, Any], kept: list[str]
) -> None:
    provider = provider_of(Policy(providers=("openai",)), provider=given)

    assert provider == {**given, "only": kept}


def test_the_rest_of_provider_stays_as_written_when_something_is_put_in() -> None:
    written = b'{ "sort" : {"by":"price"},\t"max_price":{"prompt":1.50},"zdr":null , "order":["a"]}'
    raw = body().replace(b'{"model"', b'{"provider":' + written + b',"model"', 1)
    policy = Policy(providers=("a", "b"), zdr=True)

    request = read(raw, tenant=replace(TENANT, policy=policy))

    expected = written.replace(b"null", b"true")[:-1] + b',"only":["a", "b"]}'
    assert request.body == raw.replace(written, expected)


@pytest.mark.parametrize(("default", "maximum", "sent"), [(777, 100, 100), (50, 100, 50)])
def test_the_default_is_at_most_the_maximum_when_no_bound_is_given(
    default: int, maximum: int, sent: int
) -> None:
    policy = Policy(max_tokens=maximum)
    tenant = replace(TENANT, policy=policy, default_max_tokens=default)

    request = read(body(max_tokens=...), tenant=tenant)

    assert json.loads(request.body)["max_tokens"] == request.max_tokens == sent
