"""A Docker daemon for the tests: the one that runs, or one started by hand as root."""

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

START_TIMEOUT_S = 30


class DockerUnavailableError(Exception):
    """There is no Docker here and none can be started; says why."""


@contextmanager
def docker(work: Path) -> Iterator[Mapping[str, str]]:
    """Yield the variables with which the docker client and sam reach a daemon.

    Args:
        work: Folder for the data of a daemon of our own.

    Raises:
        DockerUnavailableError: No daemon runs and none can be started.
    """
    if shutil.which("docker") is None:
        raise DockerUnavailableError("the docker client is not installed")
    if _answers({}):
        yield {}
        return
    if shutil.which("dockerd") is None or os.geteuid() != 0:
        raise DockerUnavailableError("no daemon answers; starting one needs dockerd and root")
    environment = {"DOCKER_HOST": f"unix://{work}/docker.sock"}
    with (work / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(
            _command(work, environment["DOCKER_HOST"]),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    try:
        _wait(process, environment=environment, log=work / "dockerd.log")
        yield environment
    finally:
        process.terminate()
        process.wait(timeout=START_TIMEOUT_S)


def _command(work: Path, host: str) -> list[str]:
    # A container without CAP_SYS_RESOURCE may not ask for more open files than it has itself.
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return [
        "dockerd",
        f"--data-root={work}/root",
        f"--exec-root={work}/exec",
        f"--pidfile={work}/dockerd.pid",
        f"--host={host}",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-masq=false",
        "--ip-forward=false",
        f"--default-ulimit=nofile={files}:{files}",
    ]


def _wait(process: subprocess.Popen[bytes], *, environment: Mapping[str, str], log: Path) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end and process.poll() is None:
        if _answers(environment):
            return
        time.sleep(0.1)
    tail = log.read_text(errors="replace")[-500:]
    raise DockerUnavailableError(f"dockerd did not start within {START_TIMEOUT_S} s: {tail}")


def _answers(environment: Mapping[str, str]) -> bool:
    asked = subprocess.run(
        ["docker", "info"], env={**os.environ, **environment}, capture_output=True, check=False
    )
    return asked.returncode == 0
