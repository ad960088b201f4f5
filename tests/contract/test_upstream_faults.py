"""What the wire can do to a call upstream: each fault ends, and ends as the ledger must know it."""

import pytest

from tests.support.fakes import make_request
from tests.support.fault_server import FaultServer, Peer, Script, answer, raw
from tests.support.template import source
from tests.support.upstream import soon, upstream
from weir.adapters.upstream.session import DEFAULT_IDLE_S
from weir.domain.errors import ProviderError, UpstreamTimeoutError

HEADERS = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEADERS + b"Transfer-Encoding: chunked\r\n\r\n"
EVENT = b"data: {}\n\n"
FOREVER = 10_000


def body_of(*scripts: Script, within_s: float = 5.0, idle_s: float = 10.0) -> list[bytes]:
    with FaultServer(*scripts) as server, upstream(server, idle_s=idle_s) as weir:
        response = weir.provider.send(make_request(), deadline_ms=soon(within_s))
        try:
            return list(response.chunks())
        finally:
            response.close()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize(
    "script",
    [
        Peer.hang,
        lambda peer: peer.drip([HEADERS, *[b"X"] * FOREVER]),
        lambda peer: peer.drip([b"HTTP/1.1 100 Continue\r\n\r\n"] * FOREVER),
    ],
    ids=["never answers", "drips headers", "continues for ever"],
)
def test_send_times_out_when_headers_do_not_come(script: Script) -> None:
    with pytest.raises(UpstreamTimeoutError) as caught:
        body_of(script, within_s=0.5)

    assert not caught.value.cost_is_zero


@pytest.mark.parametrize(
    "script",
    [
        lambda peer: peer.drip([HEADERS + b"Content-Length: 10000\r\n\r\n", *[b"x"] * FOREVER]),
        lambda peer: peer.drip([CHUNKED, *[chunk(b"x")] * FOREVER]),
        lambda peer: peer.drip([CHUNKED, *[b"0"] * FOREVER]),
        lambda peer: peer.drip([HEADERS + b"\r\n", *[b"x"] * FOREVER]),
        lambda peer: raw(CHUNKED + chunk(EVENT))(peer) or peer.hang(),
    ],
    ids=["drips by length", "drips chunks", "drips a size", "drips until close", "half open"],
)
def test_body_times_out_when_it_does_not_end(script: Script) -> None:
    with pytest.raises(UpstreamTimeoutError) as caught:
        body_of(script, within_s=0.5, idle_s=0.1)

    assert not caught.value.cost_is_zero


def reset_after(data: bytes) -> Script:
    def script(peer: Peer) -> bool:
        peer.send(data)
        return peer.reset()

    return script


@pytest.mark.parametrize(
    "script",
    [
        raw(b""),
        reset_after(b""),
        raw(b"SSH-2.0-OpenSSH\r\n\r\n"),
        raw(HEADERS + b"".join(b"X-%d: 1\r\n" % n for n in range(101)) + b"\r\n"),
        raw(HEADERS + b"X: " + b"x" * 70_000 + b"\r\n\r\n"),
        raw(HEADERS + b"Content-Length: 3, 4\r\n\r\nabcd"),
        raw(HEADERS + b"Content-Length: 10\r\n\r\nshort"),
        reset_after(HEADERS + b"Content-Length: 10\r\n\r\nshort"),
        raw(CHUNKED + b"a\r\ncut"),
        raw(CHUNKED + chunk(EVENT)),
        reset_after(CHUNKED + chunk(EVENT)),
        raw(CHUNKED + b"zz\r\n"),
        raw(CHUNKED + b"1" * 70_000),
    ],
    ids=[
        "closes at once",
        "resets at once",
        "speaks another protocol",
        "sends 101 headers",
        "sends an endless header",
        "contradicts its length",
        "body too short",
        "resets in the body",
        "cuts a chunk",
        "cuts between chunks",
        "resets between chunks",
        "size is no number",
        "size is endless",
    ],
)
def test_call_fails_at_unknown_cost_when_the_answer_breaks(script: Script) -> None:
    with pytest.raises(ProviderError) as caught:
        body_of(script)

    assert (caught.value.status, caught.value.cost_is_zero) == (502, False)
    assert not isinstance(caught.value, UpstreamTimeoutError)


