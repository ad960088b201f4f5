"""DynamoDB over boto3's low-level client. The client's maker sets time-outs and retries.

boto3 itself is not imported here: whoever needs this transport passes a way to make the client.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from weir.adapters.dynamodb.wire import (
    ConditionFailedError,
    Item,
    Payload,
    follow,
    unavailable,
)

_CONDITION_FAILED = "ConditionalCheckFailedException"

logger = logging.getLogger(__name__)


class BotoDynamoDB:
    """`DynamoDB` over a boto3 client that is made on first use, once.

    Args:
        client_factory: Makes the low-level client. The ledger expects standard retries with three
            attempts, one second to connect and two to read.
    """

    def __init__(self, client_factory: Callable[[], Any]) -> None:
        self._client_factory = client_factory
        self._client: Any = None
        self._making = threading.Lock()

    def call(self, operation: str, payload: Payload) -> Item:
        """Run one operation.

        Raises:
            ConditionFailedError: The write's condition was not met.
            StoreUnavailableError: Anything else went wrong.
        """
        try:
            answer: Item = getattr(self._made(), xform_name(operation))(**payload)
        except (ClientError, BotoCoreError) as error:
            failure = _translated(error, operation)
            raise failure from error
        return answer

    def pages(self, operation: str, payload: Payload) -> Iterator[Item]:
        """Yield every page of `Query` or `Scan`."""
        return follow(self.call, operation, payload)

    def _made(self) -> Any:
        with self._making:
            if self._client is None:
                self._client = self._client_factory()
            return self._client


def _translated(error: ClientError | BotoCoreError, operation: str) -> Exception:
    """Translate botocore's errors: the one table of this transport."""
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        if code == _CONDITION_FAILED:
            old: Any = error.response.get("Item", {})
            return ConditionFailedError(old)
    else:
        code = type(error).__name__
    logger.warning("dynamodb %s failed: %s", operation, code)
    return unavailable()
