"""Connections that keep a call's deadline, and the adapter that hands them to requests.

The seams of urllib3 2.8 and requests 2.34 that are used, and watched by
`tests/contract/test_upstream_seams.py`: `response_class`, `_new_conn`, `is_connected`,
`ConnectionCls`, `pool_classes_by_scheme` and `cert_verify`.
"""

import socket
import ssl
from typing import Any

import certifi
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse
from urllib3.util.connection import create_connection

from weir.adapters.upstream.deadline import CURRENT_CALL, PatientResponse

CONNECT_S = 5.0
# Below the idle limits of load balancers and NAT gateways (60 s and more), which drop silently.
KEEP_ALIVE_MS = 50_000


class DeadlineHTTPConnection(HTTPConnection):
    """A connection whose every step ends with the deadline of the current call.

    Resolving the host name is the exception: the C library bounds it, by its own settings.
    """

    response_class = PatientResponse
    _answered_ms = 0

    @property
    @override
    def is_connected(self) -> bool:
        """Tell the pool whether the connection may be used again.

        Its age counts from the headers of its last answer. A sandbox that was frozen in between
        may have missed that the peer closed it.
        """
        idle_ms = CURRENT_CALL.get().clock.now_ms() - self._answered_ms
        return idle_ms < KEEP_ALIVE_MS and super().is_connected

    @override
    def _new_conn(self) -> socket.socket:
        # urllib3 allows each address of a host the whole timeout; here they share the deadline.
        call = CURRENT_CALL.get()
        call.reused = False
        refused: OSError = OSError("the host name has no address")
        for *_, address in socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM):
            try:
                sock = create_connection(
                    (str(address[0]), int(address[1])),
                    call.remaining_s(at_most_s=CONNECT_S),
                    socket_options=self.socket_options,
                )
            except OSError as error:
                refused = error
                continue
            sock.settimeout(call.remaining_s(at_most_s=CONNECT_S))
            return sock
        raise refused

    @override
    def send(self, data: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(CURRENT_CALL.get().remaining_s())
        super().send(data)

    @override
    def request(self, *args: Any, **kwargs: Any) -> None:
        super().request(*args, **kwargs)
        CURRENT_CALL.get().sent = True

    @override
    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as urllib3 itself
        response = super().getresponse()
        self._answered_ms = CURRENT_CALL.get().clock.now_ms()
        return response


class DeadlineHTTPSConnection(DeadlineHTTPConnection, HTTPSConnection):
    """The same over TLS."""


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = DeadlineHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = DeadlineHTTPSConnection


class DeadlineAdapter(HTTPAdapter):
    """Gives requests the connections above, all with one TLS context, and never retries.

    Args:
        tls: Verifies every server; None when only plain HTTP is spoken.
        pool_size: Idle connections that are kept.
    """

    def __init__(self, *, tls: ssl.SSLContext | None, pool_size: int) -> None:
        self._tls = tls
        super().__init__(pool_connections=1, pool_maxsize=pool_size, max_retries=0)

    @override
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._tls)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    @override
    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave verification to the shared context.

        requests would have each new connection parse the CA bundle again: 15 ms instead of 1.
        """


def tls_context() -> ssl.SSLContext:
    """Return a context that trusts certifi's authorities and speaks TLS 1.2 or newer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(certifi.where())
    return context
