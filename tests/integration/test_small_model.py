"""The real small model behind the simulator; needs the packages of requirements/model.txt."""

import importlib.util
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.simulator import Simulator, llama
from tests.support.simulator_calls import KEY, chat, chat_body, complete, get, open_call

MODEL = "weir/smollm2-135m"
START_AND_WAIT = f"""
from local.simulator import Simulator
simulator = Simulator(keys=["{KEY}"], model="auto", announce=lambda line: None).start()
print(simulator._llama._process.pid, flush=True)
input()
"""


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    try:
        llama.find_weights()
    except llama.ModelUnavailableError as error:
        pytest.skip(f"{error}; install requirements/model.txt with --no-deps")
    with Simulator(keys={KEY}, model="auto", announce=lambda line: None) as simulator:
        yield simulator


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def wait_for_end(pid: int) -> bool:
    pause = threading.Event()
    return any(not is_running(pid) or pause.wait(0.05) for _ in range(200))


def test_model_answers_with_its_own_token_counts_when_asked(simulator: Simulator) -> None:
    answer = chat(simulator, model=MODEL, content="Why is the sky blue?", max_tokens=8).json

    [choice] = answer["choices"]
    assert choice["finish_reason"] in {"length", "stop"}
    assert choice["message"]["content"].strip() not in {"", "Why is the sky blue?"}
    usage = answer["usage"]
    assert usage["prompt_tokens"] > 6
    assert 1 <= usage["completion_tokens"] <= 8
    cost = usage["prompt_tokens"] * 20 + usage["completion_tokens"] * 60
    assert usage["cost"] == cost / 10**9
    assert simulator.ledger.entries()[-1].cost_nano_usd == cost


def test_model_streams_token_by_token_when_asked(simulator: Simulator) -> None:
    answer = chat(
        simulator,
        model=MODEL,
        content="Tell a long story.",
        max_tokens=12,
        temperature=0,
        stream=True,
    )

    *tokens, finish, usage = answer.events
    assert len(tokens) > 3
    assert finish["choices"][0]["finish_reason"] in {"length", "stop"}
    assert 1 <= usage["usage"]["completion_tokens"] <= 12
    assert answer.done


@pytest.mark.parametrize("prompt", ["The sky is", [504, 6376, 314]])
def test_model_completes_a_text_whether_it_comes_in_words_or_in_tokens(
    simulator: Simulator, prompt: object
) -> None:
    asked: dict[str, Any] = {"prompt": prompt, "max_tokens": 3, "temperature": 0, "logprobs": 2}
    answer = complete(simulator, model=MODEL, echo=True, **asked).json
    events = complete(simulator, model=MODEL, stream=True, **asked).events

    [choice] = answer["choices"]
    told = choice["logprobs"]
    assert choice["text"] == "The sky is" + "".join(told["tokens"])
    assert choice["finish_reason"] == "length"
    assert len(told["tokens"]) == len(told["text_offset"]) == 3
    assert all(logprob < 0 for logprob in told["token_logprobs"])
    assert [len(others) for others in told["top_logprobs"]] == [2, 2, 2]
    assert (answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]) == (3, 3)
    assert answer["usage"]["cost"] == (3 * 20 + 3 * 60) / 10**9
    assert "".join(event["choices"][0]["text"] for event in events) == "".join(told["tokens"])


def test_nothing_is_charged_when_the_model_does_not_know_a_token(simulator: Simulator) -> None:
    before = len(simulator.ledger.entries())

    answer = complete(simulator, model=MODEL, prompt=[999_999])

    assert answer.status == 400
    assert len(simulator.ledger.entries()) == before


def test_model_stops_and_charges_the_tokens_so_far_when_the_client_leaves(
    simulator: Simulator,
) -> None:
    body = chat_body(
        model=MODEL, content="Tell a long story.", max_tokens=1500, temperature=0, stream=True
    )
    with open_call(f"{simulator.url}/chat/completions", body=body) as call:
        received = b""
        while received.count(b"data: ") < 5:
            piece = call.recv(65536)
            assert piece
            received += piece

    assert simulator.ledger.wait_until_final(timeout_s=30)
    entry = simulator.ledger.entries()[-1]
    assert entry.cancelled
    assert 5 <= entry.completion_tokens < 1500
    assert entry.prompt_tokens > 0


@pytest.mark.parametrize(
    ("content", "status"), [("word " * 5000, 400), ([{"type": "image_url", "image_url": {}}], 404)]
)
def test_nothing_is_charged_when_the_model_cannot_take_the_prompt(
    simulator: Simulator, content: str, status: int
) -> None:
    before = len(simulator.ledger.entries())

    answer = chat(simulator, model=MODEL, content=content, stream=True)

    assert (answer.status, answer.json["error"]["code"]) == (status, status)
    assert len(simulator.ledger.entries()) == before


def test_catalogue_describes_the_real_model_when_it_is_loaded(simulator: Simulator) -> None:
    model = get(f"{simulator.url}/model/{MODEL}").json["data"]

    assert "llama.cpp" in model["description"]
    assert model["context_length"] == 2048


@pytest.mark.usefixtures("simulator")
def test_model_process_ends_when_the_simulator_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert is_running(child)

        os.kill(process.pid, signal.SIGKILL)

        process.wait()
    assert wait_for_end(child)


def test_echo_model_stands_in_and_says_why_when_the_packages_are_absent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    lines: list[str] = []

    with Simulator(keys={KEY}, model="auto", announce=lines.append) as simulator:
        model = get(f"{simulator.url}/model/{MODEL}").json["data"]
        answer = chat(simulator, model=MODEL).json

    assert lines == [
        f"loading the model {MODEL} …",
        f"{MODEL} is served by the echo model: the package xllamacpp is not installed",
    ]
    assert "echo model, not by SmolLM2" in model["description"]
    assert answer["choices"][0]["message"]["content"] == "one two three four"


def test_echo_model_stands_in_when_the_model_does_not_load(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "weights.gguf").write_bytes(b"no weights")
    monkeypatch.setattr(llama, "find_weights", lambda: tmp_path / "weights.gguf")
    lines: list[str] = []

    with Simulator(keys={KEY}, model="auto", announce=lines.append) as simulator:
        assert chat(simulator, model=MODEL).status == 200

    assert "is served by the echo model: the model did not load: " in lines[-1]
