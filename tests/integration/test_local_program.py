"""`python -m local` and what it is made of, where it cannot start or must stop at once."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import local.aws
from local import __main__
from local.aws import EmbeddedAws, EmbeddedAwsError
from local.gateway import InvocationError, RunningGateway
from local.schedules import Schedules
from local.stop_signals import StopSignals
from tests.support.gateway_functions import make_fifo, running_functions, wait_until
from tests.support.template import ROOT

PATIENCE_S = 60


@contextlib.contextmanager
def program(**variables: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "local"],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("port", ["soon", "-1", "65536", "8080.5"])
def test_a_port_that_is_none_is_told_so(port: str) -> None:
    with program(PORT=port) as process:
        output, errors = process.communicate(timeout=PATIENCE_S)

    assert (process.returncode, output) == (2, "")
    assert errors.startswith("PORT must be ")
    assert port in errors


def test_a_taken_port_is_noticed_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        with program(PORT=port) as process:
            output, errors = process.communicate(timeout=PATIENCE_S)

    assert (process.returncode, output) == (1, "")
    assert f"cannot serve on port {port}" in errors


@pytest.mark.parametrize(
    ("step", "number"),
    [
        ("simulator", signal.SIGINT),
        ("loading", signal.SIGTERM),
        ("embedded AWS", signal.SIGINT),
        ("deploying", signal.SIGTERM),
    ],
)
def test_the_start_unwinds_when_interrupted(step: str, number: signal.Signals) -> None:
    with program(PORT="0") as process:
        assert process.stdout is not None
        seen = ""
        while step not in seen:
            line = process.stdout.readline()
            assert line, seen
            seen += line
        process.send_signal(number)
        output, errors = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 130
    assert "Weir is up" not in output
    assert errors == ""


def test_a_stack_that_cannot_be_deployed_is_told_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise EmbeddedAwsError("the stack is ROLLBACK_COMPLETE: because")

    monkeypatch.setattr(__main__, "_serve", fail)
    monkeypatch.setattr(StopSignals, "listen", lambda _self: None)
    monkeypatch.setenv("PORT", "0")

    assert __main__.main() == 1

    assert capsys.readouterr().err == "cannot start: the stack is ROLLBACK_COMPLETE: because\n"


def test_an_embedded_aws_that_does_not_start_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    aws = EmbeddedAws()

    with pytest.raises(EmbeddedAwsError, match="did not start"):
        aws.__enter__()

    assert aws._process is not None
    assert aws._process.returncode == 1


def test_the_process_of_an_embedded_aws_is_killed_when_it_does_not_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local.aws, "_STOP_TIMEOUT_S", 0.1)

    with EmbeddedAws() as aws:
        assert aws._process is not None
        aws._process.send_signal(signal.SIGSTOP)

    assert aws._process.returncode == -signal.SIGKILL


HELD = """
    def held(event, context):
        note(event, "begun")
        wait(arguments(event)["gate"])
"""


def test_a_scheduled_run_in_progress_does_not_delay_the_end(tmp_path: Path) -> None:
    notes, gate = tmp_path / "notes", make_fifo(tmp_path / "gate")
    body = json.dumps({"notes": str(notes), "gate": str(gate)})
    failures: list[str] = []

    with contextlib.ExitStack() as resources:
        gateway: RunningGateway

        def run(function: str, _event: Mapping[str, Any]) -> None:
            try:
                gateway.invoke(function, {"path": "/direct/held", "body": body})
            except InvocationError as failure:
                failures.append(str(failure))
                raise

        schedules = resources.enter_context(Schedules({"Function": 0.5}, invoke=run))
        gateway = resources.enter_context(running_functions(tmp_path, HELD))
        resources.callback(schedules.stop)
        wait_until(notes.exists)
    # Nobody has opened the gate: only the end of the worker can have ended the run.

    assert failures == ["Function: the gateway stops"]
    with pytest.raises(InvocationError, match="the gateway stops"):
        gateway.invoke("Function", {})
