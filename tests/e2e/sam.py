"""The sam commands as an operator types them."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.template import ROOT

SAM = ROOT / ".venv/bin/sam"
START_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class SamLocal:
    """`sam local` over a build, with the profile that samconfig.toml has for it.

    Attributes:
        build: Folder of the build.
        environment: Variables of the sam process.
        architecture: In place of the profile's.
        variables: File for `--env-vars`.
    """

    build: Path
    environment: Mapping[str, str]
    architecture: str
    variables: Path

    def invoke(self, function: str, *, event: Path | str) -> Any:
        """Return what a function answers to an event, a file or its text."""
        named = event if isinstance(event, Path) else "-"
        done = subprocess.run(
            self._command("invoke", function, f"--event={named}"),
            input=None if isinstance(event, Path) else event,
            cwd=self.build,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip(), done.stderr
        return json.loads(done.stdout)

    @contextmanager
    def start_api(self, *, log: Path) -> Iterator[str]:
        """Serve the API and yield its URL."""
        port = _free_port()
        with log.open("wb") as output:
            process = subprocess.Popen(
                self._command("start-api", f"--port={port}"),
                cwd=self.build,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            _wait(process, port=port, log=log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=START_TIMEOUT_S)

    def _command(self, *words: str) -> Sequence[str | Path]:
        return [
            SAM,
            "local",
            *words,
            f"--template={self.build / 'template.yaml'}",
            f"--config-file={ROOT / 'samconfig.toml'}",
            "--config-env=local",
            f"--env-vars={self.variables}",
            "--skip-pull-image",
            f"--parameter-overrides=Architecture={self.architecture}",
        ]


def build(folder: Path, *, environment: Mapping[str, str], architecture: str) -> Path:
    """Build the template into a folder and return it."""
    done = subprocess.run(
        [
            SAM,
            "build",
            f"--template={ROOT / 'template.yaml'}",
            f"--build-dir={folder}",
            f"--parameter-overrides=Architecture={architecture}",
        ],
        cwd=folder.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], *, port: int, log: Path) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"sam local start-api does not serve: {log.read_text(errors='replace')}")
