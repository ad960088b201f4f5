"""The runtime layer, run as the process Lambda runs, against a strict Runtime API."""

import base64
import contextlib
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.runtime_api_server import Invocation, RuntimeApiServer, running_api

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
                **os.environ,  # noqa: TID251  # PATH, and what coverage needs in a child
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "_HANDLER": "handler.lambda_handler",
                **variables,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        stack.callback(_end, api, process)
        yield Runtime(api, process, log)


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


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.touch()
    return path


def test_prelude_is_exact_when_handler_streams(tmp_path: Path) -> None:
    source = """
        def stream(event):
            headers = {"Content-Type": "text/event-stream", "X-Ünicode": "é"}
            return StreamingResponse(iter([b"data"]), 201, headers)
    """
    with running_runtime(tmp_path, source) as runtime:
        invocation = runtime.api.submit({"do": "stream"})
        head, chunk, end = invocation.rest()

    assert head.headers["content-type"] == "application/vnd.awslambda.http-integration-response"
    assert head.headers["lambda-runtime-function-response-mode"] == "streaming"
    assert chunk.data == (
        b'{"statusCode":201,"headers":{"Content-Type":"text/event-stream",'
        b'"X-\\u00dcnicode":"\\u00e9"}}' + bytes(8) + b"data"
    )
    assert end.headers == {}


def test_chunk_arrives_when_handler_has_not_made_the_next(tmp_path: Path) -> None:
    source = """
        def stream(event):
            def body():
                for number, gate in enumerate(event["gates"]):
                    yield f"chunk {number}"
                    wait(gate)
            return StreamingResponse(body())
    """
    gates = [tmp_path / f"gate-{number}" for number in range(5)]
    for gate in gates:
        os.mkfifo(gate)

    with running_runtime(tmp_path, source) as runtime:
        invocation = runtime.api.submit({"do": "stream", "gates": [str(gate) for gate in gates]})
        invocation.next("head")
        for number, gate in enumerate(gates):
            chunk = invocation.next("chunk")
            release(gate)
            assert chunk.data.endswith(f"chunk {number}".encode())
        invocation.next("end")


def test_pieces_are_sent_as_bytes_when_body_mixes_str_bytes_and_nothing(tmp_path: Path) -> None:
    source = """
        def stream(event):
            return StreamingResponse(["", b"", "a\\u2028é", b"\\xff\\x00", "", b"z", b""])
    """
    with running_runtime(tmp_path, source) as runtime:
        messages = runtime.api.submit({"do": "stream"}).rest()

    first, *others = [message.data for message in messages if message.kind == "chunk"]
    assert first.endswith(bytes(8) + "a\u2028é".encode())
    assert others == [b"\xff\x00", b"z"]


def test_only_the_prelude_is_sent_when_body_is_empty(tmp_path: Path) -> None:
    source = """
        def stream(event):
            return StreamingResponse([], 204)
    """
    with running_runtime(tmp_path, source) as runtime:
        _, chunk, end = runtime.api.submit({"do": "stream"}).rest()

    assert chunk.data == b'{"statusCode":204,"headers":{}}' + bytes(8)
    assert end.headers == {}


def test_error_is_ordinary_when_body_fails_before_its_first_byte(
    tmp_path: Path, notes: Path
) -> None:
    source = """
        def stream(event):
            def body():
                try:
                    yield b""
                    raise LookupError("nothing there")
                finally:
                    note(event, "closed")
            return StreamingResponse(body())
    """
    with running_runtime(tmp_path, source) as runtime:
        invocation = runtime.api.submit({"do": "stream", "notes": str(notes)})
        error = invocation.next("error")

    assert json.loads(error.data)["errorType"] == "LookupError"
    assert json.loads(error.data)["errorMessage"] == "nothing there"
    assert notes.read_text() == "closed\n"


@pytest.mark.parametrize(
    ("fault", "error_type"),
    [
        pytest.param("raise ConnectionError('upstream é\\n cut')", "ConnectionError", id="raises"),
        pytest.param("yield 5", "TypeError", id="yields a number"),
        pytest.param("yield '\\ud800'", "UnicodeEncodeError", id="yields a lone surrogate"),
    ],
)
def test_error_goes_out_as_trailers_when_body_fails_after_its_first_byte(
    tmp_path: Path, notes: Path, fault: str, error_type: str
) -> None:
    source = f"""
        def stream(event):
            def body():
                try:
                    yield b"first"
                    {fault}
                finally:
                    note(event, "closed")
            return StreamingResponse(body())
    """
    with running_runtime(tmp_path, source) as runtime:
        invocation = runtime.api.submit({"do": "stream", "notes": str(notes)})
        _, chunk, end = invocation.rest()
        later = runtime.api.submit({"do": "stream", "notes": str(notes)}).rest()

    assert chunk.data.endswith(b"first")
    assert end.headers["lambda-runtime-function-error-type"] == f"Function.{error_type}"
    error = json.loads(base64.b64decode(end.headers["lambda-runtime-function-error-body"]))
    assert error["errorType"] == error_type
    assert "in body" in error["stackTrace"][-1] or "in pieces" in error["stackTrace"][-1]
    assert later[-1].kind == "end"
    assert notes.read_text() == "closed\nclosed\n"
    assert error_type in runtime.log.read_text()


