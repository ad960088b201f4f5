"""Guards that hold for every test."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import pytest_socket

from local.isolation import isolate_from_shell
from tests.support.untraced import leave_botocore_untraced

# Folders whose tests may not open a socket; the others talk to loopback servers only.
OFFLINE = ("unit", "property", "architecture")

# Each run draws other examples, so that many short runs find what one would miss.
hypothesis.settings.register_profile("short", max_examples=40)
hypothesis.settings.load_profile("short")

# At import: stacks that serve a whole session start before any fixture of a test does.
isolate_from_shell()
os.environ.pop("OPENROUTER_API_KEY", None)
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
leave_botocore_untraced()


def pytest_collection_finish() -> None:
    """Keep the garbage collector from walking, over and over, what lives as long as the session."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


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
