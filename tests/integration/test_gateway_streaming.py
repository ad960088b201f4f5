"""The local gateway's streaming routes, over real sockets and real processes."""

import json
import os
import signal
import socket
from http.client import IncompleteRead
from pathlib import Path

import pytest

from tests.support.gateway_functions import (
    ask,
    connected,
    make_fifo,
    raw,
    raw_post,
    receive_until,
    release,
    running_functions,
    wait_until,
)

GATED = """
    def gated(event, context):
        def body():
            for number, gate in enumerate(arguments(event)["gates"]):
                yield f"chunk {number};"
                wait(gate)
            note(event, "ran to its end")
            yield "last;"
        return StreamingResponse(body(), 207, {"Content-Type": "text/event-stream"})

    def short(event, context):
        return StreamingResponse(["fine ", str(os.getpid())])
"""
ENDLESS = """
    def endless(event, context):
        def body():
            for _ in range(arguments(event)["chunks"]):
                yield "x" * 10_000
            note(event, f"ran to its end {os.getpid()}")
        return StreamingResponse(body())

    def short(event, context):
        return StreamingResponse([str(os.getpid())])
"""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.touch()
    return path


def test_client_sees_chunk_when_function_has_not_made_the_next(tmp_path: Path, notes: Path) -> None:
    gates = [make_fifo(tmp_path / f"gate-{number}") for number in range(4)]
    event = {"gates": [str(gate) for gate in gates], "notes": str(notes)}

    with running_functions(tmp_path, GATED) as gateway, raw(gateway) as client:
        client.sendall(raw_post("/stream/gated", event))
        seen = []
        for number, gate in enumerate(gates):
            seen.append(receive_until(client, f"chunk {number};\r\n".encode()))
            release(gate)
        seen.append(receive_until(client, b"0\r\n\r\n"))

    head, _, first = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 207 Multi-Status\r\nContent-Type: text/event-stream\r\n")
    assert b"\r\nTransfer-Encoding: chunked\r\n" in head
    assert first == b"8\r\nchunk 0;\r\n"
    assert seen[-1] == b"5\r\nlast;\r\n0\r\n\r\n"


def test_invocation_runs_to_its_end_when_client_leaves(tmp_path: Path, notes: Path) -> None:
    gates = [make_fifo(tmp_path / f"gate-{number}") for number in range(3)]
    event = {"gates": [str(gate) for gate in gates], "notes": str(notes)}

    with running_functions(tmp_path, GATED, max_workers=1) as gateway:
        with raw(gateway) as client:
            client.sendall(raw_post("/stream/gated", event))
            receive_until(client, b"chunk 0;\r\n")
            (pid,) = gateway.worker_pids("Function")
        for gate in gates:
            release(gate)
        wait_until(lambda: notes.read_text() == "ran to its end\n")
        _, body = ask(gateway, "/stream/short")

    assert body == f"fine {pid}".encode()


def test_invocation_runs_to_its_end_when_client_leaves_a_full_pipe(
    tmp_path: Path, notes: Path
) -> None:
    event = {"chunks": 3000, "notes": str(notes)}

    with running_functions(tmp_path, ENDLESS, max_workers=1) as gateway:
        with raw(gateway) as client:
            client.sendall(raw_post("/stream/endless", event))
            client.recv(10)  # and no more: 30 MB are on their way
        _, body = ask(gateway, "/stream/short")

    assert notes.read_text() == f"ran to its end {body.decode()}\n"


def test_client_gets_all_when_it_reads_slowly(tmp_path: Path, notes: Path) -> None:
    event = {"chunks": 1000, "notes": str(notes)}

    with running_functions(tmp_path, ENDLESS) as gateway, connected(gateway) as client:
        client.sock = socket.socket()
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sock.connect((client.host, client.port))
        client.request("POST", "/stream/endless", json.dumps(event))
        body = client.getresponse().read()

    assert body == b"x" * 10_000_000


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("raise ValueError('broken')", id="function raises"),
        pytest.param("os._exit(3)", id="process exits"),
    ],
)
def test_connection_is_cut_when_function_fails_in_the_middle(tmp_path: Path, end: str) -> None:
    source = f"""
        def broken(event, context):
            def body():
                yield "first"
                {end}
            return StreamingResponse(body())
    """
    with running_functions(tmp_path, source) as gateway, connected(gateway) as client:
        client.request("POST", "/stream/broken")
        response = client.getresponse()
        with pytest.raises(IncompleteRead) as cut:
            response.read()

    assert response.status == 200
    assert cut.value.partial == b"first"


