"""How many web searches, or results of them, a request can cause at most."""

from typing import Any

import pytest

from tests.unit.http.chat_bodies import body, read


@pytest.mark.parametrize(
    ("fields", "searches"),
    [
        ({}, 0),
        ({"plugins": [{"id": "web"}]}, 5),
        ({"plugins": [{"id": "web", "enabled": False}]}, 0),
        ({"plugins": [{"id": "web", "max_results": 9}]}, 9),
        ({"plugins": [{"id": "web", "max_results": 2, "max_uses": 3}]}, 3),
        ({"plugins": [{"id": "file-parser"}]}, 0),
        ({"model": "a/b:online"}, 5),
        ({"model": "a/b:free:online"}, 5),
        ({"models": ["c/d:online"]}, 5),
        ({"model": "online/b"}, 0),
        ({"model": "a/b:ONLINE"}, 5),
        ({"tools": [{"type": "openrouter:datetime"}]}, 0),
        ({"tools": [{"type": "openrouter:web_search"}]}, 50),
        ({"tools": [{"type": "web_search_2025_08_26"}, {"type": "web_search"}]}, 100),
        ({"web_search_options": {}}, 5),
        ({"web_search_options": {}, "plugins": [{"id": "web", "max_results": 6}]}, 11),
    ],
)
def test_searches_are_bounded_when_the_request_may_search(
    fields: dict[str, Any], searches: int
) -> None:
    assert read(body(**fields)).web_searches == searches


@pytest.mark.parametrize(
    ("tool", "searches"),
    [
        ({"parameters": {"max_uses": 8}}, 40),
        ({"parameters": {"max_uses": 8, "max_results": 20}}, 50),
        ({"parameters": {"max_uses": 8, "max_results": 20, "max_total_results": 12}}, 12),
        ({"parameters": {"max_uses": 90, "max_total_results": 1}}, 90),
        ({"parameters": {"max_uses": 1, "max_results": 1}}, 1),
        ({"parameters": {"max_results": 20}}, 50),
        ({"parameters": {"max_total_results": 2}}, 5),
        ({"parameters": None, "max_total_results": 2}, 50),
        ({"parameters": {}, "max_uses": 1}, 50),
        ({"type": "web_search_preview", "max_total_results": 6}, 6),
        ({"type": "web_search_preview", "parameters": None, "max_total_results": 6}, 6),
        ({"type": "web_search_preview", "parameters": {"max_uses": 2}}, 50),
        ({"type": "web_search", "max_total_results": 6, "parameters": {"max_uses": 2}}, 10),
    ],
)
def test_searches_are_bounded_when_the_model_may_search_again_and_again(
    tool: dict[str, Any], searches: int
) -> None:
    raw = body(tools=[{"type": "openrouter:web_search", **tool}])

    assert read(raw).web_searches == searches
