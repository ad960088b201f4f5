"""Calls over TLS: one context for all connections, and silence found out below the records."""

import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typing_extensions import override

from tests.support.fakes import FakeClock, make_request
from tests.support.fault_server import FaultServer, answer
from tests.support.upstream import Upstream, soon, upstream
from weir.adapters.upstream.connections import DeadlineHTTPConnection, tls_context
from weir.adapters.upstream.deadline import Call, DeadlineReader
from weir.domain.errors import ProviderError

STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"


def exchange(weir: Upstream) -> None:
    response = weir.provider.send(make_request(), deadline_ms=soon(5))
    list(response.chunks())


@pytest.fixture(scope="module")
def server_tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    authority, private = folder / "ca.pem", folder / "key.pem"
    authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, private)
    return context, authority


def test_tls_answers_stream_idle_and_reuse_one_context(
    server_tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    server_context, authority = server_tls
    client_context = tls_context()
    client_context.load_verify_locations(authority)
    used: list[ssl.SSLContext | None] = []
    real_connect = DeadlineHTTPConnection._new_conn

    def noting(self: DeadlineHTTPConnection) -> socket.socket:
        used.append(getattr(self, "ssl_context", None))
        return real_connect(self)

    monkeypatch.setattr(DeadlineHTTPConnection, "_new_conn", noting)
    slow = lambda peer: peer.drip([STREAM[:-7], b"\r\n1\r\n!", b"\r\n0\r\n\r\n"], every_s=0.2)  # noqa: E731
    with (
        FaultServer(answer(), answer(keep=False), slow, tls=server_context) as server,
        upstream(server, tls=client_context, idle_s=0.05) as weir,
    ):
        exchange(weir)
        exchange(weir)
        server.join_connections()
        response = weir.provider.send(make_request(stream=True), deadline_ms=soon(5))
        arrived = list(response.chunks())

        assert b"".join(arrived) == b"hi!"
        assert b"" in arrived
        assert server.connections == 2
        assert used == [client_context, client_context]


def test_call_fails_at_no_cost_when_the_certificate_is_not_trusted(
    server_tls: tuple[ssl.SSLContext, Path],
) -> None:
    with FaultServer(answer(), tls=server_tls[0]) as server, upstream(server) as weir:
        with pytest.raises(ProviderError) as caught:
            exchange(weir)

        assert (caught.value.status, caught.value.cost_is_zero) == (502, True)
        assert server.requests == []


def test_bundle_of_authorities_is_parsed_once_for_all_connections(
    server_tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    server_context, authority = server_tls
    client_context = tls_context()
    client_context.load_verify_locations(authority)
    parsed: list[object] = []
    monkeypatch.setattr(
        ssl.SSLContext, "load_verify_locations", lambda *args, **kwargs: parsed.append(args)
    )

    with (
        FaultServer(answer(keep=False), tls=server_context) as server,
        upstream(server, tls=client_context) as weir,
    ):
        exchange(weir)
        server.join_connections()
        exchange(weir)

        assert server.connections == 2
        assert parsed == []


def test_reading_goes_on_when_tls_has_to_write_first() -> None:
    class RekeyingSocket(socket.socket):
        is_rekeyed = False

        @override
        def recv(self, size: int, flags: int = 0, /) -> bytes:
            if not self.is_rekeyed:
                self.is_rekeyed = True
                raise ssl.SSLWantWriteError
            return super().recv(size, flags)

    ours, theirs = socket.socketpair()
    with RekeyingSocket(fileno=ours.detach()) as rekeying, theirs:
        theirs.sendall(b"data")
        call = Call(clock=FakeClock(), ends_s=time.monotonic() + 5)
        reader = DeadlineReader(rekeying, call=call)

        assert reader.read(9) == b"data"
        reader.close()
