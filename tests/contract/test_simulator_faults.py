from collections.abc import Iterator
from typing import Any

import pytest

from local.simulator import Fault, Simulator
from local.simulator.faults import STATUS_CODES, fault_of_model, parse_fault
from tests.support.simulator_calls import (
    FULL_COST,
    TWO_TOKENS_COST,
    charged,
    chat,
    get,
    running,
)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running() as simulator:
        yield simulator


def both_ways(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("name", "stream"), [(name, stream) for name in names for stream in (False, True)]
    )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("code", STATUS_CODES)
def test_status_comes_in_the_envelope_and_is_free_when_asked_for(
    simulator: Simulator, *, code: int, stream: bool
) -> None:
    simulator.faults.push(Fault(name="status", code=code))

    answer = chat(simulator, stream=stream)

    assert (answer.status, answer.json["error"]["code"]) == (code, code)
    assert answer.headers["content-type"] == "application/json"
    assert isinstance(answer.json["error"]["message"], str)
    assert simulator.ledger.entries() == []


def test_rate_limit_names_its_source_and_delay_when_it_is_429(simulator: Simulator) -> None:
    simulator.faults.push(Fault(name="status", code=429, retry_after=7))

    answer = chat(simulator)

    assert answer.headers["retry-after"] == "7"
    assert answer.json["error"]["metadata"]["limit_source"] == "upstream_provider_shared_pool"


def test_generation_id_never_resolves_when_the_provider_fails(simulator: Simulator) -> None:
    simulator.faults.push(Fault(name="status", code=502))
    answer = chat(simulator)

    found = get(f"{simulator.url}/generation?id={answer.headers['x-generation-id']}")

    assert found.status == 404


def test_moderation_metadata_is_sent_when_it_is_403(simulator: Simulator) -> None:
    metadata = chat(simulator, model="fault/403").json["error"]["metadata"]

    assert metadata["model_slug"] == "fault/403"
    assert {"reasons", "flagged_input", "provider_name"} < metadata.keys()


@both_ways("error-in-200", "first-event-error")
def test_body_is_only_an_error_when_the_provider_fails_after_the_200(
    simulator: Simulator, *, name: str, stream: bool
) -> None:
    simulator.faults.push(Fault(name=name))

    answer = chat(simulator, stream=stream)

    [body] = answer.events if stream else [answer.json]
    assert (answer.status, answer.complete, answer.done) == (200, True, False)
    assert body["error"]["code"] == 502
    assert charged(simulator) == 0
    resolves = get(f"{simulator.url}/generation?id={body['id']}").status
    assert resolves == (404 if name == "error-in-200" else 200)


def test_tokens_so_far_are_charged_when_an_error_ends_the_stream(simulator: Simulator) -> None:
    simulator.faults.push(Fault(name="mid-stream-error", chunks=2))

    answer = chat(simulator, stream=True)

    *tokens, error = answer.events
    assert len(tokens) == 2
    assert error["error"]["metadata"]["error_type"] == "provider_unavailable"
    assert error["choices"][0]["finish_reason"] == "error"
    assert (answer.complete, answer.done, charged(simulator)) == (True, False, TWO_TOKENS_COST)


def test_partial_answer_carries_the_error_when_a_plain_call_fails_midway(
    simulator: Simulator,
) -> None:
    simulator.faults.push(Fault(name="mid-stream-error", chunks=2))

    [choice] = chat(simulator).json["choices"]

    assert (choice["finish_reason"], choice["message"]["content"]) == ("error", "one two")
    assert choice["error"]["code"] == 502
    assert charged(simulator) == TWO_TOKENS_COST


@pytest.mark.parametrize("name", ["cut", "rst"])
def test_tokens_so_far_are_charged_when_the_stream_breaks_off(
    simulator: Simulator, name: str
) -> None:
    simulator.faults.push(Fault(name=name, chunks=2))

    answer = chat(simulator, stream=True)

    assert (answer.complete, answer.done) == (False, False)
    assert answer.reset == (name == "rst")
    assert charged(simulator) == TWO_TOKENS_COST
    [entry] = simulator.ledger.entries()
    assert (entry.status, entry.cancelled) == ("cut", False)


@pytest.mark.parametrize("content_length", [False, True])
def test_half_a_body_arrives_when_a_plain_answer_is_cut(
    simulator: Simulator, *, content_length: bool
) -> None:
    simulator.faults.push(Fault(name="cut", content_length=content_length))

    answer = chat(simulator)

    assert ("content-length" in answer.headers) == content_length
    assert answer.body.startswith(b'{"id":"gen-')
    assert not answer.complete
    assert charged(simulator) == FULL_COST


def test_connection_is_reset_without_a_byte_when_rst_has_no_chunks(simulator: Simulator) -> None:
    simulator.faults.push(Fault(name="rst"))

    answer = chat(simulator)

    assert (answer.status, answer.reset, charged(simulator)) == (0, True, 0)


@both_ways("no-usage")
def test_answer_is_charged_in_full_when_it_has_no_usage(
    simulator: Simulator, *, name: str, stream: bool
) -> None:
    simulator.faults.push(Fault(name=name))

    answer = chat(simulator, stream=stream)

    bodies = answer.events if stream else [answer.json]
    assert not any("usage" in body for body in bodies)
    assert (answer.done, answer.complete) == (stream, True)
    assert charged(simulator) == FULL_COST


def test_stream_ends_cleanly_with_usage_when_done_is_missing(simulator: Simulator) -> None:
    simulator.faults.push(Fault(name="no-done"))

    answer = chat(simulator, stream=True)

    assert "usage" in answer.events[-1]
    assert (answer.done, answer.complete, charged(simulator)) == (False, True, FULL_COST)


def test_each_fault_meets_one_request_when_several_are_queued(simulator: Simulator) -> None:
    simulator.faults.push(Fault(name="status", code=503), Fault(name="status", code=429))

    statuses = [chat(simulator).status for _ in range(3)]

    assert statuses == [503, 429, 200]


def test_fault_waits_when_the_key_is_wrong(simulator: Simulator) -> None:
    simulator.faults.push(Fault(name="status", code=503))

    statuses = [chat(simulator, key=key).status for key in ("wrong", None)]

    assert statuses == [401, 401]
    assert len(simulator.faults) == 1


def test_fallback_answers_when_the_first_model_fails(simulator: Simulator) -> None:
    answer = chat(simulator, model="fault/503", models=["no/such", "weir/echo"])

    assert (answer.status, answer.json["model"]) == (200, "weir/echo")


def test_options_are_read_when_they_stand_in_the_model_id(simulator: Simulator) -> None:
    answer = chat(simulator, model="fault/mid-stream-error:chunks=3", stream=True)

    assert len(answer.events) == 4
    assert answer.events[0]["model"] == "fault/mid-stream-error:chunks=3"


def test_fault_is_read_when_written_as_a_slug() -> None:
    assert fault_of_model("cut:chunks=3,content_length=0") == Fault(
        name="cut", chunks=3, content_length=False
    )
    assert fault_of_model("429:retry_after=9") == Fault(name="status", code=429, retry_after=9)


@pytest.mark.parametrize(
    "options",
    [{}, {"name": 4}, {"name": "418"}, {"name": "cut", "chunks": "2"}, {"name": "cut", "n": 1}],
)
def test_fault_is_refused_when_it_means_nothing(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"fault|option|cannot be"):
        parse_fault(options)
