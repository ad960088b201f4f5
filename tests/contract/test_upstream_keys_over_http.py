"""The upstream key: rotated without a tenant noticing, and seen by nobody but upstream."""

import logging
import threading
import traceback

import pytest

from tests.support.fakes import FakeClock, make_request
from tests.support.fault_server import FaultServer, Peer, Received, Script, answer, raw
from tests.support.upstream import CANARY, FakeSecret, Upstream, soon, upstream
from weir.domain.errors import ProviderError

OLD, NEW, OLDER = "sk-or-v1-old-key", "sk-or-v1-new-key", "sk-or-v1-older-key"


def accepting(*accepted: str) -> Script:
    """Answer 200 to requests with one of these keys, else 401."""

    def script(peer: Peer) -> bool:
        return answer(200 if key_of(peer.request) in accepted else 401)(peer)

    return script


def key_of(request: Received) -> str:
    return request.headers["authorization"].removeprefix("Bearer ")


def call(weir: Upstream, clock: FakeClock) -> None:
    weir.provider.send(make_request(), deadline_ms=soon(5, clock=clock)).close()


def test_call_succeeds_when_the_stored_key_is_newer() -> None:
    clock, secret = FakeClock(), FakeSecret(current=OLD)
    with (
        FaultServer(accepting(OLD), accepting(NEW)) as server,
        upstream(server, secret=secret, clock=clock) as weir,
    ):
        call(weir, clock)
        secret.current = NEW
        call(weir, clock)
        call(weir, clock)

    assert [key_of(request) for request in server.requests] == [OLD, OLD, NEW, NEW]
    assert secret.reads == ["AWSCURRENT", "AWSCURRENT"]


def test_call_succeeds_when_only_the_previous_key_is_accepted() -> None:
    clock, secret = FakeClock(), FakeSecret(current=NEW, previous=OLDER)
    with (
        FaultServer(accepting(OLDER)) as server,
        upstream(server, secret=secret, clock=clock) as weir,
    ):
        call(weir, clock)

    assert [key_of(request) for request in server.requests] == [NEW, OLDER]
    assert secret.reads == ["AWSCURRENT", "AWSCURRENT", "AWSPREVIOUS"]


def test_tenant_sees_502_and_the_secret_is_spared_when_all_keys_are_refused() -> None:
    clock, secret = FakeClock(), FakeSecret(current=OLD, previous=OLDER)
    with FaultServer(accepting()) as server, upstream(server, secret=secret, clock=clock) as weir:
        call_refused(weir, clock)
        secret.current = NEW
        call_refused(weir, clock)
        reads_within_interval = list(secret.reads)
        clock.pause(30_000)
        call_refused(weir, clock)

    keys = [key_of(request) for request in server.requests]
    assert keys == [OLD, OLDER, OLD, OLDER, OLD, NEW, OLDER]
    assert reads_within_interval == ["AWSCURRENT", "AWSCURRENT", "AWSPREVIOUS"]
    assert secret.reads[3:] == ["AWSCURRENT", "AWSPREVIOUS"]


def call_refused(weir: Upstream, clock: FakeClock) -> None:
    with pytest.raises(ProviderError) as caught:
        call(weir, clock)
    assert (caught.value.status, caught.value.cost_is_zero) == (502, True)
    assert caught.value.retry_after_s == 60
    assert caught.value.message == "The gateway's upstream key was refused."


def test_secret_is_read_once_when_many_calls_are_refused_together() -> None:
    callers = 16
    barrier = threading.Barrier(callers)
    clock, secret = FakeClock(), FakeSecret(current=OLD)

    def run(weir: Upstream) -> None:
        barrier.wait(10)
        call(weir, clock)

    with (
        FaultServer(accepting(OLD), accepting(NEW)) as server,
        upstream(server, secret=secret, clock=clock) as weir,
    ):
        call(weir, clock)
        secret.current = NEW
        threads = [threading.Thread(target=run, args=(weir,)) for _ in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

    keys = [key_of(request) for request in server.requests]
    assert secret.reads == ["AWSCURRENT", "AWSCURRENT"]
    assert keys.count(NEW) == callers


def test_nothing_is_sent_when_no_key_is_stored() -> None:
    with FaultServer(answer()) as server, upstream(server, secret=FakeSecret(current="")) as weir:
        with pytest.raises(ProviderError, match="operator must store one") as caught:
            weir.provider.send(make_request(), deadline_ms=soon(5))

        assert (caught.value.status, caught.value.cost_is_zero) == (412, True)
        assert caught.value.retry_after_s is None
        assert server.connections == 0


@pytest.mark.parametrize(
    "script",
    [
        answer(),
        answer(400, body=CANARY.encode()),
        answer(401),
        answer(307, headers={"Location": f"http://{CANARY}.example/"}),
        raw(b""),
        raw(b"nonsense\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
        raw(b"HTTP/1.1 200 OK\r\nbroken header\r\nContent-Length: 0\r\n\r\n"),
        Peer.hang,
    ],
    ids=["ok", "400", "401", "307", "cut", "garbage", "short", "bad header", "never"],
)
def test_key_is_in_no_error_and_no_log(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caught: list[BaseException] = []
    with FaultServer(script) as server, upstream(server) as weir:
        try:
            response = weir.provider.send(make_request(), deadline_ms=soon(0.5))
            list(response.chunks())
        except ProviderError as error:
            caught = chain(error)

    assert CANARY in [key_of(request) for request in server.requests]
    assert "urllib3.connectionpool" in {record.name for record in caplog.records}
    assert CANARY not in caplog.text
    for link in caught:
        assert type(link).__module__.partition(".")[0] not in {"requests", "urllib3"}
        text = "".join(traceback.format_exception(link))
        assert CANARY not in repr(link) + repr(vars(link)) + text


def chain(error: BaseException) -> list[BaseException]:
    """Return an error with everything it drags along, suppressed or not."""
    found: list[BaseException] = []
    todo: list[BaseException | None] = [error]
    while todo:
        link = todo.pop()
        if link is not None and link not in found:
            found.append(link)
            todo += [link.__cause__, link.__context__]
    return found
