import gzip
import socket
import time
from collections.abc import Iterator

import pytest

from local.simulator import Fault, Simulator
from tests.support.simulator_calls import (
    FULL_COST,
    PROMPT_COST,
    charged,
    chat,
    chat_body,
    get,
    open_call,
    read_answer,
    running,
    wait_for,
)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running() as simulator:
        yield simulator


def both_ways(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("name", "stream"), [(name, stream) for name in names for stream in (False, True)]
    )


def test_drip_goes_on_to_its_cap_when_nobody_stops_it(simulator: Simulator) -> None:
    simulator.faults.push(Fault(name="drip", interval_s=0.001, cap=30))

    answer = chat(simulator, stream=True, max_tokens=2)

    assert answer.events[-1]["usage"]["completion_tokens"] == 30
    assert charged(simulator) == PROMPT_COST + 30 * 600


@both_ways("drip")
def test_answer_is_intact_when_it_drips_byte_by_byte(
    simulator: Simulator, *, name: str, stream: bool
) -> None:
    simulator.faults.push(Fault(name=name, interval_s=0.0, cap=2, bytewise=True))

    answer = chat(simulator, stream=stream)

    body = answer.events[-1] if stream else answer.json
    assert body["usage"]["completion_tokens"] == 2
    assert not stream or answer.payload.startswith(b"1\r\n:\r\n1\r\n ")


def test_tokens_so_far_are_charged_when_the_client_leaves_a_drip(simulator: Simulator) -> None:
    simulator.faults.push(Fault(name="drip", interval_s=0.02))
    url = f"{simulator.url}/chat/completions"

    with open_call(url, body=chat_body(stream=True)) as connection:
        received = b""
        while received.count(b"data: ") < 3:
            received += connection.recv(65536)

    assert charged(simulator) < PROMPT_COST + 1200 * 600
    [entry] = simulator.ledger.entries()
    assert (entry.cancelled, entry.completion_tokens >= 3) == (True, True)


@both_ways("slow-headers", "silence")
def test_answer_is_whole_and_charged_when_it_only_hesitates(
    simulator: Simulator, *, name: str, stream: bool
) -> None:
    simulator.faults.push(Fault(name=name, delay_s=0.2, pause_s=0.2))
    started = time.monotonic()

    answer = chat(simulator, stream=stream)

    assert time.monotonic() - started >= 0.2
    assert (answer.complete, answer.done) == (True, stream)
    assert charged(simulator) == FULL_COST


def test_first_chunk_arrives_before_the_pause_when_the_stream_falls_silent(
    simulator: Simulator,
) -> None:
    simulator.faults.push(Fault(name="silence", pause_s=30))
    url = f"{simulator.url}/chat/completions"

    with open_call(url, body=chat_body(stream=True)) as connection:
        received = b""
        while b"one" not in received:
            received += connection.recv(65536)

    assert charged(simulator) == PROMPT_COST + 600


def test_nothing_is_charged_when_the_client_gives_up_on_no_answer(simulator: Simulator) -> None:
    simulator.faults.push(Fault(name="never"))

    with open_call(f"{simulator.url}/chat/completions", body=chat_body()) as connection:
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)

    assert charged(simulator) == 0
    assert simulator.ledger.entries() == []


@both_ways("huge")
def test_body_exceeds_the_size_when_it_is_huge(
    simulator: Simulator, *, name: str, stream: bool
) -> None:
    simulator.faults.push(Fault(name=name, size_bytes=300_000))

    answer = chat(simulator, stream=stream)

    assert len(max(answer.body.split(b"\n"), key=len)) > 300_000
    assert charged(simulator) == PROMPT_COST + 600


def test_other_path_is_named_when_redirected(simulator: Simulator) -> None:
    simulator.faults.push(Fault(name="redirect"))

    answer = chat(simulator)

    assert answer.status == 307
    assert answer.headers["location"].endswith("/redirected")
    assert get(answer.headers["location"]).status == 404
    assert [request.path for request in simulator.requests][-1] == "/redirected"
    assert charged(simulator) == 0


@both_ways("bad-json")
def test_body_cannot_be_parsed_when_it_is_bad_json(
    simulator: Simulator, *, name: str, stream: bool
) -> None:
    simulator.faults.push(Fault(name=name))

    answer = chat(simulator, stream=stream)

    with pytest.raises(ValueError, match=r"Unterminated|Expecting|Invalid control"):
        _ = answer.events if stream else answer.json
    assert (answer.status, answer.complete) == (200, True)
    assert charged(simulator) == (PROMPT_COST + 600 if stream else FULL_COST)


@pytest.mark.parametrize("code", [200, 502])
def test_page_is_html_when_asked_for(simulator: Simulator, code: int) -> None:
    simulator.faults.push(Fault(name="html", code=code))

    answer = chat(simulator)

    assert answer.status == code
    assert answer.headers["content-type"].startswith("text/html")
    assert charged(simulator) == 0


@both_ways("gzip")
def test_body_is_whole_when_unpacked_from_gzip(
    simulator: Simulator, *, name: str, stream: bool
) -> None:
    simulator.faults.push(Fault(name=name))

    answer = chat(simulator, stream=stream)

    assert answer.headers["content-encoding"] == "gzip"
    assert answer.complete
    assert b'"usage":' in gzip.decompress(answer.body)
    assert charged(simulator) == FULL_COST


@both_ways("no-generation-header", "many-headers")
def test_only_the_headers_differ_when_the_fault_is_in_them(
    simulator: Simulator, *, name: str, stream: bool
) -> None:
    simulator.faults.push(Fault(name=name))

    answer = chat(simulator, stream=stream)

    assert ("x-generation-id" in answer.headers) == (name == "many-headers")
    assert (len(answer.headers) > 150) == (name == "many-headers")
    assert charged(simulator) == FULL_COST


def test_fault_strikes_at_the_end_when_the_answer_is_shorter(simulator: Simulator) -> None:
    simulator.faults.push(Fault(name="cut", chunks=99))

    answer = chat(simulator, stream=True)

    assert (len(answer.events), answer.complete) == (4, False)
    assert charged(simulator) == FULL_COST


def test_simulator_stops_at_once_when_a_fault_is_still_at_work() -> None:
    started = time.monotonic()

    with running() as simulator:
        simulator.faults.push(Fault(name="never"), Fault(name="drip", interval_s=0.05))
        calls: list[socket.socket] = [
            open_call(f"{simulator.url}/chat/completions", body=chat_body(stream=True))
            for _ in range(2)
        ]
        wait_for(lambda: len(simulator.requests) == len(calls))

    assert time.monotonic() - started < 20
    assert not any(read_answer(call).done for call in calls)
