"""What in a request reaches further than the models it names, and where it stands.

`provider` and its policies hold for the request's own call of a model. They do not hold for
plugins, server tools, file parsers and presets, nor for members that nobody here knows. ADR 18.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from json import dumps
from typing import Any

from weir.domain.policies import ROUTING, PolicyName
from weir.http.chat_extensions import (
    SEARCHES,
    Reach,
    file_reach,
    plugin_reach,
    tool_reach,
    transform_reach,
)
from weir.http.json_objects import JsonObject

INERT_FIELDS = frozenset({
    "best_of", "cache_control", "debug", "deferred_tools", "echo", "frequency_penalty",
    "image_config", "include_reasoning", "logit_bias", "logprobs", "metadata", "min_p",
    "modalities", "n", "parallel_tool_calls", "prediction", "presence_penalty", "prompt",
    "prompt_cache_key", "prompt_cache_options", "reasoning_effort", "repetition_penalty",
    "response_format", "route", "seed", "service_tier", "session_id", "stop",
    "stop_server_tools_when", "stream", "stream_options", "structured_outputs", "suffix",
    "temperature", "tool_choice", "top_a", "top_k", "top_logprobs", "top_p", "trace", "usage",
    "user", "verbosity",
})  # fmt: skip
"""Fields that reach nothing by themselves, whatever they hold."""
JUDGED_FIELDS = frozenset({
    "max_completion_tokens", "max_tokens", "messages", "model", "models", "plugins", "preset",
    "provider", "reasoning", "tools", "transforms", "web_search_options",
})  # fmt: skip
"""Fields that a policy looks into."""
_KNOWN_FIELDS = INERT_FIELDS | JUDGED_FIELDS

_MAX_SHOWN_CHARS = 64
_PLAIN_PARTS = frozenset({"image_url", "input_audio", "input_video", "text", "video_url"})
_PROVIDER_MEMBERS = frozenset({
    "allow_fallbacks", "data_collection", "enforce_distillable_text", "ignore", "max_price",
    "only", "order", "preferred_max_latency", "preferred_min_throughput", "quantizations",
    "require_parameters", "sort", "zdr",
})  # fmt: skip
_STRANGE_FIELD = Reach(
    against=ROUTING, why="it is not known here, and may name a model or a receiver"
)
_PRESET = Reach(against=ROUTING, why="a preset may choose a model, plugins and tools")
_STRANGE_PREFERENCE = Reach(
    against=tuple(PolicyName), why="what it tells a provider is not known here"
)
# What a request is about, not how it is answered: names in there are the client's own.
_CONTENT = frozenset({
    "logit_bias", "messages", "metadata", "model", "models", "prediction", "prompt",
    "response_format", "trace",
})  # fmt: skip
_FUNCTION = "function"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that reaches further.

    Attributes:
        what: As a refusal calls it.
        field: Path of the field.
        reach: How far.
    """

    what: str
    field: str
    reach: Reach


def findings(request: JsonObject) -> Iterator[Finding]:
    """Yield all by which a checked request reaches further than `model` and `models`."""
    for name in request.members:
        if name not in _KNOWN_FIELDS and request.get(name) is not None:
            yield Finding(what=f"field {quoted(name)}", field=_shown(name), reach=_STRANGE_FIELD)
    for name, reach in (("preset", _PRESET), ("web_search_options", SEARCHES)):
        if request.get(name) is not None:
            yield Finding(what=f"field {quoted(name)}", field=name, reach=reach)
    yield from _extensions(request)
    yield from _files(request)
    for name, value in (request.get("provider") or {}).items():
        if name not in _PROVIDER_MEMBERS and value is not None:
            field = f"provider.{_shown(name)}"
            yield Finding(what=field, field=field, reach=_STRANGE_PREFERENCE)


def named_models(request: JsonObject) -> Iterator[tuple[str, str | None]]:
    """Yield the models that members within fields name, as path and name.

    The name is None when there is something else where a model's name should be.
    """
    for name, member in request.members.items():
        if name not in _CONTENT:
            yield from _named_within(member.value, path=_shown(name))


def quoted(value: str) -> str:
    """Return a client's text as it can be shown: in quotes, in ASCII, and cut when it is long."""
    return dumps(_shown(value))


def _shown(value: str) -> str:
    return value[:_MAX_SHOWN_CHARS]


def _extensions(request: JsonObject) -> Iterator[Finding]:
    judged = [
        (f"plugins[{index}]", f"plugin {quoted(plugin['id'])}", plugin_reach(plugin))
        for index, plugin in enumerate(request.get("plugins") or ())
    ]
    judged += [
        (f"tools[{index}]", f"tool {quoted(tool['type'])}", tool_reach(tool))
        for index, tool in enumerate(request.get("tools") or ())
    ]
    judged += [
        (f"transforms[{index}]", f"transform {quoted(transform)}", transform_reach(transform))
        for index, transform in enumerate(request.get("transforms") or ())
    ]
    for field, what, reach in judged:
        if reach is not None:
            yield Finding(what=what, field=field, reach=reach)


def _files(request: JsonObject) -> Iterator[Finding]:
    reach = file_reach(request.get("plugins") or ())
    if reach is None:
        return
    for index, message in enumerate(request.get("messages") or ()):
        content = message.get("content")
        for entry in content if isinstance(content, list) else ():
            if entry["type"] not in _PLAIN_PARTS:
                what = f"a content part of type {quoted(entry['type'])}"
                yield Finding(what=what, field=f"messages[{index}].content", reach=reach)


def _named_within(value: Any, *, path: str) -> Iterator[tuple[str, str | None]]:
    if isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _named_within(entry, path=f"{path}[{index}]")
    elif isinstance(value, Mapping):
        for name, entry in value.items():
            within = f"{path}.{_shown(name)}"
            if "model" in name.lower():
                yield from _names(entry, path=within)
            elif name != _FUNCTION:
                yield from _named_within(entry, path=within)


def _names(value: Any, *, path: str) -> Iterator[tuple[str, str | None]]:
    if value is not None:
        for name in value if isinstance(value, list) else [value]:
            yield path, name if isinstance(name, str) else None
