"""The routes of the deployed template, read from the OpenAPI body the SAM transform makes of it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from local.gateway_responses import Answer, GatewayResponses, static_headers

ANY_METHOD = "x-amazon-apigateway-any-method"
DEFAULT_TIMEOUT_MS = 29_000
_METHODS = frozenset({"get", "post", "put", "patch", "delete", "options", "head", ANY_METHOD})
_STREAMING_URI = "/response-streaming-invocations"
_FUNCTION = re.compile(r"/functions/\$\{(\w+)(?:\.Arn)?\}/")
_PARAMETER = re.compile(r"\{(\w+)(\+?)\}")
_VARIABLE = re.compile(r"\$\{([\w:]+)\}")  # without a dot: `${ChatFunction.Arn}` is no parameter
_RESPONSE_HEADER = "method.response.header."


class TemplateError(Exception):
    """The template uses something of API Gateway that is not served here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaIntegration:
    """A route to a function.

    Attributes:
        function: Logical id.
        streams: Whether the response is passed on as it comes.
        timeout_s: How long the gateway waits for the whole response.
    """

    function: str
    streams: bool
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one resource.

    Attributes:
        method: Upper case, or `ANY`.
        resource: Path with `{name}` and `{name+}` in it.
        integration: A function, or the answer itself of a mock integration.
    """

    method: str
    resource: str
    integration: LambdaIntegration | Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A route and the path parameters that lead to it, percent-decoded."""

    route: Route
    path_parameters: Mapping[str, str]


class Routes:
    """All routes of one API, the most specific first.

    Attributes:
        responses: What the gateway answers where no route does.
    """

    def __init__(self, routes: list[Route], *, responses: GatewayResponses) -> None:
        self._routes = sorted(routes, key=_specificity)
        self._patterns = [(re.compile(_pattern(route.resource)), route) for route in self._routes]
        self.responses = responses

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def match(self, method: str, path: str) -> Match | None:
        """Find the route of a request; None when there is none.

        Args:
            path: As sent, without the query.
        """
        for pattern, route in self._patterns:
            if route.method in {method, "ANY"} and (found := pattern.fullmatch(path)):
                values = {name: unquote(value) for name, value in found.groupdict().items()}
                return Match(route=route, path_parameters=values)
        return None


def read_routes(
    template: Mapping[str, Any], *, parameters: Mapping[str, str] | None = None
) -> Routes:
    """Read the one RestApi of a SAM-transformed template.

    Args:
        parameters: Values for `Ref` and `Fn::Sub` in headers and bodies.

    Raises:
        TemplateError: There is not exactly one API, or it needs what is not supported.
    """
    resources: Mapping[str, Any] = template["Resources"]
    apis = [item for item in resources.values() if item["Type"] == "AWS::ApiGateway::RestApi"]
    if len(apis) != 1:
        raise TemplateError(f"expected one AWS::ApiGateway::RestApi, found {len(apis)}")
    body = _resolve(apis[0]["Properties"]["Body"], parameters or {})
    routes = [
        _route(resource, method, operation, resources)
        for resource, operations in body["paths"].items()
        for method, operation in operations.items()
        if method in _METHODS
    ]
    return Routes(routes, responses=GatewayResponses.from_body(body))


def _specificity(route: Route) -> tuple[list[int], bool]:
    kinds = []
    for segment in route.resource.split("/"):
        parameter = _PARAMETER.fullmatch(segment)
        kinds.append(0 if parameter is None else 2 if parameter[2] else 1)
    return kinds, route.method == "ANY"


def _pattern(resource: str) -> str:
    segments = []
    for segment in resource.split("/"):
        parameter = _PARAMETER.fullmatch(segment)
        if parameter is None:
            segments.append(re.escape(segment))
        else:
            segments.append(f"(?P<{parameter[1]}>{'.+' if parameter[2] else '[^/]+'})")
    # A REST API takes a slash at the end of a path for nothing.
    return "/".join(segments) + "/?"


def _route(
    resource: str, method: str, operation: Mapping[str, Any], resources: Mapping[str, Any]
) -> Route:
    integration = operation["x-amazon-apigateway-integration"]
    match integration["type"].lower():
        case "aws_proxy":
            target: LambdaIntegration | Answer = _lambda(integration, resources)
        case "mock":
            target = _mock(integration)
        case other:
            raise TemplateError(f"{method} {resource}: no {other} integration is served here")
    name = "ANY" if method == ANY_METHOD else method.upper()
    return Route(method=name, resource=resource, integration=target)


def _lambda(integration: Mapping[str, Any], resources: Mapping[str, Any]) -> LambdaIntegration:
    uri: str = integration["uri"]
    found = _FUNCTION.search(uri)
    if found is None:
        raise TemplateError(f"no function in the integration uri {uri}")
    logical_id = found[1]
    if resources[logical_id]["Type"] == "AWS::Lambda::Alias":
        logical_id = resources[logical_id]["Properties"]["FunctionName"]["Ref"]
    # Both are needed on AWS: the mode alone leaves a buffered invocation.
    streams = integration.get("responseTransferMode") == "STREAM" and uri.endswith(_STREAMING_URI)
    timeout_ms = integration.get("timeoutInMillis", DEFAULT_TIMEOUT_MS)
    return LambdaIntegration(function=logical_id, streams=streams, timeout_s=int(timeout_ms) / 1000)


def _mock(integration: Mapping[str, Any]) -> Answer:
    response = integration["responses"]["default"]
    body: str = response.get("responseTemplates", {}).get("application/json", "")
    headers = static_headers(response.get("responseParameters", {}), prefix=_RESPONSE_HEADER)
    return Answer(
        status=int(response["statusCode"]),
        headers=(("Content-Type", "application/json"), *headers),
        body=body.encode(),
    )


def _resolve(value: Any, parameters: Mapping[str, str]) -> Any:
    """Replace `Ref` and `Fn::Sub` of known parameters; references to functions stay as they are."""
    match value:
        case list():
            return [_resolve(item, parameters) for item in value]
        case {"Ref": str(name)} if len(value) == 1:
            return parameters.get(name, name)
        case {"Fn::Sub": str(text)} if len(value) == 1:
            return _VARIABLE.sub(lambda found: parameters.get(found[1], found[0]), text)
        case dict():
            return {key: _resolve(item, parameters) for key, item in value.items()}
        case _:
            return value
