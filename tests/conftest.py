"""Guards that hold for every test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_socket

# Folders whose tests may not open a socket; the others talk to loopback servers only.
OFFLINE = ("unit", "property", "architecture")


@pytest.fixture(autouse=True)
def _network(request: pytest.FixtureRequest) -> Iterator[None]:
    tier = Path(request.node.path).relative_to(Path(__file__).parent).parts[0]
    if tier in OFFLINE:
        pytest_socket.disable_socket(allow_unix_socket=True)
    elif tier != "e2e":
        pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()
    pytest_socket._remove_restrictions()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "OPENROUTER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
