"""The runtime layer as the process Lambda runs, with a handler made of a test's own source."""

import contextlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coverage import Coverage

from tests.support.runtime_api_server import Invocation, RuntimeApiServer, running_api

ROOT = Path(__file__).parents[2]
EXIT_S = 20
HANDLER = """
    import pathlib
    from lambda_stream import StreamingResponse

    def wait(path):
        with open(path) as gate:  # a FIFO: blocks until the test opens it for writing
            gate.read()

    def note(event, text):
        with open(event["notes"], "a") as notes:
            notes.write(text + "\\n")

    def lambda_handler(event, context):
        return globals()[event["do"]](event)
"""


@dataclass(frozen=True, slots=True)
class Runtime:
    """A runtime process and the API it talks to."""

    api: RuntimeApiServer
    process: subprocess.Popen[bytes]
    log: Path


@contextlib.contextmanager
def running_runtime(folder: Path, source: str, **variables: str) -> Iterator[Runtime]:
    (folder / "handler.py").write_text(textwrap.dedent(HANDLER) + textwrap.dedent(source))
    log = folder / "log.txt"
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(log.open("wb"))
        api = stack.enter_context(running_api())
        process = subprocess.Popen(
            [sys.executable, "-m", "lambda_stream"],
            cwd=folder,
            env={
                **os.environ,
                **_coverage_variables(),
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "_HANDLER": "handler.lambda_handler",
                **variables,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        stack.callback(_end, api, process)
        yield Runtime(api, process, log)


def _coverage_variables() -> dict[str, str]:
    """Return what lets coverage go on in a child; nothing when this process is not measured."""
    measured = Coverage.current()
    if measured is None:
        return {}
    return {
        "COVERAGE_PROCESS_START": str(ROOT / "pyproject.toml"),
        "COVERAGE_FILE": str(ROOT / str(measured.get_option("run:data_file"))),
    }


def _end(api: RuntimeApiServer, process: subprocess.Popen[bytes]) -> None:
    api.stop()
    try:
        process.wait(EXIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def body_of(invocation: Invocation) -> bytes:
    """Wait for the whole streamed response; return what follows the prelude."""
    messages = invocation.rest()
    assert messages[-1].kind == "end"
    sent = b"".join(message.data for message in messages if message.kind == "chunk")
    return sent.partition(b"\0" * 8)[2]


def release(fifo: Path) -> None:
    with fifo.open("w"):
        pass