def test_connection_is_cut_when_worker_is_killed_in_the_middle(tmp_path: Path, notes: Path) -> None:
    event = {"gates": [str(make_fifo(tmp_path / "gate"))], "notes": str(notes)}

    with running_functions(tmp_path, GATED) as gateway:
        with connected(gateway) as client:
            client.request("POST", "/stream/gated", json.dumps(event))
            response = client.getresponse()
            first = response.read1()
            (pid,) = gateway.worker_pids("Function")
            os.kill(pid, signal.SIGKILL)
            with pytest.raises(IncompleteRead):
                response.read()
        again, _ = ask(gateway, "/stream/short")

    assert first == b"chunk 0;"
    assert again.status == 200
    assert notes.read_text() == ""


@pytest.mark.parametrize(
    "result",
    [
        pytest.param('{"statusCode": 200, "body": "x"}', id="plain proxy result"),
        pytest.param('StreamingResponse(["x"], 99)', id="no HTTP status"),
        pytest.param('StreamingResponse(["x"], 200, {"X-A": "b\\r\\nX-C: d"})', id="two lines"),
        pytest.param('StreamingResponse(["x"], 200, {"X A": "b"})', id="no header name"),
        pytest.param('StreamingResponse(["x"], 200, {"X-A": None})', id="no header value"),
    ],
)
def test_answer_is_502_when_streaming_route_gets_no_proper_stream(
    tmp_path: Path, result: str
) -> None:
    source = f"""
        def wrong(event, context):
            return {result}
    """
    with running_functions(tmp_path, source) as gateway:
        response, body = ask(gateway, "/stream/wrong")

    assert response.status == 502
    assert json.loads(body)["failed"] == "Internal server error"


def test_answer_is_502_when_buffered_route_gets_a_stream(tmp_path: Path) -> None:
    with running_functions(tmp_path, GATED) as gateway:
        response, _ = ask(gateway, "/plain/short")

    assert response.status == 502


def test_answer_is_504_and_function_goes_on_when_gateway_waits_no_longer(
    tmp_path: Path, notes: Path
) -> None:
    source = """
        def slow(event, context):
            wait(arguments(event)["gate"])
            note(event, "ran to its end")
            return StreamingResponse([])
    """
    gate = make_fifo(tmp_path / "gate")

    with running_functions(tmp_path, source) as gateway:
        response, body = ask(gateway, "/hasty/slow", {"gate": str(gate), "notes": str(notes)})
        release(gate)
        wait_until(lambda: notes.read_text() == "ran to its end\n")

    assert response.status == 504
    assert json.loads(body)["failed"] == "Endpoint request timed out"


def test_only_the_head_is_sent_when_status_has_no_body(tmp_path: Path) -> None:
    source = """
        def nothing(event, context):
            return StreamingResponse(["dropped"], 204)
    """
    with running_functions(tmp_path, source) as gateway, connected(gateway) as client:
        client.request("POST", "/stream/nothing")
        first = client.getresponse()
        first_body = first.read()
        client.request("POST", "/stream/nothing")
        second = client.getresponse()
        second.read()

    assert (first.status, first_body, second.status) == (204, b"", 204)
    assert first.getheader("Transfer-Encoding") is None


def test_body_ends_with_the_connection_when_client_speaks_http_1_0(tmp_path: Path) -> None:
    with running_functions(tmp_path, GATED) as gateway, raw(gateway) as client:
        client.sendall(b"POST /stream/short HTTP/1.0\r\n\r\n")
        received = b""
        while data := client.recv(65536):
            received += data

    head, _, body = received.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert body.startswith(b"fine ")
