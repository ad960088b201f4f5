"""`make audit` finds the books of a stack, tells what they add up to, and fails when they lie."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from local.audit import main
from local.aws import EmbeddedAws
from tests.support.deployed_tables import deploy_tables
from tests.support.ledger_values import ACME, NOON_MS, make_hold, make_record, make_reservation
from tests.support.opened_tenants import open_lanes
from tests.support.simulator_calls import FULL_COST, charged, chat, running
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.adapters.dynamodb.usage_queries import UsageQueries
from weir.domain.accounts import tenant_account
from weir.services.rollups import refresh


@dataclass(frozen=True)
class Books:
    """A stack's tables with one request in them, and the state file that leads there."""

    aws: EmbeddedAws
    names: dict[str, str]
    state_file: Path

    def tell_a_lie(self) -> None:
        client = self.aws.client("dynamodb")
        client.update_item(
            TableName=self.names["AccountsTable"],
            Key={"pk": {"S": "acme#0"}},
            UpdateExpression="SET avail = avail + :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        client.close()


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as server:
        yield server


@pytest.fixture
def books(aws: EmbeddedAws, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Books]:
    stack = f"audited-{request.node.name.replace('_', '-')[-60:]}"
    with running() as simulator:
        assert chat(simulator).status == 200
        assert charged(simulator) == FULL_COST
        (entry,) = simulator.ledger.entries()
        names = deploy_tables(aws, stack)
        settle_one_request(aws, names, upstream_id=entry.id)
        state_file = tmp_path / "stack.json"
        facts = {
            "pid": os.getpid(),
            "aws_endpoint_url": aws.url,
            "simulator_url": simulator.url,
            "tables": names,
        }
        state_file.write_text(json.dumps(facts))
        yield Books(aws, {"stack": stack, **names}, state_file)


def settle_one_request(aws: EmbeddedAws, names: dict[str, str], *, upstream_id: str) -> None:
    client = aws.client("dynamodb")
    db = BotoDynamoDB(lambda: client)
    accounts, usage = names["AccountsTable"], names["UsageTable"]
    open_lanes(db, table=accounts, tenant_id=ACME, credit_nano_usd=2_000_000_000)
    ledger = DynamoDBLedger(db, accounts_table=accounts, usage_table=usage)
    hold = replace(make_hold(estimate=5_000), upstream_generation_id=upstream_id)
    ledger.reserve(tenant_account(ACME), reservation=make_reservation(hold))
    record = ledger.record(make_record(hold, cost=FULL_COST))
    ledger.settle(
        tenant_account(ACME), hold=hold, price_nano_usd=record.price_nano_usd, now_ms=NOON_MS
    )
    rollups = DynamoDBRollups(db, table=names["RollupsTable"])
    assert not refresh([record], usage=UsageQueries(db, table=usage), rollups=rollups)
    client.close()


def test_books_are_sound_when_the_stack_is_on_this_machine(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--swept", "--limits-unchanged"], state_file=books.state_file)

    printed = capsys.readouterr().out
    assert code == 0, printed
    lines = [[cell.strip() for cell in line.split("|")] for line in printed.splitlines()]
    checked = {line[1]: line[3:5] for line in lines if line[1:2] and line[1].startswith("I")}
    assert checked == {
        **{key: ["1", "0"] for key in ("I2", "I3", "I5", "I6", "I7", "I8", "I9")},
        **{key: ["2", "0"] for key in ("I1", "I4", "I10")},
    }
    tenant = next(line for line in lines if line[1:2] == ["acme"])
    assert tenant[2:6] == ["1", "2.000000000", "1.999996550", "0.000000000"]
    assert "the stack on this machine: 1 account lanes, 1 usage records" in printed


def test_audit_fails_when_the_books_lie(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    books.tell_a_lie()

    code = main([], state_file=books.state_file)

    printed = capsys.readouterr().out
    assert code == 1
    assert "I3 acme#0: available 1999996551 + held 0 + spent 3450 is not" in printed
    assert "1 violations" in printed


def test_audit_says_why_it_cannot_when_a_rollup_cannot_be_read(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    client = books.aws.client("dynamodb")
    table = books.names["RollupsTable"]
    (row,) = client.scan(TableName=table)["Items"]
    client.put_item(TableName=table, Item={**row, "n": {"S": "one"}})
    client.close()

    assert main([], state_file=books.state_file) == 2

    assert capsys.readouterr().err.startswith("cannot audit: ")


def test_books_are_found_by_their_stack_when_it_is_deployed(
    books: Books, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in books.aws.environment().items():
        monkeypatch.setenv(name, value)

    code = main(["--stack", books.names["stack"], "--region", "us-east-1"])

    printed = capsys.readouterr().out
    assert code == 0, printed
    assert f"the stack {books.names['stack']}: 1 account lanes" in printed
    # Nobody but a simulated upstream shows its own ledger.
    (line,) = (line for line in printed.splitlines() if line.startswith("| I6 "))
    assert [cell.strip() for cell in line.split("|")][3:5] == ["-", "-"]


def test_operator_is_told_what_is_missing_when_there_are_no_books(
    aws: EmbeddedAws,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    client = aws.client("cloudformation")
    topic = {"Resources": {"Other": {"Type": "AWS::SNS::Topic"}}}
    client.create_stack(StackName="bare", TemplateBody=json.dumps(topic))
    client.close()

    assert main([], state_file=tmp_path / "none.json") == 2
    assert "make run" in capsys.readouterr().err
    assert main(["--stack", "bare"]) == 2
    assert (
        "the stack bare has no AccountsTable, RollupsTable, UsageTable" in capsys.readouterr().err
    )
    assert main(["--stack", "absent"]) == 2
    assert "absent" in capsys.readouterr().err
