"""The embedded AWS, seen from whoever started it: an endpoint, clients, and what it was asked."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import boto3

from local.aws_server import CALLS_PATH

REGION = "us-east-1"
_STOP_TIMEOUT_S = 10


class EmbeddedAws:
    """An AWS endpoint in a process of its own; holds nothing on disk.

    Attributes:
        url: The endpoint URL for an AWS SDK.
    """

    url: str

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._address = (host, str(port))
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start the process and wait until it serves.

        Raises:
            RuntimeError: It ended before that; its own output says why.
        """
        # A session of its own: Ctrl-C at the terminal reaches the gateway first, not the tables.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "local.aws_server", *self._address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("the embedded AWS did not start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the process; everything in it is forgotten."""
        assert self._process is not None
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(_STOP_TIMEOUT_S)

    @property
    def calls(self) -> list[str]:
        """Return the operations it was asked for, oldest first, e.g. `DynamoDB.UpdateItem`."""
        with urllib.request.urlopen(self.url + CALLS_PATH, timeout=10) as answer:
            calls: list[str] = json.load(answer)
        return calls

    def environment(self) -> Mapping[str, str]:
        """Return the variables that point an AWS SDK here."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "embedded",
            "AWS_SECRET_ACCESS_KEY": "embedded",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        }

    def client(self, service: str) -> Any:
        """Return a low-level boto3 client of a service."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="embedded",
            aws_secret_access_key="embedded",
        )
