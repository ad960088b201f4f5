"""The routes of a template, after the SAM transform that AWS would apply to it."""

from pathlib import Path
from typing import Any

import pytest

from local.gateway_responses import Answer, Refusal
from local.routes import LambdaIntegration, TemplateError, read_routes
from local.transform import transform
from tests.support.gateway_functions import template_routes


def make_template(**integration: Any) -> dict[str, Any]:
    """Return a transformed template with one route, to the function `F`."""
    uri = "arn:${AWS::Partition}:apigateway:x:lambda:path/y/functions/${F.Arn}/invocations"
    operation = {
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            "uri": {"Fn::Sub": uri},
            **integration,
        }
    }
    return {
        "Resources": {
            "F": {"Type": "AWS::Lambda::Function"},
            "Api": {
                "Type": "AWS::ApiGateway::RestApi",
                "Properties": {"Body": {"paths": {"/a": {"get": operation}}}},
            },
        }
    }


def test_route_streams_when_template_says_response_stream() -> None:
    routes = template_routes()

    streaming = routes.match("POST", "/stream/x")
    buffered = routes.match("POST", "/plain/x")

    assert streaming is not None
    assert buffered is not None
    assert streaming.route.integration == LambdaIntegration(
        function="Function", streams=True, timeout_s=600
    )
    assert buffered.route.integration == LambdaIntegration(
        function="Function", streams=False, timeout_s=29
    )


def test_route_is_buffered_when_only_the_mode_says_stream() -> None:
    match = read_routes(make_template(responseTransferMode="STREAM")).match("GET", "/a")

    assert match is not None
    assert isinstance(match.route.integration, LambdaIntegration)
    assert match.route.integration.streams is False


def test_function_is_found_when_route_leads_to_an_alias(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(
        """
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Function:
            Type: AWS::Serverless::Function
            Properties:
              {Runtime: python3.13, Handler: h.h, CodeUri: ., AutoPublishAlias: live, Events: {
               Get: {Type: Api, Properties: {Path: /a, Method: get}}}}
        """
    )

    match = read_routes(transform(path)).match("GET", "/a")

    assert match is not None
    assert isinstance(match.route.integration, LambdaIntegration)
    assert match.route.integration.function == "Function"


@pytest.mark.parametrize(
    ("integration", "message"),
    [
        ({"type": "http_proxy"}, "no http_proxy integration"),
        ({"uri": "arn:aws:apigateway:x:sqs:path/q"}, "no function"),
    ],
)
def test_template_is_refused_when_integration_is_not_served(
    integration: dict[str, Any], message: str
) -> None:
    with pytest.raises(TemplateError, match=message):
        read_routes(make_template(**integration))


def test_template_is_refused_when_it_has_no_api() -> None:
    with pytest.raises(TemplateError, match="found 0"):
        read_routes({"Resources": {}})


def test_template_is_refused_when_header_is_not_a_quoted_literal() -> None:
    template = make_template()
    template["Resources"]["Api"]["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"] = {
        "DEFAULT_4XX": {"responseParameters": {"gatewayresponse.header.X": "'${Unknown}'"}}
    }

    with pytest.raises(ValueError, match="only quoted"):
        read_routes(template)


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (Refusal.MISSING_AUTHENTICATION_TOKEN, (403, "Missing Authentication Token")),
        (Refusal.REQUEST_TOO_LARGE, (413, "Request Too Long")),
        (Refusal.INTEGRATION_FAILURE, (502, "Internal server error")),
        (Refusal.INTEGRATION_TIMEOUT, (504, "Endpoint request timed out")),
    ],
)
def test_refusal_has_its_default_when_template_says_nothing(
    refusal: Refusal, expected: tuple[int, str]
) -> None:
    status, message = expected

    answer = read_routes(make_template()).responses.answer(refusal, request_id="r")

    assert answer == Answer(
        status=status,
        headers=(("Content-Type", "application/json"),),
        body=f'{{"message":"{message}"}}'.encode(),
    )


def test_refusal_takes_its_family_s_form_when_it_has_none_of_its_own() -> None:
    responses = template_routes().responses

    timed_out = responses.answer(Refusal.INTEGRATION_TIMEOUT, request_id="r-1")
    too_large = responses.answer(Refusal.REQUEST_TOO_LARGE, request_id="r-1")

    assert timed_out.body == b'{"failed":"Endpoint request timed out","id":"r-1"}'
    assert timed_out.status == 504
    assert dict(timed_out.headers)["X-Origin"] == "https://app.example"
    assert dict(too_large.headers)["Access-Control-Allow-Origin"] == "*"
