"""The tables and the secret as deployed: what is kept, and how."""

from typing import Any

import pytest

from tests.support import template as views

KEYS = {
    "AccountsTable": [("pk", "HASH")],
    "UsageTable": [("pk", "HASH"), ("sk", "RANGE")],
    "ControlTable": [("pk", "HASH"), ("sk", "RANGE")],
}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return views.deployed()


def test_every_table_is_covered_here(template: dict[str, Any]) -> None:
    assert views.of_type(template, "AWS::DynamoDB::Table").keys() == KEYS.keys()


@pytest.mark.parametrize("table", sorted(KEYS))
def test_table_is_on_demand_encrypted_and_recoverable(template: dict[str, Any], table: str) -> None:
    properties = views.of_type(template, "AWS::DynamoDB::Table")[table]

    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize("table", sorted(KEYS))
def test_table_is_protected_unless_the_stack_is_a_test(
    template: dict[str, Any], table: str
) -> None:
    properties = views.of_type(template, "AWS::DynamoDB::Table")[table]

    assert properties["DeletionProtectionEnabled"] == {"Fn::If": ["ProtectsTables", True, False]}
    assert template["Conditions"]["ProtectsTables"] == {
        "Fn::Equals": [{"Ref": "DeletionProtection"}, "true"]
    }
    assert template["Parameters"]["DeletionProtection"]["Default"] == "true"


@pytest.mark.parametrize("kept", [*sorted(KEYS), "UpstreamSecret"])
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


def test_secret_is_made_empty_and_says_how_to_fill_it(template: dict[str, Any]) -> None:
    secret = views.of_type(template, "AWS::SecretsManager::Secret")["UpstreamSecret"]

    assert secret.keys() & {"SecretString", "GenerateSecretString"} == set()
    assert "put-secret-value" in secret["Description"]["Fn::Sub"]


def test_outputs_name_what_an_operator_needs(template: dict[str, Any]) -> None:
    outputs = template["Outputs"]

    assert outputs["BaseUrl"]["Value"]["Fn::Sub"].endswith("/${StageName}/api/v1")
    assert outputs["UpstreamSecretArn"]["Value"] == {"Ref": "UpstreamSecret"}
    assert outputs.keys() >= {f"{table}Name" for table in KEYS}
    assert outputs.keys() >= {"ChatFunctionName", "SweepFunctionName"}
