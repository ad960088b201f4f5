"""Rows of one table read by their keys, many at once."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from weir.adapters.dynamodb.wire import DynamoDB, Item, unavailable

_BATCH = 100
"""As many rows as one read may ask for."""

# A read of more than 16 MB, or from a busy table, leaves the rest for the next one.
_ATTEMPTS = 10


def rows_of(db: DynamoDB, *, table: str, keys: Iterable[Item]) -> Iterator[Item]:
    """Yield the rows of these keys that there are, consistently read and in no order.

    Raises:
        StoreUnavailableError: They cannot be read, or not all of them in so many attempts.
    """
    for wanted in _portions(keys):
        unread: dict[str, Any] = {table: {"Keys": wanted, "ConsistentRead": True}}
        for _ in range(_ATTEMPTS):
            answer = db.call("BatchGetItem", {"RequestItems": unread})
            yield from answer["Responses"].get(table, [])
            unread = answer.get("UnprocessedKeys", {})
            if not unread:
                break
        else:
            failure = unavailable()
            raise failure


def _portions(keys: Iterable[Item]) -> Iterator[list[Item]]:
    rest = iter(keys)
    while portion := list(islice(rest, _BATCH)):
        yield portion
