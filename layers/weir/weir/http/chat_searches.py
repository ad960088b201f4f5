"""Web searches: how many a chat request may trigger, because each one is billed.

Facts: OpenRouter's OpenAPI document, and openrouter.ai/docs on the web search tool and plugin.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from weir.http.checks import whole_number
from weir.http.json_objects import JsonObject

DEFAULT_SEARCHES = 5
"""Assumed for a bound that the client leaves open: engines bill per search or per result, and five
results is what upstream asks an engine for by itself."""
DEFAULT_TOTAL_RESULTS = 50
"""Where upstream stops a tool that the model may use again and again."""

_SERVER_TOOL = "openrouter:web_search"
_SHORTHAND = "web_search"


def web_searches(request: JsonObject, *, models: Iterable[str]) -> int:
    """Return the upper bound of searches or search results that a checked request can cause."""
    return sum(_bounds(request, models))


def _bounds(request: JsonObject, models: Iterable[str]) -> Iterator[int]:
    for plugin in request.get("plugins") or ():
        if plugin["id"] == "web" and plugin.get("enabled") is not False:
            yield _once(plugin)
    for tool in request.get("tools") or ():
        yield _by_tool(tool)
    options = request.get("web_search_options")
    if options is not None:
        yield _once(options)
    if any("online" in model.lower().split(":")[1:] for model in models):
        yield DEFAULT_SEARCHES


def _once(source: dict[str, Any]) -> int:
    """Bound what searches once: a provider's own engine may take several searches for it."""
    uses, results = whole_number(source.get("max_uses")), whole_number(source.get("max_results"))
    return max(uses or DEFAULT_SEARCHES, results or DEFAULT_SEARCHES)


def _by_tool(tool: dict[str, Any]) -> int:
    parameters = tool.get("parameters")
    if tool["type"] == _SERVER_TOOL:
        return _again(parameters or {})
    if not tool["type"].startswith(_SHORTHAND):
        return 0
    # A shorthand may have its bounds in either place.
    return max(map(_again, (tool, parameters) if parameters is not None else (tool,)))


def _again(source: dict[str, Any]) -> int:
    """Bound what the model uses as often as it likes."""
    uses, each = whole_number(source.get("max_uses")), whole_number(source.get("max_results"))
    results = whole_number(source.get("max_total_results")) or DEFAULT_TOTAL_RESULTS
    if uses is not None:
        results = min(results, uses * (each or DEFAULT_SEARCHES))
    # A provider's own engine heeds no bound of results.
    return max(uses or DEFAULT_SEARCHES, results)
