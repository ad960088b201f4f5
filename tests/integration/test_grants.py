"""Every function may do what it does: the embedded AWS grants all, so its requests are checked."""

import requests

from local.aws import EmbeddedAws
from local.deploy import deploy
from local.stack import LocalStack
from tests.support.grants import ungranted
from tests.support.stacks import sweep
from tests.support.template import TEMPLATE

UNKNOWN = "gen-1795348800-abcdefghij0123456789"


def test_functions_keep_to_their_roles(stack: LocalStack) -> None:
    headers = {"Authorization": f"Bearer {stack.api_key}", "Idempotency-Key": "grants"}
    body = {"model": "weir/echo", "messages": [{"role": "user", "content": "hi"}], "user": "u-1"}
    asked = requests.post(
        f"{stack.base_url}/chat/completions", json=body, headers=headers, timeout=30
    )
    cancelled = requests.post(
        f"{stack.base_url}/generation/{UNKNOWN}/cancel", headers=headers, timeout=30
    )
    listed = requests.get(f"{stack.base_url}/models", timeout=30)
    exported = requests.get(
        f"{stack.base_url}/usage.csv",
        headers={"Authorization": f"Bearer {stack.management_key}"},
        timeout=30,
    )
    told = requests.get(
        f"{stack.base_url}/tenants",
        headers={"Authorization": f"Bearer {stack.operator_key}"},
        timeout=30,
    )
    branded = requests.get(
        f"{stack.base_url}/auth/settings",
        headers={"Authorization": f"Bearer {stack.management_key}"},
        timeout=30,
    )
    sweep(stack)
    stack.gateway.invoke("ReconcileFunction", {})
    stack.pump_once()

    answers = (asked, cancelled, listed, exported, told, branded)
    assert [answer.status_code for answer in answers] == [200, 404, 200, 200, 200, 200]
    assert {
        function for function, *_ in stack.aws.accesses
    } >= stack.deployment.functions.keys() - {"SettleFunction"}
    assert ungranted(stack.deployment, aws=stack.aws) == set()


def test_what_a_role_does_not_grant_is_found() -> None:
    with EmbeddedAws(note_calls=True) as aws:
        deployment = deploy(TEMPLATE, aws=aws, parameters={})
        client = aws.client("dynamodb", principal="SettleFunction")
        client.scan(TableName=deployment.tables["UsageTable"])
        client.get_item(TableName=deployment.tables["AccountsTable"], Key={"pk": {"S": "acme#0"}})
        client.close()

        found = ungranted(deployment, aws=aws)

    assert found == {("SettleFunction", "dynamodb:Scan", "UsageTable")}
