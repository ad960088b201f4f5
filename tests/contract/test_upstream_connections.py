"""Where a call may go, what it carries, and when a connection is used again."""

import contextlib
import socket
import threading
from pathlib import Path

import pytest

from tests.support.fakes import FakeClock, make_request
from tests.support.fault_server import FaultServer, Peer, answer, raw
from tests.support.upstream import CANARY, Upstream, soon, upstream
from weir.adapters.upstream.connections import KEEP_ALIVE_MS, DeadlineHTTPConnection
from weir.adapters.upstream.session import UpstreamSession, checked_base_url
from weir.domain.errors import ProviderError
from weir.domain.requests import Mode

STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"


def call(weir: Upstream, *, body: bytes = b"{}", clock: FakeClock | None = None) -> bytes:
    response = weir.provider.send(make_request(body=body), deadline_ms=soon(5, clock=clock))
    try:
        return b"".join(response.chunks())
    finally:
        response.close()


def test_connection_is_used_again_when_the_body_was_read() -> None:
    with (
        FaultServer(answer(), raw(STREAM, keep=True), answer(404), answer()) as server,
        upstream(server) as weir,
    ):
        call(weir)
        call(weir)
        with pytest.raises(ProviderError):
            call(weir)
        call(weir)

        assert server.connections == 1


def test_connection_is_not_used_again_when_the_body_was_left_unread() -> None:
    with FaultServer(raw(STREAM[:-5], keep=True), answer()) as server, upstream(server) as weir:
        weir.provider.send(make_request(), deadline_ms=soon(5)).close()
        call(weir)

        assert server.connections == 2


def test_connection_is_not_used_again_when_it_idled_too_long() -> None:
    clock = FakeClock()
    with FaultServer(answer()) as server, upstream(server, clock=clock) as weir:
        call(weir, clock=clock)
        clock.pause(KEEP_ALIVE_MS - 1)
        call(weir, clock=clock)
        assert server.connections == 1

        clock.pause(KEEP_ALIVE_MS)
        call(weir, clock=clock)
        assert server.connections == 2


def test_client_notices_nothing_when_the_peer_closed_an_idle_connection() -> None:
    with FaultServer(answer(keep=False), answer()) as server, upstream(server) as weir:
        call(weir)
        server.join_connections()

        assert call(weir) == b"{}"
        assert (server.connections, len(server.requests)) == (2, 2)


def test_request_is_sent_once_more_when_a_used_connection_broke_before_it_was_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sends = []
    real_send = DeadlineHTTPConnection.send

    def break_the_second_body(self: DeadlineHTTPConnection, data: bytes) -> None:
        sends.append(data)
        if len(sends) == 4:
            self.sock.close()
            raise ConnectionResetError
        real_send(self, data)

    with FaultServer(answer()) as server, upstream(server) as weir:
        monkeypatch.setattr(DeadlineHTTPConnection, "send", break_the_second_body)
        call(weir, body=b"first")
        answered = call(weir, body=b"second")

        assert answered == b"{}"
        assert {request.body for request in server.requests} == {b"first", b"", b"second"}


def test_request_is_not_repeated_when_a_used_connection_broke_after_it_was_whole() -> None:
    with FaultServer(answer(), raw(b""), answer()) as server, upstream(server) as weir:
        call(weir)
        with pytest.raises(ProviderError) as caught:
            call(weir)

        assert not caught.value.cost_is_zero
        assert len(server.requests) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_refused_and_not_followed(status: int) -> None:
    with FaultServer(answer()) as elsewhere:
        redirect = answer(status, headers={"Location": elsewhere.url}, body=b"x" * 100)
        with FaultServer(redirect) as server, upstream(server) as weir:
            with pytest.raises(ProviderError) as caught:
                call(weir)

            assert (caught.value.status, caught.value.cost_is_zero) == (502, True)
            assert (elsewhere.connections, len(server.requests)) == (0, 1)


