"""What reaches further than the models a request names is refused when nobody can see how far."""

from typing import Any

import pytest

from tests.unit.http.chat_bodies import parts
from tests.unit.http.policy_bodies import (
    DENY,
    ENFORCING,
    NATIVE,
    OTHER,
    PDF,
    PRIVACY,
    PROVIDERS,
    ZDR,
    plugin,
    refused,
    tool,
    under,
)
from weir.domain.policies import Policy
from weir.http.chat_fields import FIELDS
from weir.http.chat_reaches import INERT_FIELDS, JUDGED_FIELDS
from weir.http.completion_fields import TEXT_FIELDS

PARSER = {"id": "file-parser", "pdf": NATIVE}


@pytest.mark.parametrize("policy", ENFORCING)
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"preset": "mine"}, "preset"),
        ({"model": "@preset/mine"}, "model"),
        ({"model": "openai/gpt-4o-mini@preset/mine"}, "model"),
        ({"model": "openrouter/fusion"}, "model"),
        ({"model": "fusion"}, "model"),
        ({"models": ["gpt-4o-mini"]}, "models"),
        (plugin("fusion"), "plugins[0]"),
        (plugin("fusion", preset="general-high"), "plugins[0]"),
        (plugin("moderation"), "plugins[0]"),
        (plugin("moderation", enabled=False), "plugins[0]"),
        (plugin("Web"), "plugins[0]"),
        (plugin("unheard-of"), "plugins[0]"),
        (plugin("unheard-of", enabled=False), "plugins[0]"),
        (plugin("context-compression", engine="summary"), "plugins[0]"),
        (plugin("file-parser"), "plugins[0]"),
        (plugin("file-parser", pdf=None), "plugins[0]"),
        (plugin("file-parser", pdf={"engine": ["native"]}), "plugins[0]"),
        (plugin("file-parser", pdf={"engine": "mistral-ocr"}), "plugins[0]"),
        ({"messages": parts(PDF)}, "messages[0].content"),
        ({"messages": parts(PDF), **plugin("file-parser", enabled=False)}, "messages[0].content"),
        (
            {"messages": parts(PDF), **plugin("file-parser", enabled=False, pdf=NATIVE)},
            "messages[0].content",
        ),
        (
            {"messages": parts(PDF), "plugins": [PARSER, {**PARSER, "enabled": False}]},
            "messages[0].content",
        ),
        ({"messages": parts({"type": "unheard-of"})}, "messages[0].content"),
        (tool("openrouter:advisor"), "tools[0]"),
        (tool("openrouter:subagent"), "tools[0]"),
        (tool("openrouter:fusion"), "tools[0]"),
        (tool("openrouter:image_generation"), "tools[0]"),
        (tool("openrouter:bash"), "tools[0]"),
        (tool("OpenRouter:Datetime"), "tools[0]"),
        (tool("web_search_unheard_of"), "tools[0]"),
        (tool("unheard-of"), "tools[0]"),
        ({"transforms": ["middle-out", "unheard-of"]}, "transforms[1]"),
        ({"unheard_of": {"a": 1}}, "unheard_of"),
        ({"Model": OTHER}, "Model"),
        ({"fallbacks": [OTHER]}, "fallbacks"),
        ({"provider": {"options": {"openai": {"model": OTHER}}}}, "provider.options"),
        ({"provider": {"unheard_of": 1}}, "provider.unheard_of"),
    ],
)
def test_what_nobody_can_see_through_is_refused_when_routing_is_bound(
    policy: str, fields: dict[str, Any], field: str
) -> None:
    error = refused(ENFORCING[policy], **fields)

    assert error.metadata == {"error_type": "permission_denied", "policy": policy, "field": field}


@pytest.mark.parametrize("policy", PRIVACY)
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"model": "openai/gpt-4o-mini:online"}, "model"),
        ({"models": ["maker/one:free:ONLINE"]}, "models"),
        (plugin("web"), "plugins[0]"),
        (plugin("web", engine="exa"), "plugins[0]"),
        (plugin("web", engine=None), "plugins[0]"),
        (plugin("web-fetch"), "plugins[0]"),
        (plugin("web-fetch", enabled=False), "plugins[0]"),
        (plugin("file-parser", pdf={"engine": "cloudflare-ai"}), "plugins[0]"),
        (plugin("file-parser", pdf={"engine": "pdf-text"}), "plugins[0]"),
        (tool("openrouter:web_search"), "tools[0]"),
        (tool("openrouter:web_search", parameters={"engine": "auto"}), "tools[0]"),
        (tool("openrouter:web_search", parameters={"engine": "native"}), "tools[0]"),
        (tool("web_search"), "tools[0]"),
        (tool("web_search", engine="native", parameters={"engine": "native"}), "tools[0]"),
        (tool("web_search_2025_08_26", engine="native"), "tools[0]"),
        (tool("web_search_preview_2025_03_11"), "tools[0]"),
        (tool("web_search_preview", engine="exa"), "tools[0]"),
        (tool("openrouter:web_fetch"), "tools[0]"),
        (tool("openrouter:web_fetch", parameters={"engine": "native"}), "tools[0]"),
        ({"web_search_options": {}}, "web_search_options"),
    ],
)
def test_content_may_not_leave_when_privacy_is_forced(
    policy: str, fields: dict[str, Any], field: str
) -> None:
    error = refused(PRIVACY[policy], **fields)

    assert error.metadata == {"error_type": "permission_denied", "policy": policy, "field": field}


@pytest.mark.parametrize("policy", [PROVIDERS, DENY, ZDR])
def test_a_plain_router_may_choose_when_only_endpoints_are_bound(policy: Policy) -> None:
    assert under(policy, model="openrouter/auto", **plugin("auto-router")).models


def test_every_known_field_is_judged_or_reaches_nothing() -> None:
    """A new field must be looked at before a tenant with a policy may send it."""
    assert FIELDS.keys() | TEXT_FIELDS.keys() == INERT_FIELDS | JUDGED_FIELDS
    assert not INERT_FIELDS & JUDGED_FIELDS
