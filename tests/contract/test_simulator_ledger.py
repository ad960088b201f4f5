import base64
import json
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from local.simulator import Simulator
from tests.support.simulator_calls import (
    FULL_COST,
    KEY,
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


def put(url: str, values: object) -> int:
    call = open_call(url, body=json.dumps(values).encode(), method="PUT", key=None)
    return read_answer(call).status


def test_entry_is_exact_and_final_when_the_answer_has_arrived(simulator: Simulator) -> None:
    answers = [chat(simulator), chat(simulator, stream=True)]

    ids = [answers[0].json["id"], answers[1].events[0]["id"]]
    entries = simulator.ledger.entries()
    assert [entry.id for entry in entries] == ids
    assert [answer.headers["x-generation-id"] for answer in answers] == ids
    assert all(re.fullmatch(r"gen-\d{10}-[0-9A-Za-z]{20}", id_) for id_ in ids)
    assert [entry.cost_nano_usd for entry in entries] == [FULL_COST, FULL_COST]
    assert all(entry.final and entry.status == "completed" for entry in entries)


def test_stream_has_openrouters_framing_when_nothing_goes_wrong(simulator: Simulator) -> None:
    answer = chat(simulator, stream=True)

    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.body.startswith(b": OPENROUTER PROCESSING\n\n")
    assert answer.body.endswith(b"\n\ndata: [DONE]\n\n")
    finish, usage = answer.events[-2:]
    assert finish["choices"] == usage["choices"]
    assert usage["usage"]["cost"] == pytest.approx(FULL_COST / 10**9)


def test_text_survives_when_it_is_not_ascii(simulator: Simulator) -> None:
    text = "grüß\u2028dich 🏞️ こんにちは"

    answer = chat(simulator, content=text, stream=True)

    deltas = [event["choices"][0]["delta"]["content"] for event in answer.events]
    assert "".join(deltas) == text


def test_generation_is_unknown_when_its_stream_is_running() -> None:
    with running(token_interval_s=0.05) as simulator:
        call = open_call(f"{simulator.url}/chat/completions", body=chat_body(stream=True))
        head = call.recv(65536, socket.MSG_PEEK).decode()
        found = re.search(r"X-Generation-Id: (\S+)", head)
        assert found is not None
        url = f"{simulator.url}/generation?id={found[1]}"

        while_running = get(url).status
        rest = read_answer(call)
        afterwards = get(url)

    assert rest.done
    assert (while_running, afterwards.status) == (404, 200)
    assert afterwards.json["data"]["total_cost"] == FULL_COST / 10**9


def test_generation_stays_unknown_when_its_delay_is_not_over() -> None:
    with running(generation_delay_s=3600) as simulator:
        answer = chat(simulator)

        found = get(f"{simulator.url}/generation?id={answer.json['id']}")

    assert found.status == 404
    assert found.json["error"]["message"] == f"Generation {answer.json['id']} not found"


def test_tokens_so_far_are_charged_when_the_client_leaves_the_stream() -> None:
    with running(token_interval_s=0.02) as simulator:
        body = chat_body(content="word " * 2000, stream=True)
        with open_call(f"{simulator.url}/chat/completions", body=body) as call:
            received = b""
            while received.count(b"data: ") < 5:
                received += call.recv(65536)

        assert simulator.ledger.wait_until_final()
        [entry] = simulator.ledger.entries()
        [found] = [get(f"{simulator.url}/generation?id={entry.id}").json["data"]]

    assert (entry.cancelled, found["cancelled"]) == (True, True)
    assert 5 <= entry.completion_tokens < 2000
    assert entry.cost_nano_usd == 2003 * 150 + entry.completion_tokens * 600
    assert found["total_cost"] == entry.cost_nano_usd / 10**9


def test_whole_answer_is_charged_when_the_client_leaves_a_plain_call() -> None:
    with running(token_interval_s=0.05) as simulator:
        with open_call(f"{simulator.url}/chat/completions", body=chat_body()):
            wait_for(lambda: bool(simulator.ledger.entries()))
        assert simulator.ledger.wait_until_final()

        [entry] = simulator.ledger.entries()

    assert (entry.cancelled, entry.cost_nano_usd) == (True, FULL_COST)


def test_ledger_is_exact_when_32_clients_stream_at_once(simulator: Simulator) -> None:
    barrier = threading.Barrier(32)

    def call(number: int) -> bool:
        barrier.wait()
        return chat(simulator, content="word " * (number + 1), stream=True).done

    with ThreadPoolExecutor(32) as pool:
        done = list(pool.map(call, range(32)))

    words = sum(range(1, 33))
    assert done == [True] * 32
    assert simulator.ledger.total_nano_usd() == (words + 32 * 3) * 150 + words * 600
    assert len({entry.id for entry in simulator.ledger.entries()}) == 32


def test_one_connection_serves_all_when_the_client_keeps_it(simulator: Simulator) -> None:
    with requests.Session() as session:
        for stream in (False, True, False):
            answer = session.post(
                f"{simulator.url}/chat/completions",
                data=chat_body(stream=stream),
                headers={"Authorization": f"Bearer {KEY}"},
                timeout=10,
            )
            assert answer.status_code == 200

    assert simulator.connections == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": "no/such"}, "no/such is not a valid model ID"),
        ({"messages": []}, 'Input required: specify "prompt" or "messages"'),
        ({"max_tokens": 0}, "'max_tokens' must be an integer of at least 1."),
        ({"models": ["a", "b", "c", "d"]}, "'models' array must have 3 items or fewer."),
    ],
)
def test_request_is_refused_with_400_when_it_cannot_be_served(
    simulator: Simulator, fields: dict[str, Any], message: str
) -> None:
    answer = chat(simulator, **fields)

    assert (answer.status, answer.json["error"]["message"]) == (400, message)
    assert simulator.ledger.entries() == []


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"[" * 100_000])
def test_body_is_refused_with_400_when_it_is_no_object(simulator: Simulator, body: bytes) -> None:
    answer = read_answer(open_call(f"{simulator.url}/chat/completions", body=body))

    assert (answer.status, answer.json["error"]["code"]) == (400, 400)