def test_redirect_is_refused_at_once_when_its_body_is_endless() -> None:
    def endless(peer: Peer) -> bool:
        peer.send(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 9999999\r\n\r\n")
        peer.send(b"x" * 100_000)
        return peer.hang()

    with FaultServer(endless) as server, upstream(server) as weir:
        with pytest.raises(ProviderError) as caught:
            call(weir)

        assert (caught.value.status, caught.value.cost_is_zero) == (502, True)


def test_proxies_and_netrc_are_ignored_when_the_environment_names_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login thief password stolen\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with FaultServer(answer()) as proxy, FaultServer(answer()) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        with upstream(server) as weir:
            call(weir)

        assert proxy.connections == 0
        assert server.requests[0].headers["authorization"] == f"Bearer {CANARY}"


def test_cookie_of_one_answer_is_not_sent_with_the_next_request() -> None:
    with (
        FaultServer(answer(headers={"Set-Cookie": "tenant=a; Path=/"})) as server,
        upstream(server) as weir,
    ):
        call(weir)
        call(weir)

        assert [request.headers.get("cookie") for request in server.requests] == [None, None]


def test_request_carries_the_bytes_and_headers_it_was_given() -> None:
    body = '{"model": "a/b",  "x": "é\\u00e9"}'.encode()
    with FaultServer(answer()) as server, upstream(server) as weir:
        request = make_request(
            body=body, stream=True, headers={"X-Title": "app", "authorization": "Bearer thief"}
        )
        weir.provider.send(request, deadline_ms=soon(5)).close()

    received = server.requests[0]
    assert received.line == "POST /api/v1/chat/completions HTTP/1.1"
    assert received.body == body
    assert received.headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": "weir",
        "accept-encoding": "identity",
        "authorization": f"Bearer {CANARY}",
        "content-type": "application/json",
        "accept": "text/event-stream",
        "content-length": str(len(body)),
        "x-title": "app",
    }


def test_a_text_completion_goes_to_upstreams_own_route_for_it() -> None:
    with FaultServer(answer()) as server, upstream(server) as weir:
        weir.provider.send(make_request(mode=Mode.TEXT), deadline_ms=soon(5)).close()

    assert server.requests[0].line == "POST /api/v1/completions HTTP/1.1"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", " leading", "日本"])
def test_request_is_malformed_when_a_header_cannot_be_sent(value: str) -> None:
    with FaultServer(answer()) as server, upstream(server) as weir:
        with pytest.raises(ProviderError) as caught:
            weir.provider.send(make_request(headers={"X-Title": value}), deadline_ms=soon(5))

        assert (caught.value.status, caught.value.cost_is_zero) == (400, True)
        assert server.connections == 0


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("gen-1-abc", "gen-1-abc"), ("gen 1", None), ("x" * 129, None), ("", None)],
)
def test_generation_id_is_kept_when_plausible(sent: str, kept: str | None) -> None:
    script = answer(headers={"X-Generation-Id": sent})
    with FaultServer(script) as server, upstream(server) as weir:
        response = weir.provider.send(make_request(), deadline_ms=soon(5))
        response.close()

    assert response.generation_id == kept


def test_concurrent_calls_keep_their_own_deadlines() -> None:
    def by_body(peer: Peer) -> bool:
        return peer.drip([STREAM], every_s=0.4)

    outcomes: dict[float, object] = {}

    def run(weir: Upstream, within_s: float) -> None:
        with contextlib.suppress(ProviderError):
            outcomes[within_s] = None
            response = weir.provider.send(make_request(), deadline_ms=soon(within_s))
            outcomes[within_s] = b"".join(response.chunks())

    with FaultServer(by_body) as server, upstream(server) as weir:
        threads = [threading.Thread(target=run, args=(weir, s)) for s in (0.2, 5.0)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

    assert outcomes == {0.2: None, 5.0: b"hi"}


def test_next_address_is_tried_when_the_first_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(answer()) as refusing:
        pass
    real = socket.getaddrinfo

    def two_addresses(host: str, port: int, *args: int, **kwargs: int) -> list[object]:
        found: list[object] = [*real(host, port, *args, **kwargs)]
        if port == server.port:
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", refusing.port)),
                *found,
            ]
        return found

    with FaultServer(answer()) as server, upstream(server) as weir:
        monkeypatch.setattr(socket, "getaddrinfo", two_addresses)

        assert call(weir) == b"{}"


@pytest.mark.parametrize(
    "url",
    [
        "http://openrouter.ai/api/v1",
        "ftp://127.0.0.1/",
        "https://",
        "https://user:password@openrouter.ai/api/v1",
        "https://openrouter.ai/api/v1?x=1",
        "https://openrouter.ai/api/v1#x",
        "http://127.0.0.1.evil.example/",
        "openrouter.ai/api/v1",
    ],
)
def test_base_url_is_refused_when_it_could_lead_elsewhere(url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        UpstreamSession(url, clock=FakeClock())


def test_base_url_is_kept_without_its_last_slash() -> None:
    assert checked_base_url("https://openrouter.ai/api/v1/") == "https://openrouter.ai/api/v1"
    assert checked_base_url("http://localhost:8000") == "http://localhost:8000"
