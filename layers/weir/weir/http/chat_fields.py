"""The documented fields of a request, each with its check. A field not named here passes.

`/chat/completions` takes these; `completion_fields` says what `/completions` takes otherwise.

Values of open enumerations are not checked, because new ones ship upstream without notice; wrong
types and numbers out of range are refused here, before anything is held.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from weir.domain.errors import InvalidRequestError
from weir.http.chat_content import message, part
from weir.http.checks import (
    Check,
    anything,
    array,
    boolean,
    by_member,
    by_type,
    described,
    integer,
    nullable,
    number,
    pairs,
    record,
    refuse,
    text,
)

MAX_MODEL_CHARS = 256

_MODEL = text(MAX_MODEL_CHARS, min_chars=1)


@described(lambda: {**_MODEL.schema, "pattern": "^[ -~]+$"})
def model(path: str, value: Any) -> None:
    """Check a model slug, variants and presets included."""
    _MODEL(path, value)
    if not (value.isascii() and value.isprintable()):
        refuse(path, value, expected="a string of printable ASCII characters")


_SEARCH_BOUNDS: Mapping[str, Check] = {
    "max_results": nullable(integer(1)),
    "max_total_results": nullable(integer(1)),
    "max_uses": nullable(integer(1)),
}
_FUNCTION = record(
    {
        "name": text(64),
        "description": nullable(text()),
        "parameters": nullable(record()),
        "strict": nullable(boolean),
    },
    required=("name",),
)
_CACHE_CONTROL = record({"type": text(), "ttl": nullable(text())}, required=("type",))


@described(lambda: {"not": {}})
def _no_shared_files(path: str, _value: Any) -> None:
    # They are the workspace of the operator's account, which all tenants share.
    raise InvalidRequestError(f"{path}.type openrouter:files is not supported")


_TOOL_MEMBERS = {"cache_control": nullable(_CACHE_CONTROL), **_SEARCH_BOUNDS}
_TOOL = by_member(
    "type",
    {
        "function": record({**_TOOL_MEMBERS, "function": _FUNCTION}, required=("function",)),
        "openrouter:files": _no_shared_files,
    },
    otherwise=record({**_TOOL_MEMBERS, "parameters": nullable(record(_SEARCH_BOUNDS))}),
)

_JSON_SCHEMA = record(
    {
        "name": text(64),
        "description": nullable(text()),
        "schema": nullable(record()),
        "strict": nullable(boolean),
    },
    required=("name",),
)
_RESPONSE_FORMAT = record(
    {"type": text(), "json_schema": _JSON_SCHEMA, "grammar": text()}, required=("type",)
)
_NAMED_TOOL = record(
    {"type": text(), "function": record({"name": text()}, required=("name",))},
    required=("type",),
)
_TOOL_CHOICE = by_type("a string or an object", {str: text(), dict: _NAMED_TOOL})
_PLUGIN = record({"id": text(), "enabled": boolean, **_SEARCH_BOUNDS}, required=("id",))
_REASONING = record(
    {
        "effort": nullable(text()),
        "max_tokens": nullable(integer(1)),
        "exclude": nullable(boolean),
        "enabled": nullable(boolean),
        "summary": nullable(text()),
        "context": nullable(text()),
    }
)
_STRINGS = array(text())
_STOP = by_type(
    "a string or an array of at most 4 strings", {str: text(), list: array(text(), max_items=4)}
)
_PREDICTION = record(
    {
        "type": text(),
        "content": by_type("a string or text parts", {str: text(), list: array(part)}),
    },
    required=("type", "content"),
)

_AMOUNT = by_type("a number or a string", {int: anything, Decimal: anything, str: text()})
_PERCENTILES = by_type("a number or an object", {int: anything, Decimal: anything, dict: record()})
_SORT = by_type(
    "a string or an object",
    {str: text(), dict: record({"by": nullable(text()), "partition": nullable(text())})},
)
_PROVIDER = record(
    {
        "order": nullable(_STRINGS),
        "allow_fallbacks": nullable(boolean),
        "require_parameters": nullable(boolean),
        "data_collection": nullable(text()),
        "zdr": nullable(boolean),
        "enforce_distillable_text": nullable(boolean),
        "only": nullable(_STRINGS),
        "ignore": nullable(_STRINGS),
        "quantizations": nullable(_STRINGS),
        "sort": nullable(_SORT),
        "preferred_min_throughput": nullable(_PERCENTILES),
        "preferred_max_latency": nullable(_PERCENTILES),
        "max_price": nullable(pairs(nullable(_AMOUNT))),
        "options": nullable(pairs(record())),
    }
)

FIELDS: Mapping[str, Check] = {
    "messages": array(message, min_items=1),
    "prompt": text(),
    "model": model,
    "models": array(model, max_items=3),
    "stream": boolean,
    "stream_options": record({"include_usage": nullable(boolean)}),
    "usage": record({"include": boolean}),
    "max_tokens": integer(1),
    "max_completion_tokens": integer(1),
    # Undocumented for a chat, yet these two multiply what a completion costs.
    "n": integer(1, 128),
    "best_of": integer(1, 20),
    "echo": boolean,
    "suffix": text(),
    "temperature": number(0, 2),
    "top_p": number(0, 1, above_low=True),
    "top_k": integer(0),
    "frequency_penalty": number(-2, 2),
    "presence_penalty": number(-2, 2),
    "repetition_penalty": number(0, 2, above_low=True),
    "min_p": number(0, 1),
    "top_a": number(0, 1),
    "seed": integer(),
    "logit_bias": pairs(number(-100, 100)),
    "logprobs": boolean,
    "top_logprobs": integer(0, 20),
    "stop": _STOP,
    "user": text(),
    "response_format": _RESPONSE_FORMAT,
    "structured_outputs": boolean,
    "tools": array(_TOOL),
    "tool_choice": _TOOL_CHOICE,
    "parallel_tool_calls": boolean,
    "stop_server_tools_when": array(min_items=1),
    "deferred_tools": record(),
    "reasoning": _REASONING,
    "reasoning_effort": text(),
    "include_reasoning": boolean,
    "verbosity": text(),
    "web_search_options": record(_SEARCH_BOUNDS),
    "plugins": array(_PLUGIN),
    "transforms": _STRINGS,
    "provider": _PROVIDER,
    "route": text(),
    "prediction": _PREDICTION,
    "modalities": _STRINGS,
    "image_config": record(),
    "cache_control": _CACHE_CONTROL,
    "prompt_cache_key": text(),
    "prompt_cache_options": record({"mode": text(), "ttl": nullable(text())}),
    "service_tier": text(),
    "session_id": text(256),
    "metadata": pairs(text(512), max_pairs=16, max_name_chars=64),
    "trace": record(),
    "preset": text(),
    "debug": record({"echo_upstream_body": boolean}),
}
"""Check of every top-level field, in the order of the contract; null means absent for all."""
