"""The functions as deployed: roles, environment, logs, layers."""

import re
from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from tests.support import template as views
from tests.support.answer_values import make_claim
from tests.support.function_grants import GRANTS
from weir.adapters.catalogue_copies import object_key as copy_key
from weir.adapters.dynamodb.answer_items import object_key as answer_key
from weir.domain.catalogue import MODELS
from weir.observability import MaskingFormatter

SETTINGS = {
    "ChatFunction": "ChatSettings",
    "AccountFunction": "AccountSettings",
    "AuthFunction": "AuthSettings",
    "CatalogFunction": "CatalogSettings",
    "ExportFunction": "ExportSettings",
    "OperatorFunction": "OperatorSettings",
    "SettleFunction": "SettleSettings",
    "SweepFunction": "SweepSettings",
    "RollupFunction": "RollupSettings",
    "ReconcileFunction": "ReconcileSettings",
}
SETTINGS_FOLDER = views.ROOT / "layers/weir/weir/settings"
SETTINGS_MODULES = dict.fromkeys(
    ("ChatFunction", "AccountFunction", "CatalogFunction", "ExportFunction"), "requests.py"
)
SETTINGS_MODULES["OperatorFunction"] = "operator.py"
SETTINGS_MODULES["AuthFunction"] = "sign_in.py"
# What the template gives to all functions, and some of them do not need.
UNREAD = {
    function: {"ACCOUNTS_TABLE", "USAGE_TABLE"}
    for function in ("CatalogFunction", "ExportFunction")
}
# What a variable refers to, when it names a secret.
SECRETS = {
    "UPSTREAM_SECRET_ID": "UpstreamSecret",
    "UPSTREAM_MANAGEMENT_SECRET_ID": "UpstreamManagementSecret",
    "OPERATOR_SECRET_ID": "OperatorSecret",
}
SCHEDULES = {"SweepFunction": "rate(5 minutes)", "ReconcileFunction": "rate(1 hour)"}
# Read by libraries and by Lambda itself, not by our settings.
READ_ELSEWHERE = {
    "AWS_ENDPOINT_URL",
    "AWS_LAMBDA_EXEC_WRAPPER",
    "POWERTOOLS_LOG_LEVEL",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_SERVICE_NAME",
}
# Resources with a star that cannot be named further: objects of a bucket, streams of a table.
PARTS = {
    "${AnswersBucket.Arn}/answers/*",
    "${AnswersBucket.Arn}/catalogue/*",
    "${UsageTable.Arn}/stream/*",
}
each_function = pytest.mark.parametrize("function", sorted(SETTINGS))


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return views.deployed()


def test_every_function_is_covered_here(template: dict[str, Any]) -> None:
    assert views.of_type(template, "AWS::Lambda::Function").keys() == SETTINGS.keys()
    assert {source.code.name for source in views.functions().values()} == {
        folder.parent.name for folder in (views.ROOT / "functions").glob("*/handler.py")
    }


def test_every_function_has_a_role_of_its_own(template: dict[str, Any]) -> None:
    roles = [views.role_of(template, function) for function in SETTINGS]

    assert len(set(roles)) == len(SETTINGS)


@each_function
def test_function_may_do_exactly_what_it_does(template: dict[str, Any], function: str) -> None:
    assert views.grants(template, function) == GRANTS[function]


@pytest.mark.parametrize(
    ("function", "key"),
    [
        ("ChatFunction", answer_key(make_claim(), owner="a")),
        ("CatalogFunction", copy_key(MODELS)),
    ],
)
def test_objects_lie_in_the_part_of_the_bucket_that_the_role_names(function: str, key: str) -> None:
    part = f"${{AnswersBucket.Arn}}/{key.partition('/')[0]}/*"

    assert {(f"s3:{action}", part) for action in ("GetObject", "PutObject")} <= GRANTS[function]


@each_function
def test_function_has_no_wildcard(template: dict[str, Any], function: str) -> None:
    for statement in views.statements(template, function):
        assert "NotAction" not in statement
        assert "NotResource" not in statement
        assert not any("*" in action for action in views.actions(statement))
        resource = statement["Resource"]
        assert "*" not in str(resource) or resource.get("Fn::Sub") in PARTS


@each_function
def test_role_has_no_managed_policy_but_the_one_for_logs(
    template: dict[str, Any], function: str
) -> None:
    role = views.of_type(template, "AWS::IAM::Role")[views.role_of(template, function)]

    (arn,) = role["ManagedPolicyArns"]
    assert str(arn).endswith(":aws:policy/service-role/AWSLambdaBasicExecutionRole")


@each_function
def test_environment_declares_what_the_settings_read(
    template: dict[str, Any], function: str
) -> None:
    declared = set(views.environment(template, function))
    module = SETTINGS_FOLDER / SETTINGS_MODULES.get(function, "bookkeeping.py")
    read = views.variables_read(SETTINGS[function], module=module)

    assert read
    assert declared - READ_ELSEWHERE - UNREAD.get(function, set()) == read


@each_function
def test_environment_holds_no_secret(template: dict[str, Any], function: str) -> None:
    for name, value in views.environment(template, function).items():
        assert "resolve:" not in str(value), name
        assert not any(word in name for word in ("PASSWORD", "TOKEN", "API_KEY")), name
        assert value == {"Ref": SECRETS[name]} if name in SECRETS else "Secret" not in str(value)


