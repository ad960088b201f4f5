"""The embedded AWS, seen from whoever started it: an endpoint, clients, and what it was asked."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import boto3

from local.aws_server import CALLS_PATH, NOTE_CALLS

REGION = "us-east-1"
_STOP_TIMEOUT_S = 10


class EmbeddedAwsError(RuntimeError):
    """The embedded AWS did not start, or did not create what it was asked for."""


class EmbeddedAws:
    """An AWS endpoint in a process of its own; holds nothing on disk.

    Args:
        note_calls: Keep the name of every operation, for `calls`; the list only grows.

    Attributes:
        url: The endpoint URL for an AWS SDK.
    """

    url: str

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, note_calls: bool = False) -> None:
        self._arguments = (host, str(port), *((NOTE_CALLS,) if note_calls else ()))
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start the process and wait until it serves.

        Raises:
            EmbeddedAwsError: It ended before that; its own output says why.
        """
        # A session of its own: Ctrl-C at the terminal reaches the gateway first, not the tables.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "local.aws_server", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            self.url = self._read_url()
        except BaseException:  # an interrupt as well: whoever started a process ends it
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the process; everything in it is forgotten."""
        self._stop()

    def _read_url(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        url = self._process.stdout.readline().strip()
        if not url:
            raise EmbeddedAwsError("the embedded AWS did not start")
        return url

    def _stop(self) -> None:
        assert self._process is not None
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()

    @property
    def calls(self) -> list[str]:
        """Return the operations it was asked for, oldest first, e.g. `DynamoDB.UpdateItem`.

        Empty unless it was started with `note_calls`.
        """
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
