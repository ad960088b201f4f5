"""The simulator's /completions: as OpenRouter had it, with the simulator's own books and faults."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.simulator import Fault, Simulator
from local.simulator.faults import NAMES
from local.simulator.ledger import Kind, Status
from tests.support.simulator_calls import MANAGEMENT_KEY, charged, complete, get, running

PROMPT_NANO_USD, TOKEN_NANO_USD = 150, 600
# Waiting for the client, or for too long; the faults of the chat route cover these.
SLOW = {"never", "drip", "huge"}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running() as simulator:
        yield simulator


def cost(prompt_tokens: int, completion_tokens: int) -> int:
    return prompt_tokens * PROMPT_NANO_USD + completion_tokens * TOKEN_NANO_USD


def test_a_text_is_answered_with_a_choice_of_text(simulator: Simulator) -> None:
    answer = complete(simulator, max_tokens=2)

    body = answer.json
    assert body["object"] == "text_completion"
    assert body["id"] == answer.headers["x-generation-id"]
    assert body["choices"] == [
        {
            "index": 0,
            "text": "one two",
            "logprobs": None,
            "finish_reason": "length",
            "native_finish_reason": "length",
        }
    ]
    assert body["usage"]["cost"] == cost(4, 2) / 10**9
    assert charged(simulator) == cost(4, 2)
    assert simulator.ledger.entries()[-1].kind is Kind.TEXT


def test_a_text_is_streamed_in_chunks_of_text(simulator: Simulator) -> None:
    answer = complete(simulator, stream=True)

    *tokens, finish, usage = answer.events
    assert [event["choices"][0]["text"] for event in tokens] == ["one", " two", " three", " four"]
    assert {event["object"] for event in answer.events} == {"text_completion"}
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert usage["usage"]["completion_tokens"] == 4
    assert answer.done


def test_each_choice_has_its_index_and_its_offsets_when_several_are_streamed(
    simulator: Simulator,
) -> None:
    answer = complete(
        simulator, prompt=["a b", "c"], n=2, best_of=3, echo=True, logprobs=0, stream=True
    )

    texts = dict.fromkeys(range(4), "")
    finished = []
    for event in answer.events[:-1]:
        (choice,) = event["choices"]
        told = choice["logprobs"] or {"text_offset": [], "top_logprobs": []}
        assert told["text_offset"] in ([], [len(texts[choice["index"]])])
        assert told["top_logprobs"] in ([], [{}])
        texts[choice["index"]] += choice["text"]
        finished += [choice["index"]] if choice["finish_reason"] else []
    assert texts == {0: "a ba b", 1: "a ba b", 2: "cc", 3: "cc"}
    assert finished == [0, 1, 2, 3]
    assert charged(simulator) == cost(3, 3 * 3)


def test_token_ids_are_words_to_the_echo_model(simulator: Simulator) -> None:
    body = complete(simulator, prompt=[[5, 6], [7]], echo=True).json

    assert [choice["text"] for choice in body["choices"]] == ["5 65 6", "77"]
    assert charged(simulator) == cost(3, 3)


@pytest.mark.parametrize(
    "fields",
    [{"prompt": None}, {"prompt": []}, {"prompt": [None]}, {"prompt": [1, "a"]}, {"n": "2"}],
)
def test_a_request_that_means_nothing_is_refused(
    simulator: Simulator, fields: dict[str, Any]
) -> None:
    answer = complete(simulator, **fields)

    assert (answer.status, charged(simulator)) == (400, 0)


def test_a_management_key_completes_nothing(simulator: Simulator) -> None:
    assert complete(simulator, key=MANAGEMENT_KEY).status == 403
    assert complete(simulator, key=None).status == 401


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", sorted(NAMES - SLOW))
def test_every_fault_strikes_and_the_books_follow(
    simulator: Simulator, name: str, *, stream: bool
) -> None:
    simulator.faults.push(Fault(name=name, delay_s=0.01, pause_s=0.01))

    answer = complete(simulator, stream=stream)

    assert len(simulator.faults) == 0
    assert b"chat.completion" not in answer.body
    paid = charged(simulator)
    assert paid in {0, *(cost(4, tokens) for tokens in range(1, 5))}
    for entry in simulator.ledger.entries():
        assert entry.kind is Kind.TEXT
        assert entry.cost_nano_usd == paid


def test_a_failed_stream_ends_in_a_chunk_of_text(simulator: Simulator) -> None:
    simulator.faults.push(Fault(name="mid-stream-error", chunks=1))

    last = complete(simulator, stream=True).events[-1]

    assert (last["object"], last["error"]["code"]) == ("text_completion", 502)
    assert last["choices"] == [{"index": 0, "text": "", "finish_reason": "error"}]
    assert charged(simulator) == cost(4, 1)


def test_a_generation_is_told_like_a_chat(simulator: Simulator) -> None:
    generation_id = complete(simulator).json["id"]

    told = get(f"{simulator.url}/generation?id={generation_id}").json["data"]

    assert (told["api_type"], told["tokens_completion"]) == ("completions", 4)
    assert told["total_cost"] == cost(4, 4) / 10**9


def test_a_fault_is_chosen_by_the_model_as_well(simulator: Simulator) -> None:
    answer = complete(simulator, model="fault/cut:chunks=1", stream=True)

    assert not answer.complete
    assert simulator.ledger.entries()[-1].status is Status.CUT
