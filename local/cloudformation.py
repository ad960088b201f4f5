"""What of the transformed template moto's CloudFormation creates, and the rest through each API.

It knows no secrets, no bucket policies, no metric filters and only part of API Gateway, and would
run the functions of event source mappings itself, in containers.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from local.aws import EmbeddedAws, EmbeddedAwsError

STACK = "weir"
_LEFT_OUT = (
    "AWS::ApiGateway::",
    "AWS::SecretsManager::",
    "AWS::CloudWatch::",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Logs::MetricFilter",
    "AWS::S3::BucketPolicy",
)
_SECRET = "AWS::SecretsManager::Secret"
_TABLE = "AWS::DynamoDB::Table"
_EMPTY_ZIP = b"PK\x05\x06" + bytes(18)
_TABLE_PROPERTIES = ("AttributeDefinitions", "BillingMode", "KeySchema")


def create(template: Mapping[str, Any], *, aws: EmbeddedAws) -> dict[str, str]:
    """Create the template's resources; return their physical ids by logical id.

    Tables go to `aws.dynamodb_url` when that is not the embedded AWS itself.

    Raises:
        EmbeddedAwsError: CloudFormation did not create the stack; says why.
    """
    _put_artefacts(template, aws=aws)
    physical_ids = _create_secrets(template, aws=aws)
    left_out = {name for name, found in template["Resources"].items() if _is_left_out(found)}
    if aws.has_other_dynamodb:
        physical_ids |= _create_tables(template, aws=aws)
        left_out |= {name for name, kind in _types(template).items() if kind == _TABLE}
    reduced = _without(left_out, template, physical_ids=physical_ids)
    physical_ids |= _create_stack(reduced, aws=aws)
    _let_items_expire(template, aws=aws, physical_ids=physical_ids)
    return physical_ids


def _is_left_out(resource: Mapping[str, Any]) -> bool:
    # A rule with a schedule alone matches every event there, and would have to run its function.
    is_schedule = "ScheduleExpression" in resource.get("Properties", {})
    return is_schedule or str(resource["Type"]).startswith(_LEFT_OUT)


def _types(template: Mapping[str, Any]) -> dict[str, str]:
    return {name: resource["Type"] for name, resource in template["Resources"].items()}


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
        name: client.create_secret(Name=f"{STACK}-{name}")["ARN"]
        for name, kind in _types(template).items()
        if kind == _SECRET
    }
    client.close()
    return created


def _create_tables(template: Mapping[str, Any], *, aws: EmbeddedAws) -> dict[str, str]:
    client = aws.client("dynamodb")
    created = {}
    for name, kind in _types(template).items():
        if kind == _TABLE:
            created[name] = f"{STACK}-{name}"
            client.create_table(TableName=created[name], **table_definition(template, name))
    client.close()
    return created


def table_definition(template: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what CreateTable takes for a table of the template, but its name."""
    properties = template["Resources"][name]["Properties"]
    definition = {key: properties[key] for key in _TABLE_PROPERTIES}
    if "StreamSpecification" in properties:
        definition["StreamSpecification"] = {
            "StreamEnabled": True,
            **properties["StreamSpecification"],
        }
    return definition


def _let_items_expire(
    template: Mapping[str, Any], *, aws: EmbeddedAws, physical_ids: Mapping[str, str]
) -> None:
    client = aws.client("dynamodb")
    for name, kind in _types(template).items():
        properties = template["Resources"][name].get("Properties", {})
        if kind == _TABLE and "TimeToLiveSpecification" in properties:
            client.update_time_to_live(
                TableName=physical_ids[name],
                TimeToLiveSpecification=properties["TimeToLiveSpecification"],
            )
    client.close()


def _without(
    left_out: Collection[str], template: Mapping[str, Any], *, physical_ids: Mapping[str, str]
) -> dict[str, Any]:
    """Drop what is created otherwise, or not at all, with everything that only describes it."""
    resources = template["Resources"]
    kept = {name: resources[name] for name in resources if name not in left_out}
    literals = {name: physical_ids.get(name, name) for name in left_out}
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
    if node.keys() == {"Fn::GetAtt"} and node["Fn::GetAtt"][0] in literals:
        return "left-out"  # ARNs in roles, which nothing here checks
    if node.keys() == {"Fn::Sub"} and any("${" + name in str(node) for name in literals):
        return "left-out"  # the same, and those of the API in permissions
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
