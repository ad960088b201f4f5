"""The tables, the bucket and the secrets as deployed: what is kept, and how."""

from typing import Any

import pytest

from tests.support import template as views

KEYS = {
    "AccountsTable": [("pk", "HASH")],
    "UsageTable": [("pk", "HASH"), ("sk", "RANGE")],
    "ControlTable": [("pk", "HASH"), ("sk", "RANGE")],
    "RollupsTable": [("pk", "HASH"), ("sk", "RANGE")],
    "EphemeralTable": [("pk", "HASH")],
}
IRREPLACEABLE = ("AccountsTable", "ControlTable", "UsageTable")
KEPT = (*IRREPLACEABLE, "RollupsTable")
SECRETS = ("OperatorSecret", "UpstreamManagementSecret", "UpstreamSecret")


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return views.deployed()


def test_every_table_is_covered_here(template: dict[str, Any]) -> None:
    assert views.of_type(template, "AWS::DynamoDB::Table").keys() == KEYS.keys()


@pytest.mark.parametrize("table", sorted(KEYS))
def test_table_is_on_demand_and_encrypted(template: dict[str, Any], table: str) -> None:
    properties = views.of_type(template, "AWS::DynamoDB::Table")[table]

    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"] == {"SSEEnabled": True}


def test_what_cannot_be_recomputed_can_be_recovered(template: dict[str, Any]) -> None:
    recoverable = {
        name
        for name, table in views.of_type(template, "AWS::DynamoDB::Table").items()
        if table.get("PointInTimeRecoverySpecification") == {"PointInTimeRecoveryEnabled": True}
    }

    assert recoverable == set(IRREPLACEABLE)


def test_usage_records_alone_are_streamed_as_written(template: dict[str, Any]) -> None:
    streams = {
        name: table["StreamSpecification"]
        for name, table in views.of_type(template, "AWS::DynamoDB::Table").items()
        if "StreamSpecification" in table
    }

    assert streams == {"UsageTable": {"StreamViewType": "NEW_IMAGE"}}


def test_ephemeral_items_alone_expire(template: dict[str, Any]) -> None:
    expiring = {
        name: table["TimeToLiveSpecification"]
        for name, table in views.of_type(template, "AWS::DynamoDB::Table").items()
        if "TimeToLiveSpecification" in table
    }

    assert expiring == {"EphemeralTable": {"AttributeName": "ttl", "Enabled": True}}


@pytest.mark.parametrize("table", KEPT)
def test_table_is_protected_unless_the_stack_is_a_test(
    template: dict[str, Any], table: str
) -> None:
    properties = views.of_type(template, "AWS::DynamoDB::Table")[table]

    assert properties["DeletionProtectionEnabled"] == {"Fn::If": ["ProtectsTables", True, False]}
    assert template["Conditions"]["ProtectsTables"] == {
        "Fn::Equals": [{"Ref": "DeletionProtection"}, "true"]
    }
    assert template["Parameters"]["DeletionProtection"]["Default"] == "true"


@pytest.mark.parametrize("kept", [*KEPT, *SECRETS, "AnswersBucket"])
def test_data_survives_the_stack(template: dict[str, Any], kept: str) -> None:
    resource = template["Resources"][kept]

    assert resource["DeletionPolicy"] == "Retain"
    assert resource["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("table", sorted(KEYS))
def test_table_has_the_keys_the_ledger_uses(template: dict[str, Any], table: str) -> None:
    properties = views.of_type(template, "AWS::DynamoDB::Table")[table]

    schema = [(entry["AttributeName"], entry["KeyType"]) for entry in properties["KeySchema"]]
    assert schema == KEYS[table]
    assert all(entry["AttributeType"] == "S" for entry in properties["AttributeDefinitions"])


@pytest.mark.parametrize("secret", SECRETS)
def test_secret_is_made_empty_and_says_how_to_fill_it(
    template: dict[str, Any], secret: str
) -> None:
    properties = views.of_type(template, "AWS::SecretsManager::Secret")[secret]

    assert properties.keys() & {"SecretString", "GenerateSecretString"} == set()
    assert "put-secret-value" in properties["Description"]["Fn::Sub"]
    assert f"--logical-resource-id {secret} " in properties["Description"]["Fn::Sub"]


def test_answers_are_private_encrypted_and_soon_forgotten(template: dict[str, Any]) -> None:
    (bucket,) = views.of_type(template, "AWS::S3::Bucket").values()

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms"}
    assert encryption["BucketKeyEnabled"] is True
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 2)
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert rule.keys().isdisjoint({"Prefix", "TagFilters"})


def test_answers_travel_over_tls_only(template: dict[str, Any]) -> None:
    (policy,) = views.of_type(template, "AWS::S3::BucketPolicy").values()

    (statement,) = policy["PolicyDocument"]["Statement"]
    assert policy["Bucket"] == {"Ref": "AnswersBucket"}
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == (
        *("Deny", "*", "s3:*"),
    )
    assert statement["Resource"] == [
        {"Fn::GetAtt": ["AnswersBucket", "Arn"]},
        {"Fn::Sub": "${AnswersBucket.Arn}/*"},
    ]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_outputs_name_what_an_operator_needs(template: dict[str, Any]) -> None:
    outputs = template["Outputs"]

    assert outputs["BaseUrl"]["Value"]["Fn::Sub"].endswith("/${StageName}/api/v1")
    assert outputs["UpstreamSecretArn"]["Value"] == {"Ref": "UpstreamSecret"}
    assert outputs.keys() >= {f"{table}Name" for table in KEYS}
    functions = views.of_type(template, "AWS::Lambda::Function")
    assert outputs.keys() >= {f"{function}Name" for function in functions}
    assert outputs["OperatorSecretArn"]["Value"] == {"Ref": "OperatorSecret"}
    assert outputs["UpstreamManagementSecretArn"]["Value"] == {"Ref": "UpstreamManagementSecret"}
