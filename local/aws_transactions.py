"""Transactions of the embedded DynamoDB at the cost of what they touch.

moto prepares to undo a transaction by copying every table it names, whole, once for each of its
parts: in a stack that has run for a while a write takes seconds. Here only the items are copied
that the transaction names. Requests come one at a time, so nothing else changes meanwhile.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table


def copy_only_what_transactions_touch() -> None:
    """Replace moto's way of undoing a transaction, in this process and for good."""
    backends: Any = DynamoDBBackend
    transact = backends.transact_write_items

    def sparing(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        before = [_before(backend, part) for part in transact_items]
        try:
            transact(backend, transact_items)
        except Exception:
            _undo([state for state in before if state is not None])
            raise

    vars(models)["copy"] = SimpleNamespace(deepcopy=_deepcopy_but_tables)
    backends.transact_write_items = sparing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """One item as it was, and how long its table's stream was."""

    table: Any  # moto's own types know tables without a range key only
    hash_value: DynamoType
    range_value: DynamoType | None
    item: Item | None
    streamed: int


def _before(backend: DynamoDBBackend, part: dict[str, Any]) -> _Before | None:
    """Return the state that a part may change; None when it names no table there is."""
    (operation,) = part.values()
    table: Any = backend.tables.get(operation.get("TableName"))
    key = operation.get("Key") or operation.get("Item") or {}
    if table is None or table.hash_key_attr not in key:
        return None
    hash_value, range_value = DynamoType(key[table.hash_key_attr]), None
    if table.range_key_attr is not None and table.range_key_attr in key:
        range_value = DynamoType(key[table.range_key_attr])
    return _Before(
        table=table,
        hash_value=hash_value,
        range_value=range_value,
        item=copy.deepcopy(table.get_item(hash_value, range_value)),
        streamed=len(table.stream_shard.items) if table.stream_shard else 0,
    )


def _undo(states: Sequence[_Before]) -> None:
    for state in states:
        if state.item is None:
            state.table.delete_item(state.hash_value, state.range_value)
        elif state.range_value is None:
            state.table.items[state.hash_value] = state.item
        else:
            state.table.items[state.hash_value][state.range_value] = state.item
    for state in states:
        if state.table.stream_shard:
            del state.table.stream_shard.items[state.streamed :]


def _deepcopy_but_tables(value: Any) -> Any:
    return value if isinstance(value, Table) else copy.deepcopy(value)
