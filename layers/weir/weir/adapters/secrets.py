"""Secrets Manager, as far as the gateway needs it: one secret, its current and previous version."""

import logging
from collections.abc import Callable
from typing import Any, Literal

from weir.domain.errors import StoreUnavailableError

Stage = Literal["AWSCURRENT", "AWSPREVIOUS"]

_ABSENT = "ResourceNotFoundException"
_MESSAGE = "The gateway cannot read its secret right now."
_RETRY_AFTER_S = 5

logger = logging.getLogger(__name__)


class SecretsManagerReader:
    """Reads one secret.

    Args:
        client: Makes boto3's low-level `secretsmanager` client; called at the first read, because
            a warm start does not need one.
        secret_id: Name or ARN; never shown in an error.
    """

    def __init__(self, client: Callable[[], Any], *, secret_id: str) -> None:
        self._make_client = client
        self._client: Any = None
        self._secret_id = secret_id

    def read(self, stage: Stage) -> str | None:
        """Return the text of a version of the secret, or None when it has none.

        Raises:
            StoreUnavailableError: Secrets Manager refused or cannot be reached.
        """
        # The chat path must not import botocore before the client that needs it exists.
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            if self._client is None:
                self._client = self._make_client()
            answer = self._client.get_secret_value(SecretId=self._secret_id, VersionStage=stage)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code == _ABSENT:
                return None
            logger.exception("secrets manager refused to read %s: %s", stage, code)
            raise StoreUnavailableError(_MESSAGE, retry_after_s=_RETRY_AFTER_S) from error
        except BotoCoreError as error:
            logger.exception("secrets manager cannot be reached")
            raise StoreUnavailableError(_MESSAGE, retry_after_s=_RETRY_AFTER_S) from error
        text: str | None = answer.get("SecretString")
        return text
