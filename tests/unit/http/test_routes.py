"""A function's routes: each request to its endpoint, every failure in the envelope."""

import json
import logging

import pytest

from tests.support.fakes import FakeClock, FakeJournal, FakeKeys, make_key
from weir.domain.answers import Reply
from weir.domain.api_keys import key_hash, mint
from weir.domain.errors import ConflictError
from weir.http.access import Access, Gate
from weir.http.events import ProxyEvent, path_parameter
from weir.http.operations import Operation
from weir.http.replies import json_reply
from weir.http.routes import ProxyResult, Request, Route, Routes

PROMPT = "tell me a story"
KEY = mint(random=bytes(28))
ABOUT = Operation(summary="Do it", replies={200: None})


def event(method: str = "POST", resource: str = "/api/v1/things/{id}") -> ProxyEvent:
    return {
        "httpMethod": method,
        "resource": resource,
        "pathParameters": {"id": "7"},
        "headers": {"Authorization": f"Bearer {KEY}"},
    }


def endpoint(request: Request) -> Reply:
    named = path_parameter(request.event, "id")
    content = {"id": named, "name": "Zoë", "label": request.key.label, "at": request.now_ms}
    return json_reply({"data": content}, status=201, headers={"Age": "3"})


def public(_request: Request) -> Reply:
    return Reply(status=200, headers={"Content-Type": "text/csv"}, body=(b"a,", b"b"))


def conflict(_request: Request) -> Reply:
    raise ConflictError("it is there already", retry_after_s=2)


def defect(_request: Request) -> Reply:
    raise RuntimeError(PROMPT)


def answer(given: ProxyEvent, journal: FakeJournal | None = None) -> ProxyResult:
    routes = Routes(
        table={
            "POST /api/v1/things/{id}": Route(access=Access.ANY, endpoint=endpoint, about=ABOUT),
            "PUT /api/v1/things/{id}": Route(access=Access.ANY, endpoint=conflict, about=ABOUT),
            "DELETE /api/v1/things/{id}": Route(access=Access.ANY, endpoint=defect, about=ABOUT),
            "GET /api/v1/public": Route(access=Access.NONE, endpoint=public, about=ABOUT),
        },
        gate=Gate(
            keys=FakeKeys({key_hash(KEY): make_key(key_hash=key_hash(KEY))}),
            key_prefix="sk-weir-v1-",
        ),
        clock=FakeClock(),
        journal=journal or FakeJournal(),
    )
    return routes.respond(given, request_id="request-1")


def test_the_endpoint_of_method_and_resource_answers_the_caller() -> None:
    result = answer(event())

    assert (result["statusCode"], result["isBase64Encoded"]) == (201, False)
    assert result["body"] == (
        f'{{"data":{{"id":"7","name":"Zoë","label":"demo","at":{FakeClock().ms}}}}}'
    )
    assert result["headers"]["Content-Type"] == "application/json"
    assert result["headers"]["Access-Control-Allow-Origin"] == "*"
    assert result["headers"]["Cache-Control"] == "private, no-store"
    assert result["headers"]["Age"] == "3"


def test_what_needs_no_key_may_be_cached() -> None:
    result = answer(event("GET", "/api/v1/public"))

    assert result["body"] == "a,b"
    assert result["headers"]["Content-Type"] == "text/csv"
    assert "Cache-Control" not in result["headers"]


def test_nobody_is_answered_when_the_route_needs_a_key() -> None:
    result = answer({**event(), "headers": {}})

    assert result["statusCode"] == 401
    assert json.loads(result["body"])["error"]["code"] == 401


def test_an_error_is_answered_in_the_envelope_and_told_to_the_journal() -> None:
    journal = FakeJournal()

    result = answer(event("PUT"), journal)

    assert result["statusCode"] == 409
    assert json.loads(result["body"])["error"]["message"] == "it is there already"
    assert result["headers"]["Retry-After"] == "2"
    assert result["headers"]["Access-Control-Allow-Origin"] == "*"
    assert journal.lines == [("refused", 409)]


def test_a_defect_is_a_500_that_quotes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="weir"):
        result = answer(event("DELETE"))

    assert result["statusCode"] == 500
    assert "request-1" in result["body"]
    assert "RuntimeError" in caplog.text
    assert PROMPT not in f"{result}{caplog.text}"


@pytest.mark.parametrize(
    "given", [event("GET"), event(resource="/api/v1/things"), {}], ids=["method", "path", "none"]
)
def test_a_route_that_is_not_there_is_a_404(given: ProxyEvent) -> None:
    assert answer(given)["statusCode"] == 404


@pytest.mark.parametrize("parameters", [None, {}, {"name": "x"}])
def test_a_path_parameter_that_is_absent_is_empty(parameters: dict[str, str] | None) -> None:
    assert path_parameter({"pathParameters": parameters}, "id") == ""