def test_aws_itself_is_meant_when_no_emulator_is_named(
    template: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    default = template["Parameters"]["AwsEndpointUrl"]["Default"]
    for function in SETTINGS:
        variable = views.environment(template, function)["AWS_ENDPOINT_URL"]
        assert variable == {"Ref": "AwsEndpointUrl"}

    monkeypatch.setenv("AWS_ENDPOINT_URL", default)
    client = boto3.client(
        "dynamodb",
        region_name="us-east-1",
        aws_access_key_id="unused",
        aws_secret_access_key="unused",
    )

    assert client.meta.endpoint_url == "https://dynamodb.us-east-1.amazonaws.com"


@pytest.mark.parametrize("function", ["SweepFunction", "ReconcileFunction"])
def test_repair_waits_for_longer_than_a_request_can_live(
    template: dict[str, Any], function: str
) -> None:
    chat = views.of_type(template, "AWS::Lambda::Function")["ChatFunction"]
    variables = views.environment(template, function)

    assert variables["CHAT_TIMEOUT_S"] == chat["Timeout"] == {"Ref": "ChatTimeoutSeconds"}
    assert float(variables["SWEEP_MARGIN_S"]) >= 60


@pytest.mark.parametrize("prefix", ["sk-weir-v1-", "sk-or-v1-", "sk-x-"])
def test_key_prefix_may_be_one_that_logs_mask(template: dict[str, Any], prefix: str) -> None:
    formatter = MaskingFormatter()

    assert re.fullmatch(template["Parameters"]["KeyPrefix"]["AllowedPattern"], prefix)
    assert prefix not in formatter.serialize({"message": f"Bearer {prefix}{'0' * 64}"})


@pytest.mark.parametrize("prefix", ["weir-", "sk-", "sk-weir", "SK-weir-", "key-sk-", "sk-a b-"])
def test_key_prefix_may_be_no_other(template: dict[str, Any], prefix: str) -> None:
    parameter = template["Parameters"]["KeyPrefix"]

    assert not re.fullmatch(parameter["AllowedPattern"], prefix)
    assert re.fullmatch(parameter["AllowedPattern"], parameter["Default"])


def test_chat_function_starts_through_the_wrapper(template: dict[str, Any]) -> None:
    wrapper = views.environment(template, "ChatFunction")["AWS_LAMBDA_EXEC_WRAPPER"]
    file = views.ROOT / "layers/runtime" / wrapper.removeprefix("/opt/python/")

    assert file.stat().st_mode & 0o111 == 0o111
    assert views.ROOT / "layers/runtime" in views.functions()["ChatFunction"].layers


@each_function
def test_function_logs_to_a_group_that_forgets(template: dict[str, Any], function: str) -> None:
    logging = views.of_type(template, "AWS::Lambda::Function")[function]["LoggingConfig"]
    group = views.of_type(template, "AWS::Logs::LogGroup")[logging["LogGroup"]["Ref"]]

    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert template["Parameters"]["LogRetentionDays"]["Default"] == 30


@each_function
def test_function_and_layers_are_for_the_same_processor(
    template: dict[str, Any], function: str
) -> None:
    properties = views.of_type(template, "AWS::Lambda::Function")[function]

    assert properties["Architectures"] == [{"Ref": "Architecture"}]
    assert properties["Runtime"] == "python3.13"
    for layer in views.of_type(template, "AWS::Lambda::LayerVersion").values():
        assert layer["CompatibleArchitectures"] == [{"Ref": "Architecture"}]
        assert layer["CompatibleRuntimes"] == ["python3.13"]
    for resource in _layers(views.source()).values():
        built_for = resource["Metadata"]["BuildArchitecture"]
        assert built_for == {"Ref": "Architecture"}


def test_chat_concurrency_is_unreserved_by_default(template: dict[str, Any]) -> None:
    chat = views.of_type(template, "AWS::Lambda::Function")["ChatFunction"]

    assert chat["ReservedConcurrentExecutions"]["Fn::If"][2] == {"Ref": "AWS::NoValue"}
    assert template["Parameters"]["ChatConcurrency"]["Default"] == 0


@pytest.mark.parametrize("function", sorted(SCHEDULES))
def test_function_runs_on_a_schedule(template: dict[str, Any], function: str) -> None:
    rules = views.of_type(template, "AWS::Events::Rule").values()

    assert len(rules) == len(SCHEDULES)
    (rule,) = (rule for rule in rules if function in str(rule["Targets"]))
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": [function, "Arn"]}
    assert rule["ScheduleExpression"] == SCHEDULES[function]
    assert rule.get("State", "ENABLED") == "ENABLED"


@each_function
def test_function_is_named_in_its_lines_and_metrics_as_its_folder(
    template: dict[str, Any], function: str
) -> None:
    folder = views.functions()[function].code

    assert views.environment(template, function)["POWERTOOLS_SERVICE_NAME"] == folder.name


def _layers(source: Mapping[str, Any]) -> dict[str, Any]:
    return {
        logical_id: resource
        for logical_id, resource in source["Resources"].items()
        if resource["Type"] == "AWS::Serverless::LayerVersion"
    }
