"""Expressions, executed once by a DynamoDB that is strict about them, and those that never were."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local.dynalite import Dynalite
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.wire import (
    CONDITION_UNMET,
    ConditionFailedError,
    Item,
    Payload,
    follow,
)

ADAPTERS = Path(__file__).parents[2] / "layers/weir/weir/adapters/dynamodb"
_EXPRESSIONS = (
    "UpdateExpression",
    "ConditionExpression",
    "KeyConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
)
_PLACEHOLDER = re.compile(r"(?<![\w#:])[:#][a-z]\w*")
_COMPARISON = re.compile(r"\s(?:=|<>|<=?|>=?)\s|attribute_(?:not_)?exists\(")
_PARTS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}


@dataclass(frozen=True)
class Expression:
    """A piece of an expression, as it is spelled in a module."""

    module: str
    line: int
    text: str


@dataclass
class LintedDynamoDB:
    """`DynamoDB` over dynalite that notes every expression it executed.

    dynalite knows no transactions: their parts run one by one. Nor does it return the item of an
    unmet condition, so that is read afterwards.
    """

    client: Any
    executed: list[str] = field(default_factory=list)

    def call(self, operation: str, payload: Payload) -> Item:
        if operation == "TransactWriteItems":
            return self._one_by_one(payload["TransactItems"])
        self._note(payload)
        try:
            return BotoDynamoDB(lambda: self.client).call(operation, payload)
        except ConditionFailedError as failed:
            raise ConditionFailedError(self._old(payload)) from failed

    def pages(self, operation: str, payload: Payload) -> Iterator[Item]:
        return follow(self.call, operation, payload)

    def _one_by_one(self, parts: Sequence[Item]) -> Item:
        for place, part in enumerate(parts):
            ((kind, single),) = part.items()
            try:
                self.call(_PARTS[kind], single)
            except ConditionFailedError as failed:
                reasons: list[Item] = [{"Code": "None"} for _ in parts]
                reasons[place] = {"Code": CONDITION_UNMET, "Item": failed.item}
                raise ConditionFailedError(failed.item, reasons=reasons) from failed
        return {}

    def _note(self, payload: Payload) -> None:
        self.executed += [payload[name] for name in _EXPRESSIONS if name in payload]

    def _old(self, payload: Payload) -> Item:
        if payload.get("ReturnValuesOnConditionCheckFailure") != "ALL_OLD":
            return {}
        keys = payload.get("Key") or {
            name: payload["Item"][name] for name in ("pk", "sk") if name in payload["Item"]
        }
        found = self.client.get_item(TableName=payload["TableName"], Key=keys, ConsistentRead=True)
        item: Item = found.get("Item", {})
        return item


@contextmanager
def dynalite_client() -> Iterator[Any]:
    """A client of a fresh dynalite."""
    with Dynalite() as server:
        client = boto3.client(
            "dynamodb",
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )
        try:
            yield client
        finally:
            client.close()


def create_table(client: Any, name: str, *, keys: Sequence[str]) -> None:
    """Create an empty table with string keys, billed as the template has it."""
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def spelled(folder: Path = ADAPTERS) -> list[Expression]:
    """Find every string in the modules of a folder that is an expression, or a piece of one."""
    return [
        Expression(path.stem, node.lineno, node.value)
        for path in sorted(folder.glob("*.py"))
        for node in _strings(ast.parse(path.read_text(encoding="utf-8")))
        if _is_expression(node.value)
    ]


def never_executed(spelt: Sequence[Expression], *, executed: Sequence[str]) -> list[Expression]:
    """Return the expressions that are no part of anything executed."""
    distinct = set(executed)
    return [one for one in spelt if not any(one.text.strip() in whole for whole in distinct)]


def refused(client: Any, payload: Mapping[str, Any]) -> str:
    """Return why an update is refused; empty when it is not."""
    try:
        client.update_item(**payload)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def _strings(module: ast.Module) -> Iterator[Any]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(module)
        if isinstance(node, documented) and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(module):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in docstrings:
            yield node


def _is_expression(text: str) -> bool:
    if _PLACEHOLDER.fullmatch(text):
        return False
    return bool(_PLACEHOLDER.search(text) or _COMPARISON.search(text))
