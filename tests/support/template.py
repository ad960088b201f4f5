"""template.yaml as deployed: views of the transformed template that the tests ask for."""

import ast
import copy
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from local.transform import FunctionSource, function_sources, load, transform_loaded

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"

Resource = Mapping[str, Any]


def source() -> dict[str, Any]:
    """Return template.yaml as written, a new copy each time."""
    return copy.deepcopy(_loaded())


@functools.cache
def deployed() -> dict[str, Any]:
    """Return template.yaml as CloudFormation sees it; nobody may change it."""
    return transform_loaded(source())


@functools.cache
def functions() -> Mapping[str, FunctionSource]:
    """Return every function's folders, by logical id."""
    return function_sources(TEMPLATE)


def of_type(template: Mapping[str, Any], kind: str) -> dict[str, Resource]:
    """Return the properties of all resources of a type, by logical id."""
    return {
        logical_id: resource.get("Properties", {})
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def route(template: Mapping[str, Any], *, path: str, method: str) -> Resource:
    """Return the API Gateway integration of a route."""
    (api,) = of_type(template, "AWS::ApiGateway::RestApi").values()
    integration: Resource = api["Body"]["paths"][path][method]["x-amazon-apigateway-integration"]
    return integration


def is_streamed(integration: Resource) -> bool:
    """Tell whether API Gateway passes an answer on while the function still writes it."""
    uri = integration["uri"]["Fn::Sub"]
    return (
        integration.get("responseTransferMode") == "STREAM"
        and "/2021-11-15/" in uri
        and uri.endswith("/response-streaming-invocations")
    )


def environment(template: Mapping[str, Any], function: str) -> dict[str, Any]:
    """Return the variables of a function, by name."""
    properties = of_type(template, "AWS::Lambda::Function")[function]
    variables: dict[str, Any] = properties["Environment"]["Variables"]
    return variables


def role_of(template: Mapping[str, Any], function: str) -> str:
    """Return the logical id of a function's role."""
    role, attribute = of_type(template, "AWS::Lambda::Function")[function]["Role"]["Fn::GetAtt"]
    assert attribute == "Arn"
    return str(role)


def statements(template: Mapping[str, Any], function: str) -> Iterator[Resource]:
    """Yield the statements of the policies a function's own role carries."""
    role = of_type(template, "AWS::IAM::Role")[role_of(template, function)]
    for policy in role["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def actions(statement: Resource) -> list[str]:
    """Return a statement's actions as a list."""
    found = statement["Action"]
    return [found] if isinstance(found, str) else list(found)


def grants(template: Mapping[str, Any], function: str) -> set[tuple[str, str]]:
    """Return what a function may do as (action, logical id of the resource) pairs."""
    return {
        (action, _target(statement["Resource"]))
        for statement in statements(template, function)
        for action in actions(statement)
    }


def variables_read(settings: str, *, module: Path) -> set[str]:
    """Return the names of environment variables that a settings class reads: its ALL-CAPS texts."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    (found,) = (
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == settings
    )
    return {
        node.value
        for node in ast.walk(found)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.isupper()
        and node.value.isidentifier()
    }


@functools.cache
def _loaded() -> dict[str, Any]:
    return load(TEMPLATE)


def _target(resource: Any) -> str:
    """Return the logical id in `!GetAtt X.Arn` or `!Ref X`; `X.Other`, or a `!Sub`, as written."""
    if "Ref" in resource:
        return str(resource["Ref"])
    if "Fn::Sub" in resource:
        return str(resource["Fn::Sub"])
    logical_id, attribute = resource["Fn::GetAtt"]
    return str(logical_id) if attribute == "Arn" else f"{logical_id}.{attribute}"
