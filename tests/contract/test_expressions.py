"""Every expression of the adapters is one that DynamoDB accepts.

The embedded DynamoDB of the other tests is lenient: it takes arithmetic, overlapping paths and
operands that the real one refuses. dynalite refuses them as the real one does.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.expression_tour import TABLES, Tour
from tests.support.linted_dynamodb import (
    LintedDynamoDB,
    create_table,
    dynalite_client,
    never_executed,
    refused,
    spelled,
)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with dynalite_client() as made:
        for name, keys in TABLES.items():
            create_table(made, name, keys=keys)
        yield made


def test_every_expression_is_accepted_when_the_adapters_run_once(client: Any) -> None:
    db = LintedDynamoDB(client)

    Tour(db).walk()

    assert never_executed(spelled(), executed=db.executed) == []
    assert len(spelled()) > 40


@pytest.mark.parametrize(
    "expression",
    [
        "SET avail = avail - :one - :one",
        "SET avail = (avail - :one)",
        "SET avail = avail * :one",
        "SET avail = :one, avail = :one",
        "SET avail = if_not_exists(:one, avail)",
    ],
    ids=["two operators", "parentheses", "product", "overlap", "no path"],
)
def test_expression_is_refused_when_dynamodb_would_refuse_it(client: Any, expression: str) -> None:
    payload = {
        "TableName": "accounts",
        "Key": {"pk": {"S": "lint"}},
        "UpdateExpression": expression,
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }

    assert refused(client, payload) == "ValidationException"


def test_expression_is_missed_when_nothing_executed_it(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(
        '"""Where avail = :amount is only described."""\n'
        'COVERED = "avail >= :amount"\n'
        'FORGOTTEN = "attribute_not_exists(pk)"\n'
        'NAMES = {"#id": "id", ":amount": f"KEY#{COVERED}"}\n'
    )

    missed = never_executed(spelled(tmp_path), executed=["st = :active AND avail >= :amount"])

    assert [(one.module, one.line, one.text) for one in missed] == [
        ("module", 3, "attribute_not_exists(pk)")
    ]
