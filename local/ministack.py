"""MiniStack: an emulated DynamoDB that runs writers at once, for proofs about concurrency.

It is the public package `ministack` (MIT) in a virtual environment of its own, because it pins
botocore; `make .tools/ministack/.synced` installs it.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import boto3

from local import gateway_launcher
from local.aws import REGION, EmbeddedAwsError
from local.workers import ACCOUNT_ID

PROGRAM = Path(__file__).resolve().parent.parent / ".tools/ministack/bin/python"
_HOST = "127.0.0.1"
_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 10
_HEALTH = "/_ministack/health"


class MiniStack:
    """A MiniStack process; holds nothing on disk once it has stopped.

    Attributes:
        url: The endpoint URL for an AWS SDK.
    """

    url: str

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = TemporaryDirectory(prefix="weir-ministack-")

    def __enter__(self) -> Self:
        """Start the process and wait until it serves.

        Raises:
            EmbeddedAwsError: It is not installed, or did not start; says why.
        """
        if not PROGRAM.exists():
            raise EmbeddedAwsError("MiniStack is not installed: make .tools/ministack/.synced")
        port = _free_port()
        self.url = f"http://{_HOST}:{port}"
        log = Path(self._folder.name) / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", gateway_launcher.__file__, str(os.getpid())),
                    *(str(PROGRAM), "-m", "ministack"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder.name,
                env=self._environment(port),
                start_new_session=True,
            )
        try:
            self._wait_until_it_serves(self._process, log=log)
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

    def client(self, service: str, **options: Any) -> Any:
        """Return a low-level boto3 client of a service; `options` are `boto3.client`'s."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="embedded",
            aws_secret_access_key="embedded",
            **options,
        )

    def _environment(self, port: int) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": self._folder.name,
            "TMPDIR": self._folder.name,
            "BIND_HOST": _HOST,
            "GATEWAY_PORT": str(port),
            "LOG_LEVEL": "WARNING",
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
            "SERVICES": "dynamodb,dynamodbstreams",
        }

    def _wait_until_it_serves(self, process: subprocess.Popen[bytes], *, log: Path) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with urllib.request.urlopen(self.url + _HEALTH, timeout=1):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        output = log.read_text(errors="replace").strip()
        raise EmbeddedAwsError(f"MiniStack did not start: {output or 'it says nothing'}")

    def _stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._folder.cleanup()


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
