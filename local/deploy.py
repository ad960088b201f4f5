"""template.yaml into the embedded AWS: CloudFormation creates what moto covers, this does the rest.

moto's CloudFormation knows no Secrets Manager secrets and only part of API Gateway: secrets are
created through their API and put in place of their references; routes are read from the template.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from local.aws import EmbeddedAws, EmbeddedAwsError
from local.functions import FunctionConfig
from local.transform import function_sources, transform

STACK = "weir"
_LEFT_OUT = ("AWS::ApiGateway::", "AWS::SecretsManager::", "AWS::CloudWatch::")
_SECRET = "AWS::SecretsManager::Secret"
_EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A stack that is up in the embedded AWS.

    Attributes:
        template: The plain CloudFormation template, for its routes.
        functions: What each function runs with, by logical id.
        physical_ids: Physical resource id by logical id: table names, secret ARNs.
        schedules: Function's logical id → seconds between two runs.
    """

    template: Mapping[str, Any]
    functions: Mapping[str, FunctionConfig]
    physical_ids: Mapping[str, str]
    schedules: Mapping[str, float]

    def with_variables(self, variables: Mapping[str, Mapping[str, str]]) -> Self:
        """Return it with other variables in place of the template's, by function's logical id.

        Raises:
            KeyError: There is no such function.
        """
        functions = dict(self.functions)
        for name, replacing in variables.items():
            environment = {**functions[name].environment, **replacing}
            functions[name] = replace(functions[name], environment=environment)
        return replace(self, functions=functions)


def deploy(template_path: Path, *, aws: EmbeddedAws, parameters: Mapping[str, str]) -> Deployment:
    """Create the stack and resolve what its functions need to run.

    Raises:
        EmbeddedAwsError: CloudFormation did not create the stack; says why.
    """
    template = transform(template_path, parameters)
    _put_artefacts(template, aws=aws)
    physical_ids = _create_secrets(template, aws=aws)
    creatable = _without_left_out(template, physical_ids=physical_ids)
    physical_ids |= _create_stack(creatable, aws=aws)
    return Deployment(
        template=template,
        functions=_functions(template_path, template, aws=aws, physical_ids=physical_ids),
        physical_ids=physical_ids,
        schedules=_schedules(template),
    )


def _put_artefacts(template: Mapping[str, Any], *, aws: EmbeddedAws) -> None:
    """Store an empty archive wherever the template expects code: workers run it from folders."""
    client = aws.client("s3")
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        place = properties.get("Code", properties.get("Content", {}))
        if "S3Bucket" in place:
            client.create_bucket(Bucket=place["S3Bucket"])
            client.put_object(Bucket=place["S3Bucket"], Key=place["S3Key"], Body=_EMPTY_ZIP)
    client.close()


def _create_secrets(template: Mapping[str, Any], *, aws: EmbeddedAws) -> dict[str, str]:
    client = aws.client("secretsmanager")
    created = {
        logical_id: client.create_secret(Name=f"{STACK}-{logical_id}")["ARN"]
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == _SECRET
    }
    client.close()
    return created


def _without_left_out(
    template: Mapping[str, Any], *, physical_ids: Mapping[str, str]
) -> dict[str, Any]:
    """Drop what moto cannot create, with everything that only describes it."""
    resources = template["Resources"]
    dropped = {name for name in resources if resources[name]["Type"].startswith(_LEFT_OUT)}
    kept = {name: resources[name] for name in resources if name not in dropped}
    literals = {name: physical_ids.get(name, name) for name in dropped}
    reduced = {**template, "Resources": kept}
    reduced.pop("Outputs", None)
    result: dict[str, Any] = _with_literals(reduced, literals)
    return result


def _with_literals(node: Any, literals: Mapping[str, str]) -> Any:
    """Replace every reference to a dropped resource by its physical id."""
    if isinstance(node, list):
        return [_with_literals(entry, literals) for entry in node]
    if not isinstance(node, dict):
        return node
    if node.keys() == {"Ref"} and node["Ref"] in literals:
        return literals[node["Ref"]]
    if node.keys() == {"Fn::Sub"} and any("${" + name in str(node) for name in literals):
        return "left-out"  # ARNs of the API in permissions, which nothing here checks
    return {
        name: _with_literals(value, literals) for name, value in node.items() if name != "DependsOn"
    }


def _create_stack(template: Mapping[str, Any], *, aws: EmbeddedAws) -> dict[str, str]:
    client = aws.client("cloudformation")
    client.create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    stack = client.describe_stacks(StackName=STACK)["Stacks"][0]
    if stack["StackStatus"] != "CREATE_COMPLETE":
        reason = stack.get("StackStatusReason")
        raise EmbeddedAwsError(f"the stack is {stack['StackStatus']}: {reason}")
    found = client.describe_stack_resources(StackName=STACK)["StackResources"]
    client.close()
    return {
        entry["LogicalResourceId"]: entry["PhysicalResourceId"]
        for entry in found
        if "PhysicalResourceId" in entry
    }


def _functions(
    template_path: Path,
    template: Mapping[str, Any],
    *,
    aws: EmbeddedAws,
    physical_ids: Mapping[str, str],
) -> dict[str, FunctionConfig]:
    client = aws.client("lambda")
    configs = {}
    for logical_id, source in function_sources(template_path).items():
        found = client.get_function_configuration(FunctionName=physical_ids[logical_id])
        configs[logical_id] = FunctionConfig(
            name=logical_id,
            code=source.code,
            handler=source.handler,
            layers=source.layers,
            environment={
                **_texts(found),
                **_log_variables(template, logical_id),
                **aws.environment(),
            },
            timeout_s=float(found["Timeout"]),
            memory_mb=int(found["MemorySize"]),
        )
    client.close()
    return configs


def _texts(configuration: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables as text: moto keeps a Number parameter's default a number."""
    variables = configuration["Environment"]["Variables"]
    return {name: str(value) for name, value in variables.items()}


def _log_variables(template: Mapping[str, Any], function: str) -> dict[str, str]:
    """Return what Lambda sets for a LoggingConfig, which moto does not keep."""
    config = template["Resources"][function]["Properties"]["LoggingConfig"]
    level = template["Parameters"][config["ApplicationLogLevel"]["Ref"]]["Default"]
    return {"AWS_LAMBDA_LOG_FORMAT": config["LogFormat"], "AWS_LAMBDA_LOG_LEVEL": level}


def _schedules(template: Mapping[str, Any]) -> dict[str, float]:
    found = {}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Events::Rule":
            properties = resource["Properties"]
            (target,) = properties["Targets"]
            function, _ = target["Arn"]["Fn::GetAtt"]
            found[function] = _period_s(properties["ScheduleExpression"])
    return found


def _period_s(expression: str) -> float:
    """Turn `rate(5 minutes)` into seconds."""
    amount, unit = expression.removeprefix("rate(").removesuffix(")").split()
    seconds = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}
    return float(amount) * seconds[unit.removesuffix("s")]
