"""template.yaml into the embedded AWS, and what became of it: functions, tables, schedules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from local.aws import EmbeddedAws
from local.cloudformation import create
from local.event_sources import EventSource, read_event_sources
from local.functions import FunctionConfig
from local.transform import function_sources, transform

_TABLE = "AWS::DynamoDB::Table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A stack that is up in the embedded AWS.

    Attributes:
        template: The plain CloudFormation template, for its routes.
        functions: What each function runs with, by logical id.
        physical_ids: Physical resource id by logical id: table names, secret ARNs.
        schedules: Function's logical id → seconds between two runs.
        event_sources: The queues and streams that feed functions.
    """

    template: Mapping[str, Any]
    functions: Mapping[str, FunctionConfig]
    physical_ids: Mapping[str, str]
    schedules: Mapping[str, float]
    event_sources: Sequence[EventSource]

    @property
    def tables(self) -> dict[str, str]:
        """Return the tables' names by logical id."""
        resources = self.template["Resources"]
        return {
            name: self.physical_ids[name] for name in resources if resources[name]["Type"] == _TABLE
        }

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
    physical_ids = create(template, aws=aws)
    return Deployment(
        template=template,
        functions=_functions(template_path, template, aws=aws, physical_ids=physical_ids),
        physical_ids=physical_ids,
        schedules=_schedules(template),
        event_sources=read_event_sources(template, physical_ids=physical_ids),
    )


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
                **aws.environment(principal=logical_id),
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
