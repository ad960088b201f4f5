"""The runtime layer, run as the process Lambda runs, against a strict Runtime API."""

import json
import os
from pathlib import Path

import pytest

from tests.support.runtime_process import EXIT_S, body_of, release, running_runtime


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
