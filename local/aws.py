"""The embedded AWS, seen from whoever started it: an endpoint, clients, and what it was asked."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import boto3

from local.accesses import Access
from local.aws_server import ACCESSES_PATH, CALLS_PATH, NOTE_CALLS

REGION = "us-east-1"
_STOP_TIMEOUT_S = 10
_DYNAMODB_SERVICES = ("dynamodb", "dynamodbstreams")
_DYNAMODB_VARIABLES = ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS")


class EmbeddedAwsError(RuntimeError):
    """The embedded AWS did not start, or did not create what it was asked for."""


class EmbeddedAws:
    """An AWS endpoint in a process of its own; holds nothing on disk.

    Args:
        note_calls: Keep the name of every operation, for `calls`; the list only grows.
        dynamodb_url: Where DynamoDB and its streams are asked for instead; None means here.

    Attributes:
        url: The endpoint URL for an AWS SDK.
    """

    url: str

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        note_calls: bool = False,
        dynamodb_url: str | None = None,
    ) -> None:
        self._dynamodb_url = dynamodb_url
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
        calls: list[str] = self._noted(CALLS_PATH)
        return calls

    @property
    def accesses(self) -> set[Access]:
        """Return who did what to which physical resource; empty unless started with `note_calls`.

        Functions are known by their logical id, see `environment`.
        """
        return {tuple(access) for access in self._noted(ACCESSES_PATH)}

    def _noted(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    @property
    def has_other_dynamodb(self) -> bool:
        """Whether DynamoDB is asked for elsewhere, so that CloudFormation here knows no table."""
        return self._dynamodb_url is not None

    def environment(self, *, principal: str = "embedded") -> Mapping[str, str]:
        """Return the variables that point an AWS SDK here.

        Args:
            principal: Whose requests these will be, in `accesses`.
        """
        other = self._dynamodb_url
        return {
            **(dict.fromkeys(_DYNAMODB_VARIABLES, other) if other else {}),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": principal,
            "AWS_SECRET_ACCESS_KEY": "embedded",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        }

    def client(self, service: str, *, principal: str = "embedded") -> Any:
        """Return a low-level boto3 client of a service, whose requests are the principal's."""
        elsewhere = self._dynamodb_url if service in _DYNAMODB_SERVICES else None
        return boto3.client(
            service,
            endpoint_url=elsewhere or self.url,
            region_name=REGION,
            aws_access_key_id=principal,
            aws_secret_access_key="embedded",
        )
