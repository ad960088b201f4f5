from collections.abc import Iterator
from decimal import Decimal

import openai
import pytest
from openrouter import OpenRouter, components, errors
from openrouter.utils import BackoffStrategy, RetryConfig

from local.simulator import Fault, Simulator
from tests.support.simulator_calls import KEY, MANAGEMENT_KEY, running

MESSAGES = [components.ChatUserMessage(role="user", content="one two three")]
COST_NANO_USD = (3 + 3) * 150 + 3 * 600
NO_RETRY = RetryConfig("none", BackoffStrategy(1, 1, 1, 1), retry_connection_errors=False)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running() as simulator:
        yield simulator


@pytest.fixture
def openrouter_client(simulator: Simulator) -> Iterator[OpenRouter]:
    with OpenRouter(api_key=KEY, server_url=simulator.url, retry_config=NO_RETRY) as client:
        yield client


@pytest.fixture
def openai_client(simulator: Simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=KEY, base_url=simulator.url, max_retries=0) as client:
        yield client


def nano(usd: object) -> int:
    return int(Decimal(repr(usd)) * 10**9)


def send(client: OpenRouter) -> components.ChatResult:
    answer = client.chat.send(model="weir/echo", messages=MESSAGES, stream=False)
    assert isinstance(answer, components.ChatResult)
    return answer


def stream(client: OpenRouter) -> list[components.ChatStreamChunk]:
    answer = client.chat.send(model="weir/echo", messages=MESSAGES, stream=True)
    assert not isinstance(answer, components.ChatResult)
    with answer as events:
        return list(events)


def test_openrouter_client_reads_the_answer_when_it_is_plain(
    openrouter_client: OpenRouter,
) -> None:
    result = send(openrouter_client)

    assert result.choices[0].message.content == "one two three"
    assert result.usage is not None
    assert nano(result.usage.cost) == COST_NANO_USD
    assert isinstance(result.usage.cost_details, components.CostDetails)
    assert nano(result.usage.cost_details.upstream_inference_prompt_cost) == 6 * 150


def test_openrouter_client_reads_every_chunk_when_streaming(
    openrouter_client: OpenRouter,
) -> None:
    chunks = stream(openrouter_client)

    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "one two three"
    assert [c.choices[0].finish_reason for c in chunks] == [None, None, None, "stop", "stop"]
    assert len({chunk.id for chunk in chunks}) == 1
    usage = chunks[-1].usage
    assert usage is not None
    assert nano(usage.cost) == COST_NANO_USD


def test_openrouter_client_raises_the_right_error_when_refused(
    simulator: Simulator, openrouter_client: OpenRouter
) -> None:
    simulator.faults.push(Fault(name="status", code=402))

    with pytest.raises(errors.PaymentRequiredResponseError) as refused:
        send(openrouter_client)

    assert refused.value.status_code == 402


def test_openrouter_client_reads_the_error_chunk_when_the_stream_fails(
    simulator: Simulator, openrouter_client: OpenRouter
) -> None:
    simulator.faults.push(Fault(name="mid-stream-error", chunks=1))

    last = stream(openrouter_client)[-1]

    assert last.error is not None
    assert last.error.code == 502


def test_openrouter_client_reads_the_catalogue_when_asked(openrouter_client: OpenRouter) -> None:
    page = openrouter_client.models.list()
    count = openrouter_client.models.count()
    model = openrouter_client.models.get(author="weir", slug="echo:nitro")
    endpoints = openrouter_client.endpoints.list(author="weir", slug="echo")
    providers = openrouter_client.providers.list()

    assert page is not None
    models = page.result.data
    assert {"weir/echo", "weir/smollm2-135m", "fault/cut"} <= {m.id for m in models}
    assert count.data.count == len(models)
    assert (model.data.id, model.data.pricing.prompt) == ("weir/echo", "0.00000015")
    assert endpoints.data.endpoints[0].pricing.completion == "0.0000006"
    assert [provider.slug for provider in providers.data] == ["weir-simulator"]


# `rate_limit` is deprecated, still required by the client, and warned about whenever it is read.
@pytest.mark.filterwarnings("ignore:warning.*DEPRECATED:DeprecationWarning")
def test_openrouter_client_reads_the_account_when_something_was_spent(
    openrouter_client: OpenRouter, simulator: Simulator
) -> None:
    chat = send(openrouter_client)

    generation = openrouter_client.generations.get_generation(id=chat.id).data
    key = openrouter_client.api_keys.get_current_key_metadata().data
    with OpenRouter(
        api_key=MANAGEMENT_KEY, server_url=simulator.url, retry_config=NO_RETRY
    ) as manager:
        credit = manager.credits.get_credits().data
        [row] = manager.analytics.get_user_activity().data

    assert nano(generation.total_cost) == COST_NANO_USD
    assert (generation.cancelled, generation.native_tokens_completion) == (False, 3)
    assert nano(credit.total_usage) == nano(key.usage) == nano(row.usage) == COST_NANO_USD
    assert key.label == "sk-or-v1-...a1a1"


def test_openai_client_reads_the_answer_when_it_is_plain(openai_client: openai.OpenAI) -> None:
    raw = openai_client.chat.completions.with_raw_response.create(
        model="weir/echo", messages=[{"role": "user", "content": "one two three"}], max_tokens=2
    )

    result = raw.parse()
    assert raw.headers["X-Generation-Id"] == result.id
    assert result.choices[0].message.content == "one two"
    assert result.choices[0].finish_reason == "length"
    assert result.model == "weir/echo"


def test_openai_client_reads_every_chunk_when_streaming(openai_client: openai.OpenAI) -> None:
    with openai_client.chat.completions.create(
        model="weir/echo", messages=[{"role": "user", "content": "one two three"}], stream=True
    ) as chunks:
        received = list(chunks)

    assert "".join(c.choices[0].delta.content or "" for c in received) == "one two three"
    assert received[-1].usage is not None
    assert received[-1].usage.total_tokens == 9


def test_openai_client_raises_the_right_error_when_refused(
    simulator: Simulator, openai_client: openai.OpenAI
) -> None:
    simulator.accept_keys({"another"})

    with pytest.raises(openai.AuthenticationError, match="User not found"):
        openai_client.chat.completions.create(
            model="weir/echo", messages=[{"role": "user", "content": "hi"}]
        )
