"""The tables of a stack as CloudFormation names them, in the embedded AWS."""

import json

from local.aws import EmbeddedAws

TABLES = {
    "AccountsTable": ("pk",),
    "UsageTable": ("pk", "sk"),
    "ControlTable": ("pk", "sk"),
    "RollupsTable": ("pk", "sk"),
}


def deploy_tables(aws: EmbeddedAws, stack: str) -> dict[str, str]:
    """Create a stack of empty tables; return their names by logical id."""
    resources = {
        name: {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [
                    {"AttributeName": key, "AttributeType": "S"} for key in keys
                ],
                "KeySchema": [
                    {"AttributeName": key, "KeyType": kind}
                    for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
                ],
            },
        }
        for name, keys in TABLES.items()
    }
    client = aws.client("cloudformation")
    client.create_stack(StackName=stack, TemplateBody=json.dumps({"Resources": resources}))
    found = client.describe_stack_resources(StackName=stack)["StackResources"]
    client.close()
    return {entry["LogicalResourceId"]: entry["PhysicalResourceId"] for entry in found}
