"""What the end-to-end tests stand on: a Python 3.13, a build, Docker with Lambda's image."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e import sam
from tests.e2e.docker_daemon import DockerUnavailableError, docker
from tests.e2e.stand_in_image import (
    ARCHITECTURE,
    ImageUnavailableError,
    ensure_base_image,
    install_runtime,
)


@pytest.fixture(scope="session")
def python313() -> Path:
    named = os.environ.get("PYTHON313") or shutil.which("python3.13")
    if not named:
        pytest.skip("no Python 3.13: run `make e2e PYTHON313=/path/to/python3.13`")
    asked = subprocess.run([named, "-m", "pip", "--version"], capture_output=True, check=False)
    if asked.returncode:
        pytest.skip(f"{named} does not run, or has no pip")
    return Path(named)


@pytest.fixture(scope="session")
def work() -> Iterator[Path]:
    # A short path: the daemon's socket lies in it, and a socket's path has 108 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="weir-e2e-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def managed_runtime(python313: Path, work: Path) -> Path:
    """Return a folder with the packages that Lambda's managed runtime carries."""
    folder = work / "runtime"
    install_runtime(folder, python=python313)
    return folder


@pytest.fixture(scope="session")
def sam_environment(python313: Path) -> Mapping[str, str]:
    """Return sam's variables: no credentials at all, or it would ask AWS whose they are."""
    return {
        "HOME": os.environ.get("HOME", "/root"),
        "PATH": f"{python313.parent}:{os.environ['PATH']}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
    }


@pytest.fixture(scope="session")
def native_build(sam_environment: Mapping[str, str], work: Path) -> Path:
    """Return the folder of a build for this machine's processor."""
    return sam.build(work / "native", environment=sam_environment, architecture=ARCHITECTURE)


@pytest.fixture(scope="session")
def docker_environment(
    managed_runtime: Path, python313: Path, work: Path
) -> Iterator[Mapping[str, str]]:
    """Yield the variables that reach a Docker daemon which has Lambda's base image."""
    data = work / "docker"
    data.mkdir()
    try:
        with docker(data) as environment:
            ensure_base_image(
                environment, python=python313, managed_runtime=managed_runtime, work=work
            )
            yield environment
    except (DockerUnavailableError, ImageUnavailableError) as reason:
        pytest.skip(str(reason))
