"""DynamoDB over boto3's low-level client. The client's maker sets time-outs and retries.

boto3 itself is not imported here: whoever needs this transport passes a way to make the client.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from weir.adapters.dynamodb.wire import (
    CONDITION_UNMET,
    ConditionFailedError,
    Item,
    Payload,
    follow,
    unavailable,
)

_CONDITION_FAILED = "ConditionalCheckFailedException"
_TRANSACTION_CANCELED = "TransactionCanceledException"
# botocore retries neither of them in standard mode (`botocore.retries.standard` names its codes).
_CONFLICT = "TransactionConflictException"
_PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
# A transaction holds an item for some milliseconds; growing, because another may follow it.
_PAUSES_S = (0.02, 0.05, 0.1, 0.2)

logger = logging.getLogger(__name__)


class BotoDynamoDB:
    """`DynamoDB` over a boto3 client that is made on first use, once.

    Args:
        client_factory: Makes the low-level client. The ledger expects standard retries with three
            attempts, one second to connect and two to read.
        pause: Waits that many seconds before a write in conflict is tried again.
    """

    def __init__(
        self, client_factory: Callable[[], Any], *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._client_factory = client_factory
        self._pause = pause
        self._client: Any = None
        self._making = threading.Lock()

    def call(self, operation: str, payload: Payload) -> Item:
        """Run one operation.

        Raises:
            ConditionFailedError: The write's condition was not met.
            StoreUnavailableError: Anything else went wrong.
        """
        pauses = iter(_PAUSES_S)
        while True:
            try:
                answer: Item = getattr(self._made(), xform_name(operation))(**payload)
            except (ClientError, BotoCoreError) as error:
                pause_s = next(pauses, None) if _is_in_conflict(error) else None
                if pause_s is None:
                    failure = _translated(error, operation)
                    raise failure from error
            else:
                return answer
            self._pause(pause_s)

    def pages(self, operation: str, payload: Payload) -> Iterator[Item]:
        """Yield every page of `Query` or `Scan`."""
        return follow(self.call, operation, payload)

    def _made(self) -> Any:
        with self._making:
            if self._client is None:
                self._client = self._client_factory()
            return self._client


def _is_in_conflict(error: ClientError | BotoCoreError) -> bool:
    """Tell whether nothing but another write at the same moment stood in the way."""
    if not isinstance(error, ClientError):
        return False
    codes = {reason.get("Code") for reason in _reasons(error)}
    if CONDITION_UNMET in codes:
        return False
    return _code(error) == _CONFLICT or not codes.isdisjoint(_PASSING)


def _translated(error: ClientError | BotoCoreError, operation: str) -> Exception:
    """Translate botocore's errors: the one table of this transport."""
    code = _code(error)
    if isinstance(error, ClientError):
        if code == _CONDITION_FAILED:
            old: Any = error.response.get("Item", {})
            return ConditionFailedError(old)
        reasons = _reasons(error)
        unmet = [reason for reason in reasons if reason.get("Code") == CONDITION_UNMET]
        if unmet:
            return ConditionFailedError(unmet[0].get("Item", {}), reasons=reasons)
    logger.warning("dynamodb %s failed: %s", operation, code)
    return unavailable()


def _code(error: ClientError | BotoCoreError) -> str:
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return type(error).__name__


def _reasons(error: ClientError) -> list[Item]:
    """Return why each write of a canceled transaction did not happen; else nothing."""
    response: Any = error.response
    if _code(error) != _TRANSACTION_CANCELED:
        return []
    reasons: list[Item] = response.get("CancellationReasons", [])
    return reasons
