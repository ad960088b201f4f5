"""The places in urllib3, requests and http.client that the deadline hangs on.

All of them are inner workings. When one moves, calls would quietly lose their deadline or their
shared TLS context: these tests say so instead.
"""

import http.client
import inspect
from importlib.metadata import version

import requests
import urllib3.connection
import urllib3.response
from requests.adapters import HTTPAdapter

from tests.support.fakes import make_request
from tests.support.fault_server import FaultServer, answer
from tests.support.upstream import soon, upstream
from weir.adapters.upstream.connections import DeadlineAdapter, DeadlineHTTPConnection
from weir.adapters.upstream.deadline import PatientResponse


def test_versions_are_the_ones_the_seams_were_read_in() -> None:
    assert version("urllib3").rpartition(".")[0] == "2.8"
    assert version("requests").rpartition(".")[0] == "2.34"


def test_overridden_names_still_exist_above() -> None:
    for name in ("_new_conn", "is_connected", "send", "request", "getresponse"):
        assert hasattr(urllib3.connection.HTTPConnection, name)
    assert hasattr(http.client.HTTPConnection, "response_class")
    assert hasattr(HTTPAdapter, "init_poolmanager")
    assert hasattr(requests.Session, "get_redirect_target")
    assert "decode_content" in inspect.signature(urllib3.response.HTTPResponse.read1).parameters


def test_cert_verify_is_still_where_requests_sets_the_bundle() -> None:
    assert [*inspect.signature(HTTPAdapter.cert_verify).parameters][1:] == [
        "conn",
        "url",
        "verify",
        "cert",
    ]
    assert "cert_verify" in inspect.getsource(HTTPAdapter.send)


def test_real_call_passes_through_every_seam() -> None:
    with FaultServer(answer(body=b"ok")) as server, upstream(server) as weir:
        response = weir.provider.send(make_request(), deadline_ms=soon(5))
        call = response._call  # type: ignore[attr-defined]
        raw = response._response.raw  # type: ignore[attr-defined]

        assert isinstance(raw._connection, DeadlineHTTPConnection)
        assert isinstance(call.answer, PatientResponse)
        assert call.answer.fp.raw is call.answer._reader
        assert (call.sent, call.reused) == (True, False)
        assert b"".join(response.chunks()) == b"ok"


def test_pools_of_both_schemes_make_our_connections() -> None:
    adapter = DeadlineAdapter(tls=None, pool_size=1)
    manager = adapter.poolmanager

    made = [
        manager.connection_from_url(url).ConnectionCls
        for url in ("http://127.0.0.1", "https://127.0.0.1")
    ]
    adapter.close()

    assert all(issubclass(connection, DeadlineHTTPConnection) for connection in made)
    assert [connection.default_port for connection in made] == [80, 443]
