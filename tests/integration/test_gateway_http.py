"""The local gateway as an HTTP server, and what it answers by itself."""

import json
from pathlib import Path

import pytest

from local.gateway import RunningGateway
from tests.support.gateway_functions import (
    ask,
    connected,
    raw,
    receive_until,
    running_functions,
)

SIZES = """
    def size(event, context):
        return reply(len(event["body"] or ""))
"""


def exchange(gateway: RunningGateway, request: bytes) -> bytes:
    """Send bytes and read until the gateway closes."""
    with raw(gateway) as client:
        client.sendall(request)
        received = b""
        while data := client.recv(65536):
            received += data
        return received


def test_preflight_is_answered_without_a_worker_when_route_is_a_mock(tmp_path: Path) -> None:
    with running_functions(tmp_path, SIZES) as gateway:
        response, _ = ask(gateway, "/plain/size", method="OPTIONS")
        pids = gateway.worker_pids("Function")

    assert response.status == 200
    assert response.getheader("Access-Control-Allow-Origin") == "*"
    assert response.getheader("Access-Control-Allow-Headers") == "authorization"
    assert response.getheader("Access-Control-Max-Age") == "600"
    assert pids == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/none"), ("GET", "/stream/short"), ("GET", "/plain/"), ("POST", "/stream/a/b")],
)
def test_answer_is_the_templates_when_no_route_matches(
    tmp_path: Path, method: str, path: str
) -> None:
    with running_functions(tmp_path, SIZES) as gateway:
        response, body = ask(gateway, path, method=method)

    assert response.status == 404
    assert json.loads(body) == {"type": "MISSING_AUTHENTICATION_TOKEN"}
    assert response.getheader("x-amzn-RequestId")


def test_connection_serves_again_when_kept_alive(tmp_path: Path) -> None:
    with running_functions(tmp_path, SIZES) as gateway, connected(gateway) as client:
        answers = []
        for path in ("/plain/size", "/none", "/plain/size"):
            client.request("POST", path, "x" * 10)
            response = client.getresponse()
            answers.append((response.status, response.read()))
            client_socket = client.sock

        assert client.sock is client_socket
    assert [status for status, _ in answers] == [200, 404, 200]


def test_connection_ends_when_client_asks_for_it(tmp_path: Path) -> None:
    with running_functions(tmp_path, SIZES) as gateway:
        received = exchange(gateway, b"GET /plain/size HTTP/1.1\r\nConnection: close\r\n\r\n")

    assert b"\r\nConnection: close\r\n" in received
    assert received.endswith(b"\r\n\r\n0")


def test_requests_are_answered_in_order_when_pipelined(tmp_path: Path) -> None:
    post = b"POST /plain/size HTTP/1.1\r\nContent-Length: %d\r\n%s\r\n"

    with running_functions(tmp_path, SIZES) as gateway:
        received = exchange(
            gateway, post % (1, b"") + b"a" + post % (12, b"Connection: close\r\n") + b"b" * 12
        )

    first, second = received.split(b"HTTP/1.1 200 OK")[1:]
    assert first.endswith(b"\r\n\r\n1")
    assert second.endswith(b"\r\n\r\n12")


def test_body_is_read_when_it_comes_in_chunks(tmp_path: Path) -> None:
    with running_functions(tmp_path, SIZES) as gateway, connected(gateway) as client:
        client.request("POST", "/plain/size", iter([b"abc", b"de"]), encode_chunked=True)
        body = client.getresponse().read()

    assert body == b"5"


def test_client_is_told_to_go_on_when_it_expects_it(tmp_path: Path) -> None:
    with running_functions(tmp_path, SIZES) as gateway, raw(gateway) as client:
        client.sendall(
            b"POST /plain/size HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        )
        first = receive_until(client, b"\r\n\r\n")
        client.sendall(b"abc")
        second = receive_until(client, b"\r\n\r\n3")

    assert first == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert second.startswith(b"HTTP/1.1 200 OK\r\n")


def test_body_is_left_out_when_method_is_head(tmp_path: Path) -> None:
    with running_functions(tmp_path, SIZES) as gateway, connected(gateway) as client:
        client.request("HEAD", "/plain/size")
        response = client.getresponse()
        body = response.read()
        client.request("GET", "/plain/size")
        following = client.getresponse().read()

    assert (response.status, response.getheader("Content-Length"), body) == (200, "1", b"")
    assert following == b"0"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"X-Long: " + b"x" * 65_536, 431, id="head over 64 KB"),
        pytest.param(b"Content-Length: 10485761", 413, id="body over 10 MB"),
        pytest.param(
            b"Content-Length: 10485761\r\nExpect: 100-continue", 413, id="asks before it sends"
        ),
        pytest.param(b"Content-Length: 5\r\nContent-Length: 6", 400, id="two lengths"),
        pytest.param(b"Content-Length: +5", 400, id="signed length"),
        pytest.param(
            b"Content-Length: 5\r\nTransfer-Encoding: chunked", 400, id="length and chunks"
        ),
        pytest.param(b"Transfer-Encoding: gzip, chunked", 400, id="other coding"),
        pytest.param(b"X : y", 400, id="space before colon"),
        pytest.param(b"X: y\r\n z", 400, id="folded line"),
        pytest.param(b"X: y\x00", 400, id="control character"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, id="no chunk size"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400, id="long chunk"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n", 413, id="huge chunk"),
    ],
)
def test_request_is_refused_when_it_cannot_be_served(
    tmp_path: Path, head: bytes, status: int
) -> None:
    with running_functions(tmp_path, SIZES) as gateway:
        received = exchange(gateway, b"POST /plain/size HTTP/1.1\r\n" + head + b"\r\n\r\n")
        pids = gateway.worker_pids("Function")

    assert received.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"\r\nAccess-Control-Allow-Origin: *\r\n" in received
    assert pids == []


@pytest.mark.parametrize("line", [b"GET /", b"GET x HTTP/1.1", b"G=T / HTTP/1.1", b"GET / HTTP/2"])
def test_request_is_refused_when_its_first_line_is_malformed(tmp_path: Path, line: bytes) -> None:
    with running_functions(tmp_path, SIZES) as gateway:
        received = exchange(gateway, line + b"\r\n\r\n")

    assert received.startswith(b"HTTP/1.1 400 ")


def test_refusal_reaches_client_when_large_body_is_sent_to_its_end(tmp_path: Path) -> None:
    with running_functions(tmp_path, SIZES) as gateway, connected(gateway) as client:
        client.request("POST", "/plain/size", b"x" * (10 * 1024 * 1024 + 1))
        response = client.getresponse()
        body = response.read()

    assert response.status == 413
    assert json.loads(body) == {"message": "Request Too Long"}


def test_answer_is_413_when_event_is_larger_than_lambda_takes(tmp_path: Path) -> None:
    with running_functions(tmp_path, SIZES) as gateway:
        fits, _ = ask(gateway, "/plain/size", "x" * (6 * 1024 * 1024 - 4096))
        too_large, _ = ask(gateway, "/plain/size", "x" * (6 * 1024 * 1024))

    assert (fits.status, too_large.status) == (200, 413)
