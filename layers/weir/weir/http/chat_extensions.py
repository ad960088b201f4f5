"""Extensions of a request: whom its plugins, server tools and file parsers reach.

Facts: OpenRouter's OpenAPI document, and openrouter.ai/docs on web search, PDFs, fusion and ZDR.
What is not known here is taken to call models of its own choice. ADR 18.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from weir.domain.policies import PRIVACY, ROUTING, PolicyName

_NATIVE = "native"
_PARSER = "file-parser"
_MIDDLE_OUT = "middle-out"
# Every other engine is a model, also the one that upstream takes when none is named.
_CONVERTERS = frozenset({"cloudflare-ai", "pdf-text"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far something in a request reaches.

    Attributes:
        against: Parts of a policy that do not allow it.
        why: A clause for the refusal.
    """

    against: Collection[PolicyName]
    why: str


_UNKNOWN = Reach(against=ROUTING, why="it is not known here, and may call other models")
_CALLS = Reach(against=ROUTING, why="it calls other models")
_CHOOSES = Reach(against=(PolicyName.MODELS,), why="it chooses the model by itself")
_SENDS = Reach(against=PRIVACY, why="it sends content to others than the model's provider")
SEARCHES = Reach(
    against=PRIVACY,
    why='it may search with others than the model\'s provider; plugin "web" with '
    '"engine": "native" is allowed',
)
_CONVERTS = Reach(
    against=PRIVACY,
    why='files may be read by others than the model\'s provider; plugin "file-parser" with '
    '"pdf": {"engine": "native"} is allowed',
)
_READS = Reach(
    against=ROUTING,
    why='files may be read by another model; plugin "file-parser" with '
    '"pdf": {"engine": "native"} is allowed',
)

_Judge = Callable[[Mapping[str, Any]], Reach | None]


def plugin_reach(plugin: Mapping[str, Any]) -> Reach | None:
    """Tell how far a plugin reaches, None when it stays with the request's own models."""
    name = plugin["id"]
    if name in _SWITCHED_PLUGINS and plugin.get("enabled") is False:
        return None
    judge = _PLUGINS.get(name)
    return _UNKNOWN if judge is None else judge(plugin)


def tool_reach(tool: Mapping[str, Any]) -> Reach | None:
    """Tell how far a tool reaches, None when it stays with the request's own models."""
    return _TOOLS.get(tool["type"], _UNKNOWN)


def transform_reach(transform: str) -> Reach | None:
    """Tell how far an entry of `transforms` reaches, None when it stays with the request."""
    return None if transform == _MIDDLE_OUT else _UNKNOWN


def file_reach(plugins: Collection[Mapping[str, Any]]) -> Reach | None:
    """Tell how far a file in a message reaches, None when a parser is named: that one is judged."""
    # Nobody knows which of several counts: one that is switched off leaves the choice to upstream.
    parsers = [plugin.get("enabled") for plugin in plugins if plugin["id"] == _PARSER]
    return None if parsers and False not in parsers else _READS


def _search(plugin: Mapping[str, Any]) -> Reach | None:
    return None if plugin.get("engine") == _NATIVE else SEARCHES


def _file_engine(plugin: Mapping[str, Any]) -> str | None:
    pdf = plugin.get("pdf")
    engine = pdf.get("engine") if isinstance(pdf, dict) else None
    return engine if isinstance(engine, str) else None


def _reader(engine: str | None) -> Reach | None:
    if engine == _NATIVE:
        return None
    return _CONVERTS if engine in _CONVERTERS else _READS


def _compression(plugin: Mapping[str, Any]) -> Reach | None:
    return None if plugin.get("engine") in (None, _MIDDLE_OUT) else _UNKNOWN


_PLUGINS: Mapping[str, _Judge] = {
    "auto-beta-router": lambda _: _CHOOSES,
    "auto-router": lambda _: _CHOOSES,
    "context-compression": _compression,
    _PARSER: lambda plugin: _reader(_file_engine(plugin)),
    "fusion": lambda _: _CALLS,
    "pareto-router": lambda _: _CHOOSES,
    "response-healing": lambda _: None,
    "web": _search,
    "web-fetch": lambda _: _SENDS,
}
# Those whose schema has `enabled`; to any other one it may be no order to stay away.
_SWITCHED_PLUGINS = _PLUGINS.keys() - {"web-fetch"}
# The tool that searches takes another engine when the model's provider has none, even if it is told
# "native"; the shorthands become that tool.
_TOOLS: Mapping[str, Reach | None] = {
    "function": None,
    "openrouter:advisor": _CALLS,
    "openrouter:datetime": None,
    "openrouter:fusion": _CALLS,
    "openrouter:subagent": _CALLS,
    "openrouter:web_fetch": _SENDS,
    "openrouter:web_search": SEARCHES,
    "web_search": SEARCHES,
    "web_search_2025_08_26": SEARCHES,
    "web_search_preview": SEARCHES,
    "web_search_preview_2025_03_11": SEARCHES,
}
