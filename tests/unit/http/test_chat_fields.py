from typing import Any

import pytest

from tests.unit.http.chat_bodies import body, parts, read
from weir.domain.errors import InvalidRequestError

TOOL = {"type": "function", "function": {"name": "f"}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}

ACCEPTED: list[tuple[str, Any]] = [
    ("models", ["a/b", "c/d", "e/f"]),
    ("stream_options", {"include_usage": True}),
    ("stream_options", None),
    ("usage", {"include": True}),
    ("max_completion_tokens", 4096.0),
    ("seed", -5),
    ("logit_bias", {"50256": -100, "1": 100, "2": 0.5}),
    ("stop", ["a"] * 4),
    ("stop", "a"),
    ("stop", None),
    ("user", "u" * 5000),
    ("response_format", {"type": "text"}),
    ("response_format", {"type": "json_schema", "json_schema": {"name": "n" * 64}}),
    ("response_format", {"type": "json_schema", "json_schema": {"name": "n", "strict": None}}),
    ("response_format", {"type": "grammar", "grammar": "root ::= x"}),
    ("response_format", {"type": "of-tomorrow", "x": 1}),
    ("tools", []),
    ("tools", [TOOL, {**TOOL, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]),
    ("tools", [{"type": "openrouter:datetime"}, {"type": "web_search", "max_uses": 2}]),
    ("tool_choice", "auto"),
    ("tool_choice", {"type": "function", "function": {"name": "f"}}),
    ("stop_server_tools_when", [{"type": "x"}]),
    ("deferred_tools", {}),
    ("reasoning", {"effort": "of-tomorrow", "exclude": False, "enabled": True}),
    ("reasoning", {"max_tokens": 1, "effort": None, "summary": "auto", "context": "auto"}),
    ("reasoning_effort", None),
    ("include_reasoning", True),
    ("verbosity", "of-tomorrow"),
    ("web_search_options", {"search_context_size": "low"}),
    ("plugins", [{"id": "web", "enabled": False, "max_results": 1}, {"id": "of-tomorrow"}]),
    ("transforms", ["middle-out"]),
    ("provider", None),
    ("provider", {"order": ["a"], "sort": "price", "max_price": {"prompt": "1", "image": 0.5}}),
    ("provider", {"sort": {"by": "price", "partition": "none"}, "only": None, "options": {}}),
    ("provider", {"preferred_max_latency": 1.5, "preferred_min_throughput": {"p90": 3}, "new": 1}),
    ("route", "fallback"),
    ("prediction", {"type": "content", "content": [{"type": "text", "text": "x"}]}),
    ("prediction", {"type": "content", "content": "x"}),
    ("modalities", ["text", "of-tomorrow"]),
    ("image_config", {"aspect_ratio": "1:1"}),
    ("cache_control", {"type": "ephemeral", "ttl": "1h"}),
    ("prompt_cache_key", None),
    ("prompt_cache_options", {"mode": "explicit"}),
    ("service_tier", "of-tomorrow"),
    ("session_id", "s" * 256),
    ("metadata", {f"{index:064}": "v" * 512 for index in range(16)}),
    ("trace", {"trace_id": "t", "anything": [1]}),
    ("preset", "p"),
    ("debug", {"echo_upstream_body": True}),
    ("a_field_of_tomorrow", {"x": [None]}),
    *((field, None) for field in ("stream", "user", "tools", "provider", "response_format")),
    ("messages", [{"role": role, "content": "x"} for role in ("system", "developer", "user")]),
    ("messages", [{"role": "assistant"}, {"role": "assistant", "content": None}]),
    ("messages", [{"role": "assistant", "tool_calls": [CALL], "reasoning_details": []}]),
    ("messages", [{"role": "tool", "content": "x", "tool_call_id": "c", "new": 1}]),
    ("messages", parts({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}})),
    ("messages", parts({"type": "of-tomorrow", "x": 1})),
    ("messages", parts({"type": "image_url", "image_url": {"url": "https://x", "detail": "low"}})),
    ("messages", parts({"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}})),
    ("messages", parts({"type": "input_video", "video_url": {"url": "https://x"}})),
    ("messages", parts({"type": "file", "file": {"file_id": None}})),
]

REFUSED: list[tuple[str, Any, str]] = [
    (
        "tools",
        [{"type": "openrouter:files"}],
        "tools[0].type openrouter:files is not supported",
    ),
    (
        "messages",
        parts({"type": "file", "file": {"file_id": "f", "file_data": "data:,x"}}),
        "messages[0].content[0].file.file_id is not supported: send the file itself in file_data",
    ),
    (
        "messages",
        parts({"type": "of-tomorrow", "file_id": "f"}),
        "messages[0].content[0].file_id is not supported: send the file itself in file_data",
    ),
    ("messages", [], "messages must be an array of at least 1 item, got 0 items"),
    ("messages", None, 'Input required: specify "prompt" or "messages"'),
    ("messages", "hi", "messages must be an array of at least 1 item, got a string"),
    ("messages", ["hi"], "messages[0] must be an object, got a string"),
    ("messages", [{"content": "x"}], "messages[0].role is required"),
    ("messages", [{"role": "robot", "content": "x"}], "messages[0].role must be one of"),
    ("messages", [{"role": "user"}], "messages[0].content is required"),
    ("messages", [{"role": "user", "content": None}], "messages[0].content must be a string or"),
    ("messages", [{"role": "user", "content": 1}], "got 1 (number)"),
    ("messages", [{"role": "tool", "content": "x"}], "messages[0].tool_call_id is required"),
    ("messages", [{"role": "assistant", "tool_calls": [{}]}], "messages[0].tool_calls[0].id"),
    (
        "messages",
        [{"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f"}}]}],
        "messages[0].tool_calls[0].function.arguments is required",
    ),
    ("messages", parts({"text": "x"}), "messages[0].content[0].type is required"),
    ("messages", parts({"type": 1}), "messages[0].content[0].type must be a string"),
    ("messages", parts({"type": ""}), "messages[0].content[0].type must be a non-empty string"),
    ("messages", parts({"type": "text"}), "messages[0].content[0].text is required"),
    ("messages", parts({"type": "text", "text": 1}), "messages[0].content[0].text must be"),
    ("messages", parts({"type": "image_url"}), "content[0].image_url is required"),
    ("messages", parts({"type": "image_url", "image_url": "x"}), "image_url must be an object"),
    ("messages", parts({"type": "image_url", "image_url": {}}), "image_url.url is required"),
    ("messages", parts({"type": "video_url", "video_url": {}}), "video_url.url is required"),
    ("messages", parts({"type": "input_audio", "input_audio": {"data": "A"}}), "format is req"),
    ("messages", parts({"type": "file", "file": {"file_data": 1}}), "file.file_data must be"),
    ("model", "", "model must be a non-empty string of at most 256 characters, got 0"),
    ("model", "x" * 257, "model must be a non-empty string of at most 256 characters, got 257"),
    ("model", "a\nb", "model must be a string of printable ASCII characters"),
    ("model", "mödel", "model must be a string of printable ASCII characters"),
    ("model", None, "model is required"),
    ("model", ["a"], "got an array"),
    ("models", ["a"] * 4, "models must be an array of at most 3 items, got 4 items"),
    ("models", [""], "models[0] must be a non-empty string"),
    ("stream", "true", 'stream must be a boolean, got "true" (string)'),
    ("temperature", "hot", 'temperature must be a number from 0 to 2, got "hot" (string)'),
    ("temperature", 3, "temperature must be a number from 0 to 2, got 3 (number)"),
    ("temperature", True, "temperature must be a number from 0 to 2, got true (boolean)"),
    ("temperature", "x" * 33, "temperature must be a number from 0 to 2, got a string"),
    ("temperature", {}, "temperature must be a number from 0 to 2, got an object"),
    ("max_tokens", 1.5, "max_tokens must be an integer of at least 1, got 1.5 (number)"),
    ("max_tokens", 1e300, "max_tokens must be an integer of at least 1, got 1E+300 (number)"),
    ("max_tokens", True, "max_tokens must be an integer of at least 1, got true (boolean)"),
    ("seed", 1.5, "seed must be an integer, got 1.5 (number)"),
    ("logit_bias", {"1": 101}, "logit_bias.* must be a number from -100 to 100, got 101"),
    ("logit_bias", [], "logit_bias must be an object, got an array"),
    ("stop", ["a"] * 5, "stop must be an array of at most 4 items, got 5 items"),
    ("stop", [1], "stop[0] must be a string, got 1 (number)"),
    ("stop", 1, "stop must be a string or an array of at most 4 strings, got 1 (number)"),
    ("user", 1, "user must be a string, got 1 (number)"),
    ("usage", {"include": 1}, "usage.include must be a boolean"),
    ("response_format", "json", "response_format must be an object, got a string"),
    ("response_format", {}, "response_format.type is required"),
    (
        "response_format",
        {"type": "json_schema", "json_schema": {"name": "n" * 65}},
        "response_format.json_schema.name must be a string of at most 64 characters, got 65",
    ),
    ("response_format", {"type": "json_schema", "json_schema": {}}, "json_schema.name is required"),
    ("tools", [{}], "tools[0].type is required"),
    ("tools", [{"type": "function"}], "tools[0].function is required"),
    ("tools", [{"type": "function", "function": {}}], "tools[0].function.name is required"),
    ("tools", [{"type": "function", "function": {"name": "n" * 65}}], "at most 64 characters"),
    ("tools", [{"type": "web_search", "max_uses": 0}], "tools[0].max_uses must be an integer"),
    (
        "tools",
        [{"type": "openrouter:web_search", "parameters": {"max_results": -1}}],
        "tools[0].parameters.max_results must be an integer of at least 1",
    ),
    ("tool_choice", 1, "tool_choice must be a string or an object, got 1 (number)"),
    ("tool_choice", {"function": {}}, "tool_choice.type is required"),
    ("stop_server_tools_when", [], "stop_server_tools_when must be an array of at least 1 item"),
    ("reasoning", {"effort": 1}, "reasoning.effort must be a string"),
    ("reasoning", {"max_tokens": 0}, "reasoning.max_tokens must be an integer of at least 1"),
    (
        "reasoning",
        {"effort": "low", "max_tokens": 5},
        'Only one of "reasoning.effort" and "reasoning.max_tokens" can be specified',
    ),
    ("plugins", [{}], "plugins[0].id is required"),
    ("plugins", [{"id": "web", "enabled": "no"}], "plugins[0].enabled must be a boolean"),
    ("transforms", "middle-out", "transforms must be an array, got a string"),
    ("provider", [], "provider must be an object, got an array"),
    ("provider", {"order": "a"}, "provider.order must be an array"),
    ("provider", {"sort": 1}, "provider.sort must be a string or an object"),
    ("provider", {"max_price": {"prompt": []}}, "provider.max_price.* must be a number or a str"),
    ("prediction", {"type": "content"}, "prediction.content is required"),
    ("modalities", [1], "modalities[0] must be a string"),
    ("session_id", "s" * 257, "session_id must be a string of at most 256 characters, got 257"),
    ("metadata", {str(index): "" for index in range(17)}, "metadata must have at most 16 pairs"),
    ("metadata", {"k" * 65: ""}, "metadata must have names of at most 64 characters"),
    ("metadata", {"k": "v" * 513}, "metadata.* must be a string of at most 512 characters"),
    ("metadata", {"k": 1}, "metadata.* must be a string of at most 512 characters, got 1 (number)"),
    ("top_logprobs", 5, "top_logprobs needs logprobs to be true"),
    ("n", 129, "n must be an integer from 1 to 128, got 129 (number)"),
]