def test_trailer_stays_small_when_error_message_is_huge(tmp_path: Path) -> None:
    source = """
        def stream(event):
            def body():
                yield b"first"
                raise ValueError("x" * 1_000_000)
            return StreamingResponse(body())
    """
    with running_runtime(tmp_path, source) as runtime:
        end = runtime.api.submit({"do": "stream"}).rest()[-1]

    assert len(end.headers["lambda-runtime-function-error-body"]) < 16_384


def test_error_is_ordinary_when_prelude_is_too_large(tmp_path: Path, notes: Path) -> None:
    source = """
        def stream(event):
            def body():
                try:
                    yield b"first"
                finally:
                    note(event, "closed")
            return StreamingResponse(body(), headers={"X-Fill": "x" * event["fill"]})
    """
    overhead = len(b'{"statusCode":200,"headers":{"X-Fill":""}}') + 8

    with running_runtime(tmp_path, source) as runtime:
        event = {"do": "stream", "notes": str(notes)}
        fits = runtime.api.submit({**event, "fill": 16_384 - overhead})
        _, chunk, _ = fits.rest()
        too_large = runtime.api.submit({**event, "fill": 16_385 - overhead})
        error = too_large.next("error")

    assert chunk.data.index(bytes(8)) == 16_384 - 8
    assert json.loads(error.data)["errorType"] == "ValueError"
    assert "16385 bytes" in json.loads(error.data)["errorMessage"]
    assert notes.read_text() == "closed\nclosed\n"


def test_result_is_untouched_when_handler_does_not_stream(tmp_path: Path) -> None:
    source = """
        def plain(event):
            return {"statusCode": 200, "body": "é", "n": 1.5}
    """
    with running_runtime(tmp_path, source) as runtime:
        result = runtime.api.submit({"do": "plain"}).next("result")

    assert json.loads(result.data) == {"statusCode": 200, "body": "é", "n": 1.5}
    assert result.headers["content-type"] == "application/json"


def test_error_is_ordinary_when_plain_handler_raises(tmp_path: Path) -> None:
    source = """
        def plain(event):
            raise PermissionError("no")
    """
    with running_runtime(tmp_path, source) as runtime:
        error = runtime.api.submit({"do": "plain"}).next("error")

    assert json.loads(error.data)["errorType"] == "PermissionError"


def test_init_error_is_reported_when_handler_cannot_be_imported(tmp_path: Path) -> None:
    with running_runtime(tmp_path, "import no_such_module") as runtime:
        error = runtime.api.init_errors.get(timeout=EXIT_S)
        exit_code = runtime.process.wait(EXIT_S)

    assert error["errorType"] == "Runtime.ImportModuleError"
    assert exit_code == 1


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param(
            '["a", b"\\xc3", b"\\xa9"]', {"body": "aé", "isBase64Encoded": False}, id="text"
        ),
        pytest.param('[b"\\xff", "x"]', {"body": "/3g=", "isBase64Encoded": True}, id="binary"),
    ],
)
def test_body_is_joined_into_a_proxy_result_when_sam_local_runs_it(
    tmp_path: Path, notes: Path, pieces: str, expected: dict[str, object]
) -> None:
    source = f"""
        def stream(event):
            def body():
                try:
                    yield from {pieces}
                finally:
                    note(event, "closed")
            return StreamingResponse(body(), 202, {{"X-A": "b"}})
    """
    with running_runtime(tmp_path, source, AWS_SAM_LOCAL="true") as runtime:
        invocation = runtime.api.submit({"do": "stream", "notes": str(notes)})
        result = invocation.next("result")

    assert json.loads(result.data) == {
        "statusCode": 202,
        "headers": {"X-A": "b"},
        **expected,
    }
    assert notes.read_text() == "closed\n"


@pytest.mark.parametrize("clean_up", ["pass", "raise RuntimeError('while closing')"])
def test_body_is_closed_and_process_goes_on_when_connection_is_cut(
    tmp_path: Path, notes: Path, clean_up: str
) -> None:
    source = f"""
        def endless(event):
            def body():
                try:
                    for number in range(1_000_000):
                        yield "x" * 1000
                    note(event, "ran to its end")
                except GeneratorExit:
                    note(event, "exit")
                    {clean_up}
            return StreamingResponse(body())

        def short(event):
            return StreamingResponse(["fine"])
    """
    with running_runtime(tmp_path, source) as runtime:
        runtime.api.submit({"do": "endless", "notes": str(notes)}, cut_after=3)
        following = body_of(runtime.api.submit({"do": "short"}))

    assert following == b"fine"
    assert notes.read_text() == "exit\n"
    assert "broke off the response" in runtime.log.read_text()


def test_each_gets_its_own_answer_when_invocations_follow_each_other(tmp_path: Path) -> None:
    source = """
        count = 0

        def stream(event):
            global count
            count += 1
            return StreamingResponse([f"call {count}"])

        def plain(event):
            return count

        def fail(event):
            raise ValueError
    """
    with running_runtime(tmp_path, source) as runtime:
        kinds = ["stream", "plain", "fail", "stream", "stream", "plain"]
        ends = [runtime.api.submit({"do": kind}).rest()[-1] for kind in kinds]
        last = body_of(runtime.api.submit({"do": "stream"}))

    assert [end.kind for end in ends] == ["end", "result", "error", "end", "end", "result"]
    assert [end.data for end in ends if end.kind == "result"] == [b"1", b"3"]
    assert last == b"call 4"
