"""dynalite: an emulated DynamoDB that parses expressions as strictly as DynamoDB and counts units.

It is the public npm package `dynalite` (Apache-2.0); `make .tools/dynalite/.installed` installs it.
It knows no transactions and no streams, and never returns the item of an unmet condition.
"""

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from local.aws import EmbeddedAwsError

HOME = Path(__file__).resolve().parent.parent / ".tools/dynalite"
_SERVER = Path(__file__).with_suffix(".js")
_STOP_TIMEOUT_S = 10


class Dynalite:
    """A dynalite process; holds nothing on disk and ends with this one.

    Attributes:
        url: The endpoint URL for an AWS SDK.
    """

    url: str

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the process and wait until it serves.

        Raises:
            EmbeddedAwsError: It is not installed, or did not start.
        """
        if not (HOME / ".installed").exists():
            raise EmbeddedAwsError("dynalite is not installed: make .tools/dynalite/.installed")
        self._process = subprocess.Popen(
            [HOME / "node", _SERVER, HOME / "node_modules/dynalite"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        if not port:
            self._stop(self._process)
            raise EmbeddedAwsError("dynalite did not start")
        self.url = f"http://127.0.0.1:{int(port)}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the process; everything in it is forgotten."""
        assert self._process is not None
        self._stop(self._process)

    def _stop(self, process: "subprocess.Popen[bytes]") -> None:
        with process:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
