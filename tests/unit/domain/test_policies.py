"""What a policy lets a tenant use."""

from typing import Any

import pytest

from weir.domain.policies import (
    ANYTHING,
    ENDPOINTS,
    MAX_ENTRIES,
    DataCollection,
    Policy,
    PolicyName,
)

POLICY = Policy(models=("openai/gpt-4o", "meta/llama:free", "anthropic/*"))


@pytest.mark.parametrize(
    "name",
    [
        "openai/gpt-4o",
        "OpenAI/GPT-4o",
        "openai/gpt-4o:online",
        "openai/gpt-4o:free:online",
        "meta/llama:free",
        "meta/llama:free:nitro",
        "anthropic/claude",
        "anthropic/claude:thinking",
        "anthropic/claude:anything",
    ],
)
def test_a_model_is_allowed_when_it_is_listed(name: str) -> None:
    assert POLICY.allows_model(name)


@pytest.mark.parametrize(
    "name",
    [
        "openai/gpt-4o-mini",
        "openai/gpt",
        "meta/llama",
        "meta/llama:nitro",
        "meta/llama:nitro:free",
        "openai/gpt-4o:anything",
        "openai/gpt-4o:anything:free",
        "openai/gpt-4o:",
        "anthropic/claude/../../rival/model",
        "anthropic/*",
        "anthropic/",
        "anthropic",
        "openai/gpt-4o ",
        " openai/gpt-4o",
        "openai/gpt-4o\n",
        "openai/gpt-4o\u200b",
        "openai/gpt-\uff14o",
        "OPENA\u0130/gpt-4o",
        "openai\u2044gpt-4o",
        "openai%2Fgpt-4o",
        "anthropics/claude",
        "~anthropic/claude-latest",
        "openai/gpt-4o@preset/mine",
        "@preset/mine",
        "openrouter/auto",
        "gpt-4o",
        "",
    ],
)
def test_a_model_is_refused_when_it_is_not_listed(name: str) -> None:
    assert not POLICY.allows_model(name)


def test_no_lookalike_letter_counts_when_lower_case_would_make_it_one() -> None:
    assert "\u212a".lower() == "k"
    assert not Policy(models=("kimi/k2",)).allows_model("\u212aimi/\u212a2")


def test_an_alias_is_allowed_only_when_it_is_listed_itself() -> None:
    listed = Policy(models=("~openai/gpt-latest",))

    assert listed.allows_model("~openai/gpt-latest")
    assert listed.allows_model("~OpenAI/gpt-latest:nitro")
    assert not listed.allows_model("openai/gpt-latest")
    assert not Policy(models=("openai/*", "openai/gpt-latest")).allows_model("~openai/gpt-latest")
    assert not Policy(models=("~openai/*",)).allows_model("~openai/gpt-latest")


def test_a_router_is_allowed_only_when_it_is_listed_itself() -> None:
    assert not Policy(models=("openrouter/*",)).allows_model("openrouter/auto")
    assert Policy(models=("openrouter/auto",)).allows_model("openrouter/auto")


@pytest.mark.parametrize(
    "policy",
    [
        Policy(providers=("openai",)),
        Policy(data_collection=DataCollection.DENY),
        Policy(zdr=True),
    ],
)
def test_what_calls_models_by_itself_is_forbidden_when_endpoints_are_bound(policy: Policy) -> None:
    (name,) = policy.forced

    assert name in ENDPOINTS
    assert policy.forbids_model("any/model:free") is None
    assert policy.forbids_model("~any/latest") is None
    assert policy.forbids_model("openrouter/auto") is None
    for reaching in ("openrouter/fusion", "OpenRouter/Fusion:free", "@preset/mine", "a/b@preset/c"):
        assert policy.forbids_model(reaching) is name


def test_a_router_that_is_listed_is_forbidden_when_endpoints_are_bound() -> None:
    policy = Policy(models=("openrouter/fusion",), zdr=True)

    assert policy.forbids_model("openrouter/fusion") is PolicyName.ZDR
    assert policy.forbids_model("openrouter/auto") is PolicyName.MODELS


def test_a_searching_variant_is_forbidden_when_content_must_stay() -> None:
    assert Policy(zdr=True).forbids_model("a/b:free:Online") is PolicyName.ZDR
    assert Policy(providers=("openai",)).forbids_model("a/b:online") is None


def test_nothing_is_forced_when_data_may_be_collected() -> None:
    assert Policy(data_collection=DataCollection.ALLOW).forced == ()
    assert ANYTHING.forced == ()
    assert Policy(models=(), zdr=True, max_tokens=1).forced == ("models", "zdr", "max_tokens")


def test_tokens_are_bounded_when_there_is_a_maximum() -> None:
    assert ANYTHING.bounded(4096) == 4096
    assert Policy(max_tokens=100).bounded(4096) == 100
    assert Policy(max_tokens=100).bounded(7) == 7


def test_nothing_is_allowed_when_the_list_is_empty() -> None:
    policy = Policy(models=(), providers=())

    assert not policy.allows_model("openai/gpt-4o")
    assert not policy.allows_provider("openai")


def test_everything_is_allowed_when_there_is_no_list() -> None:
    assert ANYTHING.allows_model("@preset/mine")
    assert ANYTHING.allows_provider("openai")


@pytest.mark.parametrize(
    ("slug", "allowed"),
    [
        ("deepinfra", True),
        ("DeepInfra/fp8", True),
        ("azure/eu", True),
        ("azure", False),
        ("deepinfra-2", False),
        ("deepinfra\u2044fp8", False),
        ("\u212aluster/x", False),
        ("", False),
    ],
)
def test_a_provider_is_allowed_with_its_variants(slug: str, *, allowed: bool) -> None:
    policy = Policy(providers=("deepinfra", "azure/eu", "kluster"))

    assert policy.allows_provider(slug) is allowed


@pytest.mark.parametrize(
    "facts",
    [
        {"models": ("OpenAI/gpt-4o",)},
        {"models": ("gpt-4o",)},
        {"models": ("*",)},
        {"models": ("openai/*:free",)},
        {"models": ("@preset/mine",)},
        {"models": (f"a/{'b' * 300}",)},
        {"models": ("a/b",) * (MAX_ENTRIES + 1)},
        {"providers": ("Open AI",)},
        {"max_tokens": 0},
        {"max_tokens": 10**10},
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"policy|max_tokens"):
        Policy(**facts)
