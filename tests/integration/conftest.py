"""One local stack for all integration tests of a worker process."""

from collections.abc import Iterator

import pytest
import pytest_socket

from local.stack import LocalStack
from tests.support.grants import ungranted
from tests.support.stacks import assert_books_balance, assert_no_canary, echo_stack, sweep


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack on the echo model, logging at DEBUG.

    When all tests are through, its books must balance, no canary may have got out, and no function
    may have called what its role does not grant.
    """
    pytest_socket.enable_socket()
    logs = tmp_path_factory.mktemp("logs")
    with echo_stack(logs) as running:
        yield running
        sweep(running)
        assert_books_balance(running, swept=True)
        assert_no_canary(running, logs)
        assert ungranted(running.deployment, aws=running.aws) == set()
