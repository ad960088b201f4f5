"""GET /openapi.json: the document, at the address it was asked for."""

import json

import pytest

from tests.support.fakes import FakeClock, FakeJournal, FakeKeys
from weir.http.access import Gate
from weir.http.events import ProxyEvent
from weir.http.openapi import OpenApiEndpoint
from weir.http.routes import ProxyResult, Routes

PATH = "/api/v1/openapi.json"


def ask(
    *,
    stage: str = "/live",
    domain: str = "abc.execute-api.us-east-1.amazonaws.com",
    **headers: str,
) -> ProxyResult:
    event: ProxyEvent = {
        "httpMethod": "GET",
        "resource": PATH,
        "path": PATH,
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        "requestContext": {"domainName": domain, "path": f"{stage}{PATH}", "requestId": "r"},
    }
    endpoint = OpenApiEndpoint(read=lambda: '{"openapi": "3.1.0", "paths": {}}')
    return Routes(
        table=endpoint.routes(),
        gate=Gate(keys=FakeKeys({}), key_prefix="sk-weir-v1-"),
        clock=FakeClock(),
        journal=FakeJournal(),
    ).respond(event, request_id="request-1")


def server(result: ProxyResult) -> str:
    (found,) = json.loads(result["body"])["servers"]
    return str(found["url"])


def test_the_document_names_the_stage_when_there_is_no_domain_of_ones_own() -> None:
    result = ask()

    assert result["statusCode"] == 200
    assert json.loads(result["body"])["paths"] == {}
    assert server(result) == "https://abc.execute-api.us-east-1.amazonaws.com/live"
    assert result["headers"]["Cache-Control"] == "public, max-age=300"
    assert result["headers"]["Content-Type"] == "application/json"
    assert result["headers"]["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("host", "proto", "url"),
    [
        ("127.0.0.1:8080", "http", "http://127.0.0.1:8080"),
        ("127.0.0.1", "https", "https://127.0.0.1"),
        ("evil.example", "https", "https://127.0.0.1"),
        ("127.0.0.1:80/x", "https", "https://127.0.0.1"),
        ("", "javascript", "https://127.0.0.1"),
    ],
)
def test_the_port_is_the_hosts_when_the_host_is_the_domain(host: str, proto: str, url: str) -> None:
    result = ask(stage="", domain="127.0.0.1", host=host, x_forwarded_proto=proto)

    assert server(result) == url


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}'])
def test_nothing_is_sent_when_the_caller_has_the_document(form: str) -> None:
    tag = ask()["headers"]["ETag"]

    result = ask(if_none_match=form.format(tag))

    assert (result["statusCode"], result["body"]) == (304, "")
    assert result["headers"]["ETag"] == tag


def test_the_tag_is_another_when_the_address_is() -> None:
    assert ask()["headers"]["ETag"] != ask(stage="/other")["headers"]["ETag"]
