"""What a function sees behind the local gateway, and what becomes of what it returns."""

import base64
import json
from pathlib import Path

import pytest

from local.gateway import InvocationError
from tests.support.gateway_functions import (
    ask,
    connected,
    running_functions,
)

ECHO = """
    def echo(event, context):
        return reply(event)

    def facts(event, context):
        left_ms = context.get_remaining_time_in_millis()
        arn = context.invoked_function_arn
        return reply({"environment": dict(os.environ), "left_ms": left_ms, "arn": arn})

    def result(event, context):
        return arguments(event)

    def large(event, context):
        return {"statusCode": 200, "body": "x" * arguments(event)["size"]}

    def rest(event, context):
        return reply([event["resource"], event["pathParameters"]])

    exact = rest
"""


def test_event_is_that_of_the_rest_proxy_when_request_carries_everything(tmp_path: Path) -> None:
    with running_functions(tmp_path, ECHO) as gateway, connected(gateway) as client:
        client.putrequest("POST", "/plain/echo?a=1&a=2&b=%C3%A9&c=", skip_host=True)
        for name, value in [
            ("Host", "api.example:8080"),
            ("X-Twice", "one"),
            ("X-Twice", "two"),
            ("X-Forwarded-For", "203.0.113.9"),
            ("User-Agent", "tester"),
            ("Content-Length", "6"),
        ]:
            client.putheader(name, value)
        client.endheaders("héé!".encode()[:6])
        response = client.getresponse()
        event = json.loads(response.read())

    assert event["resource"] == "/plain/{name}"
    assert event["path"] == "/plain/echo"
    assert event["httpMethod"] == "POST"
    assert event["headers"]["X-Twice"] == "two"
    assert event["multiValueHeaders"]["X-Twice"] == ["one", "two"]
    assert event["headers"]["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
    assert event["queryStringParameters"] == {"a": "2", "b": "é", "c": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": ["é"], "c": [""]}
    assert event["pathParameters"] == {"name": "echo"}
    assert event["stageVariables"] is None
    assert (event["body"], event["isBase64Encoded"]) == ("héé!", False)
    context = event["requestContext"]
    assert context["requestId"] == response.getheader("x-amzn-RequestId")
    assert context["resourcePath"] == "/plain/{name}"
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["identity"]["userAgent"] == "tester"
    assert context["domainName"] == "api.example"
    assert (context["httpMethod"], context["stage"]) == ("POST", "local")


def test_event_has_nulls_when_request_is_bare(tmp_path: Path) -> None:
    with running_functions(tmp_path, ECHO) as gateway:
        _, body = ask(gateway, "/plain/echo", method="GET")

    event = json.loads(body)
    assert event["body"] is None
    assert event["isBase64Encoded"] is False
    assert event["queryStringParameters"] is None
    assert event["multiValueQueryStringParameters"] is None


def test_body_is_base64_when_it_is_not_utf_8(tmp_path: Path) -> None:
    sent = bytes(range(256))

    with running_functions(tmp_path, ECHO) as gateway, connected(gateway) as client:
        client.request("POST", "/plain/echo", sent)
        event = json.loads(client.getresponse().read())

    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == sent


def test_most_specific_route_is_taken_when_several_match(tmp_path: Path) -> None:
    with running_functions(tmp_path, ECHO) as gateway:
        _, exact = ask(gateway, "/plain/exact", method="GET")
        _, deep = ask(gateway, "/plain/rest/a%2Fb/c", method="GET")
        _, other = ask(gateway, "/plain/exact", method="POST")

    assert json.loads(exact) == ["/plain/exact", None]
    assert json.loads(deep) == ["/plain/{name}/{rest+}", {"name": "rest", "rest": "a/b/c"}]
    assert json.loads(other) == ["/plain/{name}", {"name": "exact"}]


def test_environment_holds_only_lambda_s_and_the_function_s_when_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of this machine")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")

    with running_functions(tmp_path, ECHO, TABLE="t1", AWS_REGION="eu-west-1") as gateway:
        _, body = ask(gateway, "/plain/facts")

    facts = json.loads(body)
    environment = facts["environment"]
    assert environment["TABLE"] == "t1"
    assert environment["AWS_REGION"] == "eu-west-1"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "Function"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert environment["LAMBDA_TASK_ROOT"] == str(tmp_path)
    assert environment["TZ"] == "UTC"
    assert not {"AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY", "VIRTUAL_ENV"} & environment.keys()
    assert facts["arn"] == "arn:aws:lambda:eu-west-1:123456789012:function:Function"
    assert 0 < facts["left_ms"] <= 60_000


@pytest.mark.parametrize(
    ("result", "status", "body"),
    [
        pytest.param({"statusCode": 201, "body": "é"}, 201, "é".encode(), id="text"),
        pytest.param({"statusCode": "202"}, 202, b"", id="status as text, no body"),
        pytest.param(
            {"statusCode": 200, "body": "/w==", "isBase64Encoded": True}, 200, b"\xff", id="base64"
        ),
    ],
)
def test_proxy_result_becomes_the_response_when_it_is_proper(
    tmp_path: Path, result: object, status: int, body: bytes
) -> None:
    with running_functions(tmp_path, ECHO) as gateway:
        response, received = ask(gateway, "/plain/result", result)

    assert (response.status, received) == (status, body)
    assert response.getheader("Content-Type") == "application/json"


def test_headers_are_merged_when_result_has_both_kinds(tmp_path: Path) -> None:
    result = {
        "statusCode": 200,
        "headers": {"X-One": "1", "x-two": "lost", "Content-Length": "99", "X-Flag": True},
        "multiValueHeaders": {"X-Two": ["a", "b"]},
    }
    with running_functions(tmp_path, ECHO) as gateway:
        response, _ = ask(gateway, "/plain/result", result)

    assert response.headers.get_all("X-Two") == ["a", "b"]
    assert response.getheader("X-One") == "1"
    assert response.getheader("X-Flag") == "true"
    assert response.headers.get_all("Content-Length") == ["0"]


@pytest.mark.parametrize(
    "result",
    [
        pytest.param("text", id="not an object"),
        pytest.param(None, id="null"),
        pytest.param({"body": "x"}, id="no status"),
        pytest.param({"statusCode": True}, id="boolean status"),
        pytest.param({"statusCode": 200, "body": {"a": 1}}, id="body not text"),
        pytest.param({"statusCode": 200, "body": "é", "isBase64Encoded": True}, id="not base64"),
        pytest.param({"statusCode": 200, "message": "x"}, id="unknown key"),
        pytest.param({"statusCode": 200, "headers": ["x"]}, id="headers not an object"),
    ],
)
def test_answer_is_502_when_result_is_no_proxy_result(tmp_path: Path, result: object) -> None:
    with running_functions(tmp_path, ECHO) as gateway:
        response, body = ask(gateway, "/plain/result", result)

    assert response.status == 502
    assert json.loads(body)["failed"] == "Internal server error"
    assert json.loads(body)["id"] == response.getheader("x-amzn-RequestId")
    assert response.getheader("X-Origin") == "https://app.example"


def test_answer_is_502_when_result_is_larger_than_lambda_returns(tmp_path: Path) -> None:
    with running_functions(tmp_path, ECHO) as gateway:
        fits, _ = ask(gateway, "/plain/large", {"size": 6 * 1024 * 1024 - 100})
        too_large, _ = ask(gateway, "/plain/large", {"size": 6 * 1024 * 1024})

    assert (fits.status, too_large.status) == (200, 502)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("def f(event, context):\n    raise ValueError", id="raises"),
        pytest.param("def f(event, context):\n    os._exit(1)", id="exits"),
        pytest.param("import no_such_module", id="cannot be imported"),
        pytest.param("os._exit(1)", id="exits at import"),
    ],
)
def test_answer_is_502_when_function_fails(tmp_path: Path, source: str) -> None:
    with running_functions(tmp_path, source) as gateway:
        first, _ = ask(gateway, "/plain/f")
        second, _ = ask(gateway, "/stream/f")

    assert (first.status, second.status) == (502, 502)


def test_output_is_appended_to_the_log_when_function_prints(tmp_path: Path) -> None:
    source = """
        def talk(event, context):
            print("to stdout")
            print("to stderr", file=sys.stderr)
            return reply(None)
    """
    (tmp_path / "Function.log").write_text("before\n")

    with running_functions(tmp_path, source) as gateway:
        ask(gateway, "/plain/talk")

    assert (tmp_path / "Function.log").read_text() == "before\nto stdout\nto stderr\n"


def test_result_is_returned_when_function_is_invoked_directly(tmp_path: Path) -> None:
    source = """
        def run(event, context):
            return {"seen": event["n"]}

        def fail(event, context):
            raise LookupError("nothing there")

        def stream(event, context):
            return StreamingResponse(["x"])
    """
    with running_functions(tmp_path, source) as gateway:
        result = gateway.invoke("Function", {"path": "/direct/run", "n": 3})
        with pytest.raises(InvocationError, match="nothing there"):
            gateway.invoke("Function", {"path": "/direct/fail"})
        with pytest.raises(InvocationError, match="stream"):
            gateway.invoke("Function", {"path": "/direct/stream"})

    assert result == {"seen": 3}
