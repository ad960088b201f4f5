"""Web searches: how many a chat request may trigger, because each one is billed."""

from collections.abc import Iterable, Iterator
from typing import Any

from weir.http.checks import whole_number
from weir.http.json_objects import JsonObject

DEFAULT_SEARCHES = 5
"""Assumed for a bound that the client leaves open: engines bill per search or per result, and five
results is what upstream asks an engine for by itself."""

_SERVER_TOOL = "openrouter:web_search"
_SHORTHAND = "web_search"


def web_searches(request: JsonObject, *, models: Iterable[str]) -> int:
    """Return the upper bound of searches or search results that a checked request can cause."""
    return sum(_bound(source) for source in _sources(request, models))


def _sources(request: JsonObject, models: Iterable[str]) -> Iterator[dict[str, Any]]:
    for plugin in request.get("plugins") or ():
        if plugin["id"] == "web" and plugin.get("enabled") is not False:
            yield plugin
    for tool in request.get("tools") or ():
        if tool["type"] == _SERVER_TOOL or tool["type"].startswith(_SHORTHAND):
            yield {**tool, **(tool.get("parameters") or {})}
    options = request.get("web_search_options")
    if options is not None:
        yield options
    if any("online" in model.split(":")[1:] for model in models):
        yield {}


def _bound(source: dict[str, Any]) -> int:
    total = whole_number(source.get("max_total_results"))
    if total is not None:
        return total
    uses, results = whole_number(source.get("max_uses")), whole_number(source.get("max_results"))
    return max(uses or DEFAULT_SEARCHES, results or DEFAULT_SEARCHES)
