"""What a policy lets a tenant use."""

from typing import Any

import pytest

from weir.domain.policies import ANYTHING, MAX_ENTRIES, Policy

POLICY = Policy(models=("openai/gpt-4o", "meta/llama:free", "anthropic/*"))


@pytest.mark.parametrize(
    "name",
    [
        "openai/gpt-4o",
        "OpenAI/GPT-4o",
        "openai/gpt-4o:online",
        "meta/llama:free",
        "anthropic/claude",
        "anthropic/claude:thinking",
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


def test_an_alias_is_allowed_when_its_model_or_itself_is() -> None:
    listed = Policy(models=("~openai/gpt-latest",))

    assert POLICY.allows_model("~anthropic/claude-latest", alias_of="anthropic/claude")
    assert not POLICY.allows_model("~anthropic/claude-latest", alias_of="rival/claude")
    assert listed.allows_model("~openai/gpt-latest", alias_of="openai/gpt-4o")
    assert not listed.allows_model("openai/gpt-4o")


def test_a_router_is_allowed_only_when_it_is_listed_itself() -> None:
    assert not Policy(models=("openrouter/*",)).allows_model("openrouter/auto")
    assert Policy(models=("openrouter/auto",)).allows_model("openrouter/auto")


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
    ],
)
def test_a_provider_is_allowed_with_its_variants(slug: str, *, allowed: bool) -> None:
    policy = Policy(providers=("deepinfra", "azure/eu"))

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
