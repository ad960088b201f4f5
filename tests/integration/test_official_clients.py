"""Clients nobody here wrote, unmodified but for the base URL."""

import json
from typing import Any

import openai
import pytest
from openrouter import OpenRouter, errors

from local.stack import LocalStack
from tests.support.stacks import records
from weir.domain.usage import RecordStatus

MODEL = "weir/echo"
# Any: plain dicts, as the documentation of both clients writes them.
MESSAGES: Any = [{"role": "user", "content": "one two three"}]


@pytest.fixture
def openai_client(stack: LocalStack) -> openai.OpenAI:
    return openai.OpenAI(base_url=stack.base_url, api_key=stack.api_key, max_retries=0)


def openrouter_client(stack: LocalStack) -> OpenRouter:
    return OpenRouter(api_key=stack.api_key, server_url=stack.base_url)


def test_openai_creates_a_completion(stack: LocalStack, openai_client: openai.OpenAI) -> None:
    with openai_client as client:
        completion = client.chat.completions.create(model=MODEL, messages=MESSAGES)

    record = records(stack)[completion.id]
    assert completion.choices[0].message.content == "one two three"
    assert completion.usage is not None
    assert record.usage.prompt_tokens == completion.usage.prompt_tokens
    assert record.status is RecordStatus.COMPLETED


def test_openai_streams_a_completion(stack: LocalStack, openai_client: openai.OpenAI) -> None:
    with openai_client as client:
        stream = client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        chunks = list(stream)

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    (generation_id,) = {chunk.id for chunk in chunks}
    record = records(stack)[generation_id]
    assert text == "one two three"
    assert record.streamed
    assert chunks[-1].usage is not None
    assert record.usage.completion_tokens == chunks[-1].usage.completion_tokens


def test_the_generation_header_equals_the_bodys_id(
    stack: LocalStack, openai_client: openai.OpenAI
) -> None:
    with openai_client as client:
        raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES)

    assert raw.headers["X-Generation-Id"] == raw.parse().id
    assert raw.headers["Access-Control-Allow-Origin"] == "*"
    assert raw.headers["Content-Type"] == "application/json"


def test_openai_raises_its_own_error_when_the_key_is_wrong(stack: LocalStack) -> None:
    with (
        openai.OpenAI(base_url=stack.base_url, api_key="sk-wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.chat.completions.create(model=MODEL, messages=MESSAGES)

    assert caught.value.status_code == 401


def test_openrouter_sends_a_chat(stack: LocalStack) -> None:
    with openrouter_client(stack) as client:
        result: Any = client.chat.send(model=MODEL, messages=MESSAGES)

    assert result.choices[0].message.content == "one two three"
    assert result.id in records(stack)


def test_openrouter_streams_a_chat(stack: LocalStack) -> None:
    with openrouter_client(stack) as client:
        events: Any = client.chat.send(model=MODEL, messages=MESSAGES, stream=True)
        with events:
            chunks = list(events)

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "one two three"
    assert {chunk.id for chunk in chunks} <= records(stack).keys()


def test_openrouter_raises_its_own_error_when_a_field_is_out_of_range(stack: LocalStack) -> None:
    with (
        openrouter_client(stack) as client,
        pytest.raises(errors.BadRequestResponseError) as caught,
    ):
        client.chat.send(model=MODEL, messages=MESSAGES, temperature=3)

    error = json.loads(caught.value.body)["error"]
    assert error["code"] == 400
    assert "temperature" in error["message"]