@pytest.mark.parametrize(
    "script",
    [
        raw(HEADERS + b"Content-Length: 12\r\n\r\nhello, world"),
        raw(CHUNKED + chunk(b"hello, ") + chunk(b"world") + chunk(b"")),
        lambda peer: peer.drip(
            [CHUNKED, b"1", b"\r", b"\nh", b"\r\n", b"b\r\nello, world\r\n0\r\n\r\n"]
        ),
        raw(HEADERS + b"Connection: close\r\n\r\nhello, world"),
    ],
    ids=["length", "chunked", "chunked and torn", "until close"],
)
def test_body_arrives_whole_when_framed_in_any_way(script: Script) -> None:
    assert b"".join(body_of(script, idle_s=0.01)) == b"hello, world"


@pytest.mark.parametrize(
    ("answered", "body"),
    [(HEADERS + b'\r\n{"a":', b'{"a":'), (HEADERS, b"")],
    ids=["half a JSON text", "half the headers"],
)
def test_bytes_pass_as_they_came_when_only_the_connection_ends_the_body(
    answered: bytes, body: bytes
) -> None:
    assert b"".join(body_of(raw(answered))) == body


def test_silence_is_reported_and_nothing_lost_when_a_stream_pauses_between_chunks() -> None:
    half_open = lambda peer: raw(CHUNKED + chunk(EVENT))(peer) or peer.hang()  # noqa: E731
    arrived: list[bytes] = []

    with FaultServer(half_open) as server, upstream(server, idle_s=0.05) as weir:
        response = weir.provider.send(make_request(stream=True), deadline_ms=soon(0.6))
        with pytest.raises(UpstreamTimeoutError):
            arrived.extend(response.chunks())

    assert arrived[0] == EVENT
    assert len(arrived) > 1
    assert set(arrived[1:]) == {b""}


def test_stream_goes_on_when_upstream_speaks_after_silence() -> None:
    script = lambda peer: peer.drip([CHUNKED, chunk(b"a"), chunk(b"b"), chunk(b"")], every_s=0.2)  # noqa: E731

    arrived = body_of(script, idle_s=0.05)

    assert b"" in arrived
    assert b"".join(arrived) == b"ab"


def test_connection_is_dropped_when_the_body_exceeds_the_cap() -> None:
    flood = raw(HEADERS + b"Content-Length: 300000\r\n\r\n" + b"x" * 300_000, keep=True)
    with FaultServer(flood, answer()) as server, upstream(server, max_body_bytes=1_000) as weir:
        response = weir.provider.send(make_request(), deadline_ms=soon(5))
        with pytest.raises(ProviderError, match="too large") as caught:
            list(response.chunks())
        weir.provider.send(make_request(), deadline_ms=soon(5)).close()

        assert not caught.value.cost_is_zero
        assert server.connections == 2


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
def test_answer_is_refused_when_compressed(encoding: str) -> None:
    with pytest.raises(ProviderError, match="compressed") as caught:
        body_of(answer(headers={"Content-Encoding": encoding}, body=b"\x1f\x8b"))

    assert not caught.value.cost_is_zero


def test_call_cost_nothing_when_nobody_listens() -> None:
    with FaultServer(answer()) as server:
        pass

    with upstream(server) as weir, pytest.raises(ProviderError) as caught:
        weir.provider.send(make_request(), deadline_ms=soon(5))

    assert (caught.value.status, caught.value.cost_is_zero) == (502, True)


def test_silence_is_reported_by_the_time_a_checkpoint_is_due() -> None:
    checkpoint_after_s = source()["Parameters"]["CheckpointAfterSeconds"]["Default"]

    assert float(checkpoint_after_s) >= DEFAULT_IDLE_S
