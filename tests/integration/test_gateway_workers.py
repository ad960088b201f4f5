"""The local gateway's worker processes: as many as needed, and none left behind."""

import json
import os
import socket
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.gateway import running
from tests.support.gateway_functions import (
    address,
    ask,
    is_alive,
    make_fifo,
    release,
    running_functions,
    template_routes,
    wait_until,
)

PID = """
    def pid(event, context):
        return reply(os.getpid())
"""


def test_worker_is_killed_and_replaced_when_function_times_out(tmp_path: Path) -> None:
    source = """
        def slow(event, context):
            pathlib.Path("slow.pid").write_text(str(os.getpid()))
            time.sleep(3600)

        def pid(event, context):
            return reply(os.getpid())
    """
    with running_functions(tmp_path, source, timeout_s=1) as gateway:
        response, body = ask(gateway, "/plain/slow")
        slow = int((tmp_path / "slow.pid").read_text())
        wait_until(lambda: not is_alive(slow))
        _, other = ask(gateway, "/plain/pid")

    assert response.status == 504
    assert json.loads(body)["failed"] == "Endpoint request timed out"
    assert int(other) != slow
    assert "Task timed out after 1.00 seconds" in (tmp_path / "Function.log").read_text()


def test_each_request_has_a_worker_of_its_own_when_they_overlap(tmp_path: Path) -> None:
    source = """
        def meet(event, context):
            wait(arguments(event)["gate"])
            return reply(os.getpid())
    """
    gates = [make_fifo(tmp_path / name) for name in ("one", "two")]

    with running_functions(tmp_path, source) as gateway, ThreadPoolExecutor() as clients:
        answers = [clients.submit(ask, gateway, "/plain/meet", {"gate": str(g)}) for g in gates]
        for gate in reversed(gates):
            release(gate)
        pids = {int(answer.result()[1]) for answer in answers}
        workers = set(gateway.worker_pids("Function"))

    assert len(pids) == 2
    assert pids == workers


def test_request_waits_when_every_worker_is_busy(tmp_path: Path) -> None:
    source = """
        def count(event, context):
            note(event, "x")
            return reply(os.getpid())
    """
    notes = tmp_path / "notes"

    with (
        running_functions(tmp_path, source, max_workers=2) as gateway,
        ThreadPoolExecutor(8) as clients,
    ):
        event = {"notes": str(notes)}
        answers = [clients.submit(ask, gateway, "/plain/count", event) for _ in range(8)]
        pids = {answer.result()[1] for answer in answers}

    assert notes.read_text() == "x\n" * 8
    assert 1 <= len(pids) <= 2


def test_no_process_is_left_when_gateway_stops_in_the_middle_of_requests(tmp_path: Path) -> None:
    source = """
        import subprocess

        def hang(event, context):
            child = subprocess.Popen(["sleep", "3600"])
            note(event, f"{os.getpid()} {child.pid}")
            time.sleep(3600)
    """
    notes = tmp_path / "notes"
    notes.touch()

    with ThreadPoolExecutor(2) as clients:
        with running_functions(tmp_path, source) as gateway:
            event = {"notes": str(notes)}
            answers = [clients.submit(ask, gateway, "/plain/hang", event) for _ in range(2)]
            wait_until(lambda: notes.read_text().count("\n") == 2)
        failures = [answer.exception() for answer in answers]

    assert all(isinstance(failure, OSError) for failure in failures)
    pids = [int(pid) for pid in notes.read_text().split()]
    wait_until(lambda: not any(is_alive(pid) for pid in pids))


@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel to kill the workers")
def test_no_process_is_left_when_gateway_is_killed(tmp_path: Path) -> None:
    program = """
        import sys, time
        from pathlib import Path
        from tests.support.gateway_functions import ask, running_functions

        source = "def pid(event, context): return reply(os.getpid())"
        with running_functions(Path(sys.argv[1]), source) as gateway:
            print(ask(gateway, "/plain/pid")[1].decode(), flush=True)
            time.sleep(3600)
    """
    gateway = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert gateway.stdout is not None
    with gateway, gateway.stdout:
        worker = int(gateway.stdout.readline())
        was_alive = is_alive(worker)
        gateway.kill()

    assert was_alive
    wait_until(lambda: not is_alive(worker))


def test_start_fails_when_port_is_taken(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="address already in use"),
        running({}, template_routes(), log_dir=tmp_path, port=taken.getsockname()[1]),
    ):
        pass


def test_connection_is_refused_when_gateway_has_stopped(tmp_path: Path) -> None:
    with running_functions(tmp_path, PID) as gateway:
        where = address(gateway)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where)


def test_worker_pids_are_empty_when_nothing_was_asked(tmp_path: Path) -> None:
    with running_functions(tmp_path, PID) as gateway:
        before = gateway.worker_pids("Function")
        ask(gateway, "/plain/pid")
        (pid,) = gateway.worker_pids("Function")
        os.kill(pid, 9)
        wait_until(lambda: gateway.worker_pids("Function") == [])

    assert before == []
