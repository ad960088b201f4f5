"""The API as deployed: streaming, CORS, throttling, and API Gateway's own answers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.transform import transform_loaded
from tests.support import template as views

CHAT = "/api/v1/chat/completions"
STREAMED = (CHAT, "/api/v1/completions")

# What the official clients and apps put into a request.
SENT_BY_CLIENTS = (
    "Authorization,Content-Type,HTTP-Referer,Idempotency-Key,OpenAI-Organization,OpenAI-Project,"
    "User-Agent,X-Api-Key,X-OpenRouter-Categories,X-OpenRouter-Title,X-Session-Id,"
    "X-Stainless-Arch,X-Stainless-Async,X-Stainless-Lang,X-Stainless-OS,"
    "X-Stainless-Package-Version,X-Stainless-Retry-Count,X-Stainless-Runtime,"
    "X-Stainless-Runtime-Version,X-Stainless-Timeout,X-Title,x-anthropic-beta"
)
# API Gateway's quota, of all parts of all paths.
MOST_PARTS = 300


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return views.deployed()


def _api(template: dict[str, Any]) -> dict[str, Any]:
    (api,) = views.of_type(template, "AWS::ApiGateway::RestApi").values()
    return dict(api)


def _paths(template: dict[str, Any]) -> list[str]:
    return list(_api(template)["Body"]["paths"])


def _parts(path: str) -> Iterator[tuple[str, ...]]:
    """Yield a path and all that it lies in."""
    words = path.strip("/").split("/")
    for length in range(1, len(words) + 1):
        yield tuple(words[:length])


def _stage(template: dict[str, Any]) -> dict[str, Any]:
    (stage,) = views.of_type(template, "AWS::ApiGateway::Stage").values()
    return dict(stage)


@pytest.mark.parametrize("path", STREAMED)
def test_chat_route_is_streamed(template: dict[str, Any], path: str) -> None:
    assert views.is_streamed(views.route(template, path=path, method="post"))


@pytest.mark.parametrize("mode", ["STREAM", "BUFFERED", None])
def test_chat_route_is_buffered_when_the_mode_is_another(mode: str | None) -> None:
    source = views.source()
    event = source["Resources"]["ChatFunction"]["Properties"]["Events"]["ChatCompletions"]
    event["Properties"].pop("ResponseTransferMode")
    if mode is not None:
        event["Properties"]["ResponseTransferMode"] = mode

    mutant = transform_loaded(source)

    assert not views.is_streamed(views.route(mutant, path=CHAT, method="post"))


@pytest.mark.parametrize("path", STREAMED)
def test_chat_route_outlives_the_function(template: dict[str, Any], path: str) -> None:
    integration = views.route(template, path=path, method="post")

    longest_s = template["Parameters"]["ChatTimeoutSeconds"]["MaxValue"]
    assert integration["timeoutInMillis"] >= longest_s * 1000


def test_upstream_deadline_leaves_time_to_settle_by_default(template: dict[str, Any]) -> None:
    default = {name: entry.get("Default") for name, entry in template["Parameters"].items()}

    assert default["UpstreamDeadlineSeconds"] + 30 <= default["ChatTimeoutSeconds"]


def test_api_is_regional_and_has_one_stage(template: dict[str, Any]) -> None:
    assert _api(template)["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert _stage(template)["StageName"] == {"Ref": "StageName"}


def test_stage_is_throttled_and_never_logs_bodies(template: dict[str, Any]) -> None:
    stage = _stage(template)

    (settings,) = stage["MethodSettings"]
    assert (settings["HttpMethod"], settings["ResourcePath"]) == ("*", "/*")
    assert settings["DataTraceEnabled"] is False
    assert settings["LoggingLevel"] == "OFF"
    assert settings["ThrottlingRateLimit"] == {"Ref": "ThrottleRate"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "ThrottleBurst"}
    assert stage["TracingEnabled"] is False


def test_access_log_is_json_and_holds_no_credential_or_content(template: dict[str, Any]) -> None:
    line = json.loads(_stage(template)["AccessLogSetting"]["Format"])

    assert {"requestId", "status", "resource"} <= line.keys()
    for value in line.values():
        assert value.startswith("$context.")
        assert "authorizer" not in value
        assert "apiKey" not in value


def test_preflight_never_reaches_a_function(template: dict[str, Any]) -> None:
    for path in _paths(template):
        assert views.route(template, path=path, method="options")["type"] == "mock", path


def test_paths_are_those_that_api_gateway_can_import(template: dict[str, Any]) -> None:
    parts = {part for path in _paths(template) for part in _parts(path)}
    variables = [part for part in parts if part[-1].startswith("{")]

    assert len(parts) < MOST_PARTS
    # Beside one another it takes one variable; the same two names elsewhere are two others.
    assert len({part[:-1] for part in variables}) == len(variables)
    assert not {part[-1] for part in parts} & {"ping", "sping"}


def test_preflight_allows_what_the_function_allows(template: dict[str, Any]) -> None:
    answer = views.route(template, path=CHAT, method="options")["responses"]["default"]
    sent = {
        name.removeprefix("method.response.header."): value.strip("'")
        for name, value in answer["responseParameters"].items()
    }

    assert sent["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in sent
    assert sent["Access-Control-Max-Age"] == "600"
    assert _names("GET,OPTIONS,PATCH,DELETE,POST,PUT") == _names(
        sent["Access-Control-Allow-Methods"]
    )
    assert _names(SENT_BY_CLIENTS) <= _names(sent["Access-Control-Allow-Headers"])


def test_gateway_answers_in_the_error_envelope(template: dict[str, Any]) -> None:
    answers = _api(template)["Body"]["x-amazon-apigateway-gateway-responses"]

    for kind, answer in answers.items():
        error = json.loads(answer["responseTemplates"]["application/json"])["error"]
        assert answer["responseParameters"]["gatewayresponse.header.Access-Control-Allow-Origin"]
        assert error.keys() == {"code", "message"}, kind
        assert error["code"] == int(answer["statusCode"]), kind


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("MISSING_AUTHENTICATION_TOKEN", 404),
        ("INVALID_SIGNATURE", 404),
        ("REQUEST_TOO_LARGE", 413),
        ("THROTTLED", 429),
        ("INTEGRATION_FAILURE", 502),
        ("INTEGRATION_TIMEOUT", 504),
        ("DEFAULT_4XX", 400),
        ("DEFAULT_5XX", 500),
    ],
)
def test_gateway_answer_has_openrouters_status(
    template: dict[str, Any], kind: str, status: int
) -> None:
    answers = _api(template)["Body"]["x-amazon-apigateway-gateway-responses"]

    assert int(answers[kind]["statusCode"]) == status


def test_throttled_answer_says_when_to_retry(template: dict[str, Any]) -> None:
    answer = _api(template)["Body"]["x-amazon-apigateway-gateway-responses"]["THROTTLED"]

    assert answer["responseParameters"]["gatewayresponse.header.Retry-After"] == "'1'"


def _names(header: str) -> set[str]:
    return {name.strip().lower() for name in header.split(",")}
