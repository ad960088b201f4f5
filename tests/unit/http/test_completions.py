"""Requests for text completions: the fields that differ from a chat's, and what they bound."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no stubs

from tests.unit.http.chat_bodies import TENANT, body, parts, read, text_body
from weir.domain.errors import ForbiddenError, InvalidRequestError
from weir.domain.holds import prompt_tokens
from weir.domain.policies import Policy
from weir.domain.requests import ChatRequest, Mode
from weir.domain.tenants import PromptBound
from weir.http.chat import MODES
from weir.http.chat_fields import FIELDS
from weir.http.chat_operations import OPERATIONS
from weir.http.completion_fields import TEXT_FIELDS

ACCEPTED: list[tuple[str, Any]] = [
    ("prompt", ""),
    ("prompt", ["a", ""]),
    ("prompt", [0, 50256]),
    ("prompt", [1.0, 2]),
    ("prompt", [[1], [2, 3]]),
    ("best_of", 20),
    ("n", 128),
    ("logprobs", 0),
    ("logprobs", 5),
    ("echo", True),
    ("suffix", "end"),
    ("suffix", None),
    ("top_p", 0),
    ("top_logprobs", 20),
    ("max_tokens", 1),
    ("temperature", 2),
    ("stop", ["a"] * 4),
    ("seed", -1),
    ("logit_bias", {"50256": -100}),
    ("metadata", {"k": "v"}),
    ("response_format", {"type": "json_object"}),
    ("provider", {"order": ["a"]}),
    ("reasoning", {"max_tokens": 5}),
    ("usage", {"include": True}),
    ("transforms", ["middle-out"]),
    ("route", "fallback"),
    ("repetition_penalty", 2),
    ("plugins", [{"id": "web"}]),
    ("stream_options", {"include_usage": True}),
    ("a_field_of_tomorrow", [{"x": None}]),
]
REFUSED: list[tuple[str, Any, str]] = [
    ("prompt", None, 'Input required: specify "prompt"'),
    ("prompt", ..., 'Input required: specify "prompt"'),
    ("prompt", 5, "prompt must be a string, an array of strings, of token ids, or of arrays of"),
    ("prompt", {}, "prompt must be a string, an array of strings"),
    ("prompt", [], "prompt must be a string, an array of strings"),
    ("prompt", [None], "prompt must be a string, an array of strings"),
    ("prompt", [True], "prompt must be a string, an array of strings"),
    ("prompt", ["a", 1], "prompt[1] must be a string, got 1 (number)"),
    ("prompt", [1, "a"], 'prompt[1] must be an integer of at least 0, got "a" (string)'),
    ("prompt", [1, -1], "prompt[1] must be an integer of at least 0, got -1 (number)"),
    ("prompt", [1.5], "prompt[0] must be an integer of at least 0, got 1.5 (number)"),
    ("prompt", [[1], []], "prompt[1] must be an array of at least 1 item, got 0 items"),
    ("prompt", [[1], "a"], "prompt[1] must be an array of at least 1 item, got a string"),
    ("prompt", [["a"]], "prompt[0][0] must be an integer of at least 0, got"),
    ("best_of", 0, "best_of must be an integer from 1 to 20, got 0"),
    ("best_of", 21, "best_of must be an integer from 1 to 20, got 21"),
    ("n", 129, "n must be an integer from 1 to 128, got 129"),
    ("logprobs", True, "logprobs must be an integer from 0 to 5, got true (boolean)"),
    ("logprobs", 6, "logprobs must be an integer from 0 to 5, got 6 (number)"),
    ("echo", "yes", "echo must be a boolean"),
    ("suffix", 1, "suffix must be a string"),
    ("top_p", 1.1, "top_p must be a number from 0 to 1, got 1.1 (number)"),
    ("max_tokens", 0, "max_tokens must be an integer of at least 1"),
    ("messages", [{"role": "robot"}], "messages[0].role must be one of"),
    ("plugins", [{}], "plugins[0].id is required"),
]


def read_text(raw: bytes, **options: Any) -> ChatRequest:
    return read(raw, mode=Mode.TEXT, **options)


@pytest.mark.parametrize(("field", "value"), ACCEPTED)
def test_field_passes_untouched_when_it_is_as_documented(field: str, value: object) -> None:
    raw = text_body(**{"stream": True, field: value})

    request = read_text(raw)

    assert request.body == raw
    assert (request.mode, request.stream) == (Mode.TEXT, True)


@pytest.mark.parametrize(("field", "value", "message"), REFUSED)
def test_request_is_refused_when_a_field_is_not_as_documented(
    field: str, value: object, message: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_text(text_body(**{field: value}))

    assert message in caught.value.message


def test_a_prompt_is_needed_when_there_are_messages() -> None:
    with pytest.raises(InvalidRequestError, match="Input required"):
        read_text(body())


@pytest.mark.parametrize("mode", Mode)
def test_best_of_is_refused_when_it_is_less_than_n(mode: Mode) -> None:
    assert read(text_body(best_of=2, n=2), mode=mode).completions == 2
    with pytest.raises(InvalidRequestError, match="best_of must not be less than n"):
        read(text_body(best_of=2, n=3), mode=mode)


@pytest.mark.parametrize(
    ("fields", "prompts", "completions"),
    [
        ({}, 1, 1),
        ({"n": 3}, 1, 3),
        ({"best_of": 5}, 1, 5),
        ({"n": 2, "best_of": 5}, 1, 5),
        ({"n": 128}, 1, 128),
        ({"prompt": ["a", "b"]}, 2, 2),
        ({"prompt": ["a", "b"], "n": 3, "best_of": 4}, 2, 8),
        ({"prompt": [5, 6, 7], "n": 2}, 1, 2),
        ({"prompt": [[5, 6], [7], [8]], "n": 2}, 3, 6),
        ({"n": None, "best_of": None}, 1, 1),
    ],
)
def test_every_completion_that_is_billed_is_bounded(
    fields: dict[str, Any], prompts: int, completions: int
) -> None:
    request = read_text(text_body(max_tokens=10, **fields))

    assert (request.prompts, request.completions) == (prompts, completions)
    assert request.max_tokens == 10 * completions


def test_searches_are_bounded_for_each_prompt() -> None:
    raw = text_body(prompt=["a", "b", "c"], plugins=[{"id": "web", "max_results": 7}])

    assert read_text(raw).web_searches == 21


def test_best_of_multiplies_a_chat_as_well() -> None:
    assert read(body(max_tokens=10, best_of=4)).max_tokens == 40


def test_messages_count_when_they_come_with_a_prompt() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}

    request = read_text(text_body(messages=parts(image, image)))

    assert (request.media_parts, request.messages) == (2, 2)


def test_default_bound_is_added_when_the_client_sets_none() -> None:
    raw = text_body(max_tokens=...)

    request = read_text(raw)

    assert request.body == raw[:-1] + b',"max_tokens":777}'
    assert request.max_tokens == 777


@pytest.mark.parametrize(("other", "bound"), [(5, 777), (5_000, 5_000)])
def test_default_bound_is_added_when_the_client_sets_only_the_bound_of_a_chat(
    other: int, bound: int
) -> None:
    request = read_text(text_body(max_tokens=..., max_completion_tokens=other))

    assert json.loads(request.body)["max_tokens"] == 777
    assert request.max_tokens == bound


def test_ids_are_namespaced_and_the_end_user_is_known() -> None:
    raw = text_body(user="alice", session_id="s")

    request = read_text(raw)

    assert request.end_user == "alice"
    assert b"alice" not in request.body
    assert request.body != read_text(raw, tenant=replace(TENANT, namespace_key=b"c" * 32)).body


@settings(deadline=None)
@given(
    prompts=st.lists(st.lists(st.integers(0, 200_000), min_size=1), min_size=1),
    bound=st.sampled_from(PromptBound),
)
def test_a_token_id_is_one_token_whatever_the_bound(
    prompts: list[list[int]], bound: PromptBound
) -> None:
    ids = [token for prompt in prompts for token in prompt]
    empty = prompt_tokens(read_text(text_body(prompt="")), bound=bound)

    several = prompt_tokens(read_text(text_body(prompt=prompts)), bound=bound)
    single = prompt_tokens(read_text(text_body(prompt=ids)), bound=bound)

    assert several - single == 16 * (len(prompts) - 1)
    # An empty text is written with two quotes, which count as text.
    assert 1 <= empty - (single - len(ids)) <= 2


@settings(deadline=None)
@given(prompts=st.lists(st.text(), min_size=1))
def test_text_is_bounded_by_its_bytes(prompts: list[str]) -> None:
    request = read_text(text_body(prompt=prompts))

    assert request.prompt_bytes >= len("".join(prompts).encode())
    assert (request.token_ids, request.messages) == (0, len(prompts))


def test_a_policy_holds_for_a_text() -> None:
    policy = Policy(models=("a/b",), providers=("openai",))
    bound = replace(TENANT, policy=policy)

    sent = read_text(text_body(model="a/b", echo=True, suffix="s", best_of=2), tenant=bound).body

    assert json.loads(sent)["provider"] == {"only": ["openai"]}
    with pytest.raises(ForbiddenError, match="models"):
        read_text(text_body(model="c/d"), tenant=bound)


def test_both_routes_know_the_same_fields_and_describe_them() -> None:
    assert FIELDS.keys() == TEXT_FIELDS.keys()
    assert OPERATIONS.keys() == MODES.keys()
    for operation, fields in zip(OPERATIONS.values(), (FIELDS, TEXT_FIELDS), strict=True):
        assert operation.body is not None
        assert operation.body.schema["properties"].keys() == fields.keys()


@pytest.mark.parametrize("nothing", [{}, {"prompt": None}, {"models": []}, {"model": None}])
def test_the_document_refuses_a_body_that_the_route_refuses(nothing: dict[str, Any]) -> None:
    complete = {"prompt": "a", "model": "a/b"}

    for route, operation in OPERATIONS.items():
        assert operation.body is not None
        validator = Draft202012Validator(operation.body.schema)
        operation.body("body", complete)
        assert validator.is_valid(complete)
        assert not validator.is_valid(nothing)
        with pytest.raises(InvalidRequestError, match="required"):
            operation.body("body", nothing)
        with pytest.raises(InvalidRequestError, match="required"):
            read(json.dumps(nothing).encode(), mode=MODES[route])


def test_the_document_says_which_types_a_field_of_each_route_has() -> None:
    chat, text = (
        Draft202012Validator(operation.body.schema)
        for operation in OPERATIONS.values()
        if operation.body is not None
    )
    common = {"prompt": "a", "model": "a/b"}

    assert chat.is_valid({**common, "logprobs": True})
    assert not text.is_valid({**common, "logprobs": True})
    assert text.is_valid({**common, "prompt": [[1], [2]]})
    assert not text.is_valid({**common, "prompt": [[1], "a"]})
    assert not chat.is_valid({**common, "prompt": [[1]]})
