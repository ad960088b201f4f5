"""POST /completions over real HTTP, with the official `openai` client where it can tell."""

from typing import Any

import openai
import pytest
import requests

from local.simulator import Fault
from local.stack import LocalStack
from tests.support.completion_calls import MODEL, PROMPT, ask, assert_settled
from tests.support.stacks import simulator


@pytest.fixture
def client(stack: LocalStack) -> openai.OpenAI:
    return openai.OpenAI(base_url=stack.base_url, api_key=stack.api_key, max_retries=0)


def test_a_text_is_completed(stack: LocalStack, client: openai.OpenAI) -> None:
    with client:
        raw = client.completions.with_raw_response.create(model=MODEL, prompt=PROMPT)

    completion = raw.parse()
    assert completion.object == "text_completion"
    (choice,) = completion.choices
    assert (choice.text.split(), choice.finish_reason) == (PROMPT.split(), "stop")
    assert raw.headers["X-Generation-Id"] == completion.id
    assert raw.headers["Access-Control-Allow-Origin"] == "*"
    record = assert_settled(stack, completion.id)
    assert completion.usage is not None
    assert record.usage.prompt_tokens == completion.usage.prompt_tokens == 3
    assert record.usage.completion_tokens == completion.usage.completion_tokens == 3
    assert record.price_nano_usd == 3 * 150 + 3 * 600


def test_a_text_is_streamed(stack: LocalStack, client: openai.OpenAI) -> None:
    with client, client.completions.create(model=MODEL, prompt=PROMPT, stream=True) as stream:
        chunks = list(stream)

    assert {chunk.object for chunk in chunks} == {"text_completion"}
    assert "".join(chunk.choices[0].text for chunk in chunks).split() == PROMPT.split()
    assert chunks[-1].usage is not None
    (generation_id,) = {chunk.id for chunk in chunks}
    record = assert_settled(stack, generation_id)
    assert record.streamed
    assert record.usage.completion_tokens == chunks[-1].usage.completion_tokens


@pytest.mark.parametrize("stream", [False, True])
def test_every_prompt_is_answered_as_often_as_asked(
    stack: LocalStack, client: openai.OpenAI, *, stream: bool
) -> None:
    texts = dict.fromkeys(range(4), "")
    with client:
        answer: Any = client.completions.create(
            model=MODEL,
            prompt=["a b", "c"],
            n=2,
            best_of=3,
            echo=True,
            logprobs=1,
            max_tokens=5,
            stream=stream,
        )
        chunks = list(answer) if stream else [answer]
    for choice in (choice for chunk in chunks for choice in chunk.choices):
        texts[choice.index] += choice.text

    assert list(texts.values()) == ["a ba b", "a ba b", "cc", "cc"]
    told = next(choice.logprobs for chunk in chunks for choice in chunk.choices if choice.logprobs)
    assert (told.tokens[0], told.token_logprobs[0], told.text_offset[0]) == ("a", 0, 3)
    record = assert_settled(stack, chunks[0].id)
    assert (record.usage.prompt_tokens, record.usage.completion_tokens) == (3, 9)


def test_token_ids_are_a_prompt(stack: LocalStack, client: openai.OpenAI) -> None:
    with client:
        completion = client.completions.create(model=MODEL, prompt=[[5, 6, 7], [8]], max_tokens=9)

    assert [choice.text for choice in completion.choices] == ["5 6 7", "8"]
    record = assert_settled(stack, completion.id)
    assert record.usage.prompt_tokens == 4


def test_upstream_gets_the_clients_bytes_on_its_own_route(stack: LocalStack) -> None:
    sent = b'{"model": "weir/echo",  "prompt": "a\\u00e9", "max_tokens": 4, "new": [1e2]}'
    response = requests.post(
        f"{stack.base_url}/completions",
        data=sent,
        headers={"Authorization": f"Bearer {stack.api_key}"},
        timeout=30,
    )

    received = simulator(stack).requests[-1]
    assert response.status_code == 200
    assert (received.path, received.body) == ("/api/v1/completions", sent)


def test_a_browser_may_ask(stack: LocalStack) -> None:
    response = requests.options(
        f"{stack.base_url}/completions",
        headers={"Origin": "https://app.example", "Access-Control-Request-Method": "POST"},
        timeout=30,
    )

    assert response.status_code in {200, 204}
    assert "POST" in response.headers["Access-Control-Allow-Methods"]


def test_a_generation_is_told_like_any_other(stack: LocalStack) -> None:
    generation_id = ask(stack).json()["id"]

    response = requests.get(
        f"{stack.base_url}/generation",
        params={"id": generation_id},
        headers={"Authorization": f"Bearer {stack.api_key}"},
        timeout=30,
    )

    told = response.json()["data"]
    assert (told["id"], told["api_type"], told["model"]) == (generation_id, "completions", MODEL)
    assert (told["tokens_prompt"], told["tokens_completion"]) == (3, 3)
    assert told["total_cost"] == pytest.approx(0.00000225)


def test_openai_raises_its_own_errors(stack: LocalStack, client: openai.OpenAI) -> None:
    with client:
        with pytest.raises(openai.BadRequestError, match="best_of must not be less than n"):
            client.completions.create(model=MODEL, prompt=PROMPT, n=3, best_of=2)
        with pytest.raises(openai.BadRequestError, match="not a valid model ID"):
            client.completions.create(model="acme/unheard-of", prompt=PROMPT)
        with pytest.raises(openai.AuthenticationError):
            client.with_options(api_key="sk-wrong").completions.create(model=MODEL, prompt=PROMPT)
        simulator(stack).faults.push(Fault(name="status", code=429))
        with pytest.raises(openai.RateLimitError):
            client.completions.create(model=MODEL, prompt=PROMPT)
    assert ask(stack, key=stack.management_key).status_code == 403


def test_openai_reads_the_error_event_of_a_broken_stream(
    stack: LocalStack, client: openai.OpenAI
) -> None:
    simulator(stack).faults.push(Fault(name="mid-stream-error", chunks=1))
    texts: list[str] = []

    with client, client.completions.create(model=MODEL, prompt=PROMPT, stream=True) as stream:
        pieces = (choice.text for chunk in stream for choice in chunk.choices)
        with pytest.raises(openai.APIError, match="Provider returned error"):
            texts.extend(pieces)

    assert texts == ["one"]


def test_the_same_key_is_another_request_on_the_other_route(stack: LocalStack) -> None:
    headers = {"Authorization": f"Bearer {stack.api_key}", "Idempotency-Key": "both-routes"}
    body = {"model": MODEL, "prompt": PROMPT}

    def post(route: str) -> requests.Response:
        url = f"{stack.base_url}/{route}"
        return requests.post(url, json=body, headers=headers, timeout=30)

    first, again, other = post("completions"), post("completions"), post("chat/completions")

    assert (first.status_code, first.content) == (200, again.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.status_code == 422


def test_what_cannot_be_paid_is_not_sent(stack: LocalStack) -> None:
    sent = len(simulator(stack).requests)

    response = ask(stack, prompt=["a"] * 1_000, n=128, max_tokens=1_000_000)

    assert response.status_code == 402
    assert len(simulator(stack).requests) == sent
