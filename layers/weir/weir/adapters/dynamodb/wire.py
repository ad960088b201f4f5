"""The port to DynamoDB itself: two methods that speak its low-level JSON.

The adapters beside this module need no more, so they run unchanged over boto3's client and over a
lean signed transport. A transport turns every failure into one of two errors: a condition that
was not met, which is an answer, or `StoreUnavailableError`, after which nothing may be assumed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from weir.domain.errors import StoreUnavailableError

Item = dict[str, Any]
Payload = Mapping[str, Any]

RETRY_AFTER_S = 1
CONDITION_UNMET = "ConditionalCheckFailed"
"""The code of a transaction's write whose condition was not met."""


class DynamoDB(Protocol):
    """DynamoDB, by operation name (`UpdateItem`) and low-level JSON.

    Binary values (`B`) are bytes.
    """

    def call(self, operation: str, payload: Payload) -> Item:
        """Run one operation, with the transport's own retries.

        A write that meets a transaction on the same item, and a transaction that meets another
        write, are tried again.

        Raises:
            ConditionFailedError: The write's condition was not met; nothing was written by the
                last attempt (an earlier one may have been, its answer lost).
            StoreUnavailableError: No answer, or a refusal. The write may have been applied.
        """
        ...

    def pages(self, operation: str, payload: Payload) -> Iterator[Item]:
        """Run `Query` or `Scan` and follow its pages to the end.

        Raises:
            StoreUnavailableError: A page could not be read.
        """
        ...


class ConditionFailedError(Exception):
    """A conditional write, or one of a transaction's, found its condition unmet.

    Attributes:
        item: The item as it was, when the write asked for it; empty when there is none. Of a
            transaction: that of its first unmet condition.
        reasons: Of a transaction: one per write, in order, as DynamoDB tells them (`Code`, and
            `Item` where asked for); otherwise empty.
    """

    def __init__(self, item: Item, *, reasons: Sequence[Item] = ()) -> None:
        super().__init__("the condition of the write is not met")
        self.item = item
        self.reasons = tuple(reasons)

    def is_unmet(self, place: int) -> bool:
        """Tell whether the condition of a transaction's nth write, from 0, is unmet."""
        return bool(self.reasons[place].get("Code") == CONDITION_UNMET)


def follow(
    call: Callable[[str, Payload], Item], operation: str, payload: Payload
) -> Iterator[Item]:
    """Yield the pages of `Query` or `Scan`: `pages` for any transport that has `call`."""
    page = call(operation, payload)
    yield page
    while last := page.get("LastEvaluatedKey"):
        page = call(operation, {**payload, "ExclusiveStartKey": last})
        yield page


def applied(db: DynamoDB, operation: str, payload: Payload) -> bool:
    """Run a conditional write whose unmet condition is a plain no.

    Raises:
        StoreUnavailableError: The table cannot be reached.
    """
    try:
        db.call(operation, payload)
    except ConditionFailedError:
        return False
    return True


def unavailable() -> StoreUnavailableError:
    """Return the error of a store that cannot answer; the cause is for the log, not the client."""
    return StoreUnavailableError(
        "The ledger is temporarily unavailable. Please try again.", retry_after_s=RETRY_AFTER_S
    )
