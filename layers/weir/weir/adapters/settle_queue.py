"""The settle queue on SQS: takes a usage record that the ledger does not take now."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from weir.adapters.settle_messages import encode_record
from weir.domain.errors import StoreUnavailableError
from weir.domain.usage import UsageRecord

logger = logging.getLogger(__name__)


class SqsSettleQueue:
    """`SettleQueue` on one SQS queue.

    Args:
        client_factory: Makes boto3's low-level `sqs` client; called when the first record comes,
            because most processes never queue one.
        queue_url: The queue.
    """

    def __init__(self, client_factory: Callable[[], Any], *, queue_url: str) -> None:
        self._client_factory = client_factory
        self._client: Any = None
        self._making = threading.Lock()
        self._queue_url = queue_url

    def put(self, record: UsageRecord) -> None:
        """Send the record.

        Raises:
            StoreUnavailableError: SQS refused or cannot be reached; it may have taken it.
        """
        # The chat path must not import botocore before the client that needs it exists.
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            self._made().send_message(QueueUrl=self._queue_url, MessageBody=encode_record(record))
        except (ClientError, BotoCoreError) as error:
            code = type(error).__name__
            if isinstance(error, ClientError):
                code = error.response["Error"]["Code"]
            logger.warning("sqs did not take a record: %s", code)
            raise StoreUnavailableError("The settle queue is unavailable.") from error

    def _made(self) -> Any:
        with self._making:
            if self._client is None:
                self._client = self._client_factory()
            return self._client
