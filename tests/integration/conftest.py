"""One local stack for all integration tests of a worker process."""

from collections.abc import Iterator

import pytest
import pytest_socket

from local.stack import LocalStack
from tests.support.stacks import assert_books_balance, echo_stack, sweep


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack on the echo model; when all tests are through, its books must balance."""
    pytest_socket.enable_socket()
    with echo_stack(tmp_path_factory.mktemp("logs")) as running:
        yield running
        sweep(running)
        assert_books_balance(running, swept=True)
