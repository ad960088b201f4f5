"""Features of a chat request whose price nothing bounds, so that the estimate cannot cover them.

The catalogue states what a model's tokens, images and searches cost. Priority tiers, routers among
models, presets, generated media and server tools cost what nobody can know beforehand. What is new
and unknown counts as unpriced too.
"""

from collections.abc import Iterable, Iterator
from json import dumps
from typing import Any

from weir.http.json_objects import JsonObject

_MAX_SHOWN_CHARS = 64
_PRICED_TIERS = frozenset({"auto", "default", "flex"})
_DEARER_TIERS = frozenset({"fast", "priority", "scale", "ultrafast"})
_PRICED_PLUGINS = frozenset({
    "context-compression", "file-parser", "moderation", "response-healing", "web", "web-fetch",
})  # fmt: skip
_PRICED_PDF_ENGINES = (None, "native", "pdf-text")
# Upstream calls the model again after each use of one of its own tools, up to thirty times.
_SERVER_TOOLS = ("openrouter:", "web_search")


def unpriced_feature(request: JsonObject, *, models: Iterable[str]) -> str | None:
    """Return the name of an unpriced feature of a checked request, None when it has none."""
    return next(_features(request, models), None)


def _features(request: JsonObject, models: Iterable[str]) -> Iterator[str]:
    tier = request.get("service_tier")
    if tier is not None and tier not in _PRICED_TIERS:
        yield _named("service_tier", tier)
    for name in ("preset", "image_config"):
        if request.get(name) is not None:
            yield name
    for modality in request.get("modalities") or ():
        if modality != "text":
            yield _named("modality", modality)
    yield from (_named("model", model) for model in models if _is_unpriced_model(model))
    yield from _endpoints(request.get("provider") or {})
    yield from _plugins(request.get("plugins") or ())
    yield from _files(request)
    for tool in request.get("tools") or ():
        kind = tool["type"]
        if kind.lower().startswith(_SERVER_TOOLS):
            yield _named("tool", kind)


def _is_unpriced_model(model: str) -> bool:
    lowered = model.lower()
    return "@preset/" in lowered or "nitro" in lowered.split(":")[1:]


def _endpoints(provider: dict[str, Any]) -> Iterator[str]:
    """Yield the endpoints of a dearer tier, which are chosen by their full name."""
    for member in ("order", "only"):
        for slug in provider.get(member) or ():
            if _DEARER_TIERS.intersection(slug.lower().split("/")[1:]):
                yield _named("provider", slug)


def _plugins(plugins: Iterable[dict[str, Any]]) -> Iterator[str]:
    for plugin in plugins:
        if plugin.get("enabled") is False:
            continue
        if plugin["id"] not in _PRICED_PLUGINS:
            yield _named("plugin", plugin["id"])
        elif plugin["id"] == "file-parser" and not _is_priced_parser(plugin.get("pdf")):
            yield 'the pdf engine of plugin "file-parser"'


def _is_priced_parser(pdf: Any) -> bool:
    return pdf is None or (isinstance(pdf, dict) and pdf.get("engine") in _PRICED_PDF_ENGINES)


def _files(request: JsonObject) -> Iterator[str]:
    if _has_file(request) and not _is_engine_named(request.get("plugins") or ()):
        yield 'a file without a pdf engine of plugin "file-parser" ("native" or "pdf-text")'


def _has_file(request: JsonObject) -> bool:
    contents = (message.get("content") for message in request.get("messages") or ())
    return any(
        part["type"] == "file"
        for content in contents
        if isinstance(content, list)
        for part in content
    )


def _is_engine_named(plugins: Iterable[dict[str, Any]]) -> bool:
    """Tell whether an engine is; upstream otherwise takes one for scans that bills by the page.

    By every parser, because nobody knows which of several counts.
    """
    parsers = [plugin for plugin in plugins if plugin["id"] == "file-parser"]
    return bool(parsers) and all(
        plugin.get("enabled") is not False
        and isinstance(pdf := plugin.get("pdf"), dict)
        and pdf.get("engine") is not None
        for plugin in parsers
    )


def _named(what: str, value: str) -> str:
    return f"{what} {dumps(value[:_MAX_SHOWN_CHARS])}"
