"""The bucket of sealed answers that are too large for an item. Its lifecycle empties it."""

import logging
from collections.abc import Callable
from typing import Any

from weir.domain.errors import StoreUnavailableError

_MESSAGE = "The answers kept for Idempotency-Keys are out of reach right now. Please try again."
_RETRY_AFTER_S = 5

logger = logging.getLogger(__name__)


class AnswersBucket:
    """Objects in one bucket.

    Args:
        client: Makes boto3's low-level `s3` client; called at the first use, which few processes
            ever come to.
        name: Name of the bucket.
    """

    def __init__(self, client: Callable[[], Any], *, name: str) -> None:
        self._make_client = client
        self._client: Any = None
        self._name = name

    def put(self, key: str, content: bytes) -> None:
        """Store an object.

        Raises:
            StoreUnavailableError: S3 refused or cannot be reached; it may be stored.
        """
        self._call("put_object", Key=key, Body=content)

    def get(self, key: str) -> bytes:
        """Return the content of an object.

        Raises:
            StoreUnavailableError: S3 refused or cannot be reached, or there is no such object.
        """
        content: bytes = self._call("get_object", Key=key)
        return content

    def _call(self, operation: str, **arguments: Any) -> Any:
        # The chat path must not import botocore before the client that needs it exists.
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            if self._client is None:
                self._client = self._make_client()
            answer = getattr(self._client, operation)(Bucket=self._name, **arguments)
            return answer["Body"].read() if "Body" in answer else None
        except (BotoCoreError, ClientError) as error:
            logger.warning("s3 %s failed: %s", operation, _code(error))
            raise StoreUnavailableError(_MESSAGE, retry_after_s=_RETRY_AFTER_S) from error


def _code(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", type(error).__name__))
