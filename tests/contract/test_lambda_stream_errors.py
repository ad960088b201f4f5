"""What becomes of a response that fails, before and after its first byte."""

import base64
import json
from pathlib import Path

import pytest

from tests.support.runtime_process import EXIT_S, body_of, running_runtime


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.touch()
    return path


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


def test_process_exits_when_runtime_api_refuses_the_response(tmp_path: Path) -> None:
    source = """
        def stream(event):
            return StreamingResponse(["too much"])
    """
    with running_runtime(tmp_path, source) as runtime:
        runtime.api.submit({"do": "stream"}, refused=True)
        exit_code = runtime.process.wait(EXIT_S)

    assert exit_code == 1
    assert "413" in runtime.log.read_text()
