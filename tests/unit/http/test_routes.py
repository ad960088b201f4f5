"""A function's routes: each request to its endpoint, every failure in the envelope."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.fakes import FakeJournal
from weir.domain.errors import ConflictError
from weir.http.events import ProxyEvent, path_parameter
from weir.http.routes import ProxyResult, Routes

PROMPT = "tell me a story"


def event(method: str = "POST", resource: str = "/api/v1/things/{id}") -> ProxyEvent:
    return {"httpMethod": method, "resource": resource, "pathParameters": {"id": "7"}}


def endpoint(given: ProxyEvent) -> Mapping[str, Any]:
    return {"data": {"id": path_parameter(given, "id"), "name": "Zoë"}}


def conflict(_event: ProxyEvent) -> Mapping[str, Any]:
    raise ConflictError("it is there already", retry_after_s=2)


def defect(_event: ProxyEvent) -> Mapping[str, Any]:
    raise RuntimeError(PROMPT)


def answer(given: ProxyEvent, journal: FakeJournal | None = None) -> ProxyResult:
    routes = Routes(
        endpoints={
            "POST /api/v1/things/{id}": endpoint,
            "PUT /api/v1/things/{id}": conflict,
            "DELETE /api/v1/things/{id}": defect,
        },
        journal=journal or FakeJournal(),
    )
    return routes.respond(given, request_id="request-1")


def test_the_endpoint_of_method_and_resource_answers() -> None:
    result = answer(event())

    assert (result["statusCode"], result["isBase64Encoded"]) == (200, False)
    assert result["body"] == '{"data":{"id":"7","name":"Zoë"}}'
    assert result["headers"]["Content-Type"] == "application/json"
    assert result["headers"]["Access-Control-Allow-Origin"] == "*"


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
def test_a_path_parameter_that_is_absent_is_empty(parameters: Mapping[str, str] | None) -> None:
    assert path_parameter({"pathParameters": parameters}, "id") == ""