@pytest.mark.parametrize(("field", "value"), ACCEPTED)
def test_field_passes_untouched_when_it_is_as_documented(field: str, value: object) -> None:
    raw = body(**{"stream": True, field: value})

    request = read(raw)

    if field not in {"user", "session_id"}:
        assert request.body == raw


@pytest.mark.parametrize(("field", "value", "message"), REFUSED)
def test_request_is_refused_when_a_field_is_not_as_documented(
    field: str, value: object, message: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(body(**{field: value}))

    assert message in caught.value.message
    assert caught.value.status == 400


def test_reasoning_is_refused_when_the_shorthand_contradicts_it() -> None:
    agreeing = body(reasoning={"effort": "low"}, reasoning_effort="low")
    contradicting = body(reasoning={"effort": "low"}, reasoning_effort="high")

    assert read(agreeing).body == agreeing
    with pytest.raises(InvalidRequestError, match=r"contradict reasoning\.effort"):
        read(contradicting)


def test_top_logprobs_pass_when_logprobs_are_on() -> None:
    raw = body(logprobs=True, top_logprobs=20)

    assert read(raw).body == raw


@pytest.mark.parametrize("messages", [[{"role": "user", "content": [1, "PROMPT"]}]])
def test_message_never_quotes_the_prompt_when_content_is_bad(messages: object) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(body(messages=messages))

    assert "PROMPT" not in caught.value.message