def test_only_new_keys_are_accepted_when_they_are_rotated(simulator: Simulator) -> None:
    rotated = put(f"{simulator.admin_url}/keys", ["new-key"])

    statuses = [chat(simulator, key=key).status for key in (KEY, "new-key", None)]

    assert (rotated, statuses) == (200, [401, 200, 401])


@pytest.mark.parametrize("path", ["/key", "/credits", "/activity", "/generation?id=gen-1"])
def test_account_is_closed_and_catalogue_is_open_when_there_is_no_key(
    simulator: Simulator, path: str
) -> None:
    closed = get(simulator.url + path, key=None)
    opened = get(simulator.url + "/models", key=None)

    assert (closed.status, opened.status) == (401, 200)


def test_models_are_paged_when_offset_and_limit_are_given(simulator: Simulator) -> None:
    everything = get(f"{simulator.url}/models").json
    page = get(f"{simulator.url}/models?offset=1&limit=2").json

    assert page["data"] == everything["data"][1:3]
    assert page["total_count"] == len(everything["data"])
    assert page["links"]["next"] == "/api/v1/models?offset=3&limit=2"
    assert everything["links"]["next"] is None


def test_description_says_so_when_the_echo_model_stands_in(simulator: Simulator) -> None:
    model = get(f"{simulator.url}/model/weir/smollm2-135m").json["data"]

    assert "echo model, not by SmolLM2" in model["description"]
    assert (
        chat(simulator, model="weir/smollm2-135m")
        .json["choices"][0]["message"]["content"]
        .startswith("one two")
    )


def test_request_is_shown_byte_for_byte_when_an_operator_asks(simulator: Simulator) -> None:
    body = b'{"model":"weir/echo",  "messages":[{"role":"user","content":"hi"}], "x":1.50}'
    read_answer(open_call(f"{simulator.url}/chat/completions", body=body))

    [shown] = get(f"{simulator.admin_url}/requests").json["data"]

    assert base64.b64decode(shown["body_base64"]) == body == simulator.requests[0].body
    assert shown["path"] == "/api/v1/chat/completions"
    assert ["Authorization", f"Bearer {KEY}"] in shown["headers"]
    assert simulator.requests[0].header("x-absent") is None


def test_books_are_shown_and_cleared_when_an_operator_asks(simulator: Simulator) -> None:
    chat(simulator)
    url = f"{simulator.admin_url}/ledger"

    before = get(url).json
    read_answer(open_call(simulator.admin_url, method="DELETE"))
    after = get(url).json

    assert before["data"][0]["cost_nano_usd"] == FULL_COST
    assert before["totals"] | {"generations": 1, "running": 0} == before["totals"]
    assert (after["data"], after["totals"]["cost_nano_usd"]) == ([], 0)
    assert get(f"{simulator.admin_url}/connections").json["accepted"] >= 4


def test_faults_are_queued_when_an_operator_puts_them(simulator: Simulator) -> None:
    queued = put(f"{simulator.admin_url}/faults", [{"name": "429", "retry_after": 3}])
    refused = put(f"{simulator.admin_url}/faults", [{"name": "nonsense"}])

    assert (queued, refused) == (200, 400)
    assert [chat(simulator).status, chat(simulator).status] == [429, 200]


def test_nothing_is_left_when_the_simulator_has_stopped() -> None:
    threads = set(threading.enumerate())

    with running() as simulator, requests.Session() as session:
        session.get(f"{simulator.url}/models", timeout=10)
        url = simulator.url

    assert set(threading.enumerate()) == threads
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/models", timeout=10)
