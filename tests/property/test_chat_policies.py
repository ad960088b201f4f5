"""Whatever a client writes: what is forwarded obeys the tenant's policy."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.unit.http.chat_bodies import MINIMAL, TENANT, read
from weir.domain.errors import ForbiddenError, InvalidRequestError
from weir.domain.policies import DataCollection, Policy

ALLOWED_MODELS = ("openai/gpt-4o-mini", "meta/llama:free", "maker/*", "~maker/latest")
ALLOWED_PROVIDERS = ("openai", "azure/eu")
MAX_TOKENS = 1000

GOOD = ("openai/gpt-4o-mini", "openai/gpt-4o-mini:nitro", "meta/llama:free", "maker/any")
EVIL = (
    "rival/other", "openai/gpt-4o", "meta/llama", "meta/llama:nitro", "~openai/latest",
    "openrouter/auto", "openrouter/fusion", "@preset/x", "maker/one@preset/x", "maker/../rival/x",
    "gpt-4o-mini", "maker", "maker/", "openai/gpt-4o-mini:evil", "ma\u212aer/any",
)  # fmt: skip

names = st.one_of(
    st.sampled_from(GOOD),
    st.sampled_from(EVIL),
    st.sampled_from(GOOD).map(str.upper),
    st.text(min_size=1, max_size=8),
)
scalars = st.none() | st.booleans() | st.integers(0, 5000) | names
MODEL_KEYS = ("model", "models", "Model", "allowed_models", "fallback_model", "analysis_models")
KEYS = st.sampled_from([*MODEL_KEYS, "id", "type", "engine", "parameters", "name", "x"])
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)
slugs = st.sampled_from(["openai", "OpenAI", "openai/fp8", "azure", "azure/eu", "rival", ""])
providers = st.fixed_dictionaries(
    {},
    optional={
        "only": st.none() | st.lists(slugs, max_size=3),
        "order": st.none() | st.lists(slugs, max_size=3),
        "ignore": st.lists(slugs, max_size=2),
        "data_collection": st.none() | st.sampled_from(["allow", "deny", "Deny", ""]),
        "zdr": st.none() | st.booleans(),
        "allow_fallbacks": st.booleans(),
        "sort": st.sampled_from(["price", {"by": "price", "partition": "none"}]),
        "options": st.dictionaries(slugs, st.dictionaries(KEYS, anything, max_size=2), max_size=2),
    },
)
plugins = st.lists(
    st.dictionaries(KEYS, anything, max_size=2).flatmap(
        lambda extra: st.sampled_from(["web", "web-fetch", "auto-router", "fusion", "moderation",
                                       "file-parser", "response-healing", "new"])
        .map(lambda name: {**extra, "id": name})
    ),
    max_size=2,
)  # fmt: skip
tools = st.lists(
    st.dictionaries(KEYS, anything, max_size=2).flatmap(
        lambda extra: st.sampled_from(["openrouter:web_search", "web_search", "openrouter:advisor",
                                       "openrouter:datetime", "openrouter:new"])
        .map(lambda kind: {**extra, "parameters": {"x": 1, **extra}, "type": kind})
    ),
    max_size=2,
)  # fmt: skip
bodies = st.fixed_dictionaries(
    {"model": names},
    optional={
        "models": st.none() | st.lists(names, max_size=3),
        "preset": names,
        "provider": st.none() | providers,
        "plugins": plugins,
        "tools": tools,
        "max_tokens": st.none() | st.integers(1, 3000),
        "max_completion_tokens": st.integers(1, 3000),
        "reasoning": st.fixed_dictionaries({}, optional={"max_tokens": st.integers(1, 3000),
                                                         "model": names, "exclude": st.none()}),
        "image_config": st.dictionaries(KEYS, anything, max_size=2),
        "route": st.just("fallback"),
        "transforms": st.lists(st.sampled_from(["middle-out", "new"]), max_size=2),
        "fallbacks": anything,
        "Models": anything,
    },
)  # fmt: skip
policies = st.builds(
    Policy,
    models=st.none() | st.just(ALLOWED_MODELS),
    providers=st.none() | st.just(ALLOWED_PROVIDERS),
    data_collection=st.none() | st.sampled_from(DataCollection),
    zdr=st.booleans(),
    max_tokens=st.none() | st.just(MAX_TOKENS),
)


@settings(deadline=None, max_examples=100)
@given(members=bodies, policy=policies)
def test_what_is_forwarded_obeys_the_policy_whatever_the_body(
    members: dict[str, Any], policy: Policy
) -> None:
    raw = json.dumps({**MINIMAL, **members}).encode()
    try:
        request = read(raw, tenant=replace(TENANT, policy=policy))
    except (ForbiddenError, InvalidRequestError) as error:
        event(type(error).__name__)
        return

    event("forwarded")
    sent = json.loads(request.body)
    if policy.models is not None:
        assert all(map(may_be_asked, models_in(sent)))
        assert "preset" not in sent or sent["preset"] is None
        assert sent.get("fallbacks") is None
    provider = sent.get("provider") or {}
    if policy.providers is not None:
        assert provider["only"]
        assert all(map(may_answer, [*provider["only"], *(provider.get("order") or ())]))
    if policy.data_collection is DataCollection.DENY:
        assert provider["data_collection"] == "deny"
    if policy.zdr:
        assert provider["zdr"] is True
    if policy.max_tokens is not None:
        bounds = [sent.get(name) for name in ("max_tokens", "max_completion_tokens")]
        bounds.append((sent.get("reasoning") or {}).get("max_tokens"))
        assert any(bounds)
        assert all(bound is None or bound <= MAX_TOKENS for bound in bounds)
    if policy.forced:
        assert not provider.get("options")
    assert without_forced(sent) == without_forced({**MINIMAL, **members})


def models_in(value: Any) -> Iterator[object]:
    """Yield what stands under any name that speaks of models, at any depth."""
    if isinstance(value, list):
        for entry in value:
            yield from models_in(entry)
    elif isinstance(value, dict):
        for name, entry in value.items():
            if "model" in name.lower() and entry is not None:
                yield from entry if isinstance(entry, list) else [entry]
            else:
                yield from models_in(entry)


def may_be_asked(name: object) -> bool:
    """Say it in another way than the gateway does: by the few names that are meant."""
    assert isinstance(name, str)
    plain = name.lower()
    assert name.isascii()
    author, _, slug = plain.partition("/")
    if author == "maker":
        return slug.split(":")[0].replace("-", "").replace(".", "").replace("_", "").isalnum()
    return plain.split(":")[0] == "openai/gpt-4o-mini" or plain.startswith(
        ("meta/llama:free", "~maker/latest")
    )


def may_answer(slug: str) -> bool:
    return slug.lower() in {"openai", "openai/fp8", "azure/eu"}


def without_forced(body: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a policy or a default may put in."""
    rest = {name: value for name, value in body.items() if name not in {"provider", "max_tokens"}}
    forced = {"only", "data_collection", "zdr"}
    provider = body.get("provider") or {}
    return rest | {
        "provider": {name: value for name, value in provider.items() if name not in forced}
    }
