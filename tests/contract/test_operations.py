"""What the operator's manual tells to run on the books does what it says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws import EmbeddedAws
from local.seed import TableNames, books_over, seed_tenant
from tests.support.deployed_tables import deploy_tables
from tests.support.ledger_values import make_hold, make_record
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.domain.accounts import AccountStatus, end_user_account
from weir.domain.limits import AccountLimits
from weir.domain.tenants import TenantId

MANUAL = Path(__file__).parents[2] / "docs/operations.md"
ACME = TenantId("acme")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def done(aws: EmbeddedAws) -> dict[str, Any]:
    """The names that every block of the manual leaves behind, run in order on one tenant."""
    tables = deploy_tables(aws, "weir")
    client = aws.client("dynamodb")
    names = TableNames(
        accounts=tables["AccountsTable"],
        usage=tables["UsageTable"],
        control=tables["ControlTable"],
    )
    db = BotoDynamoDB(lambda: client)
    books = books_over(db, tables=names, key_prefix="sk-weir-v1-")
    seed_tenant(books, tenant_id=ACME, credit_usd=1, lanes=2)
    books.ledger.open_account(end_user_account(ACME, "user-17"), limits=AccountLimits())
    books.ledger.record(make_record(make_hold()))
    scope: dict[str, Any] = {"client": client}
    for block in re.findall(r"```python\n(.*?)```", MANUAL.read_text(), re.DOTALL):
        exec(compile(block, str(MANUAL), "exec"), scope)
    return scope


def test_the_manual_does_what_it_says(done: dict[str, Any]) -> None:
    statuses = {account.account_id: account.status for account in done["books"].ledger.accounts()}
    assert statuses == {ACME: AccountStatus.ACTIVE, done["user"]: AccountStatus.SUSPENDED}
    assert done["suspended"]
    assert (len(done["of_day"]), done["left"], done["unpublished"]) == (1, frozenset(), frozenset())
    rollups = done["client"].scan(TableName=done["table"]("RollupsTable"))
    assert rollups["Count"] == 1
    done["client"].close()


def test_the_pair_of_ids_is_sent_as_the_reconcile_function_reads_it() -> None:
    payload = re.search(r"'(\{\"resolve\".*?\})' /dev/stdout", MANUAL.read_text())

    assert payload is not None
    assert json.loads(payload[1]) == {
        "resolve": [{"generation_id": "gen-…", "upstream_generation_id": "gen-…"}]
    }
