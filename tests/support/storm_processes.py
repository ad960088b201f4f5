"""Work that really happens at once: processes on MiniStack, which runs writers in parallel."""

import multiprocessing
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any, TypeVar

from botocore.config import Config

from local.ministack import MiniStack
from tests.support.ledger_tables import Tables, new_tables
from tests.support.rollup_fakes import create_rollups, rollups_name

START_TIMEOUT_S = 120
RESULT_TIMEOUT_S = 300

T = TypeVar("T")


class Site:
    """Tables in MiniStack; every process makes a client of its own."""

    def __init__(self, ministack: MiniStack) -> None:
        self.url = ministack.url
        self._ministack = ministack
        self._tables: Tables | None = None

    @property
    def tables(self) -> Tables:
        """This process's own way to the tables."""
        if self._tables is None:
            self._tables = new_tables(self._client())
            create_rollups(self._tables.client, rollups_name(self._tables))
        return self._tables

    def at_once(self, works: Sequence[Callable[[Tables], T]]) -> list[T]:
        """Run each piece of work in a process of its own, all from the same moment on.

        Returns:
            What they returned, in their order.
        """
        tables, context = self.tables, multiprocessing.get_context("fork")
        start = context.Barrier(len(works))

        def run(work: Callable[[Tables], T], result: Connection) -> None:
            mine = replace(tables, client=self._client())
            mine.client.describe_table(TableName=mine.accounts)  # connected before the start
            result.send(_attempt(work, mine, start))

        pipes = [context.Pipe(duplex=False) for _ in works]
        processes = [
            context.Process(target=run, args=(work, pipe[1]), daemon=True)
            for work, pipe in zip(works, pipes, strict=True)
        ]
        for process in processes:
            process.start()
        found = [_received(pipe[0]) for pipe in pipes]
        for process in processes:
            process.join()
        return found

    def _client(self) -> Any:
        # A machine of two cores serves 64 writers slowly: that is no outage here.
        patient = Config(
            retries={"mode": "standard", "total_max_attempts": 3},
            connect_timeout=30,
            read_timeout=60,
            account_id_endpoint_mode="disabled",
        )
        return self._ministack.client("dynamodb", config=patient)


@contextmanager
def site() -> Iterator[Site]:
    """Bring up MiniStack with one set of tables."""
    with MiniStack() as ministack:
        yield Site(ministack)


def _attempt(work: Callable[[Tables], T], tables: Tables, start: Barrier) -> T | Exception:
    start.wait(START_TIMEOUT_S)
    try:
        return work(tables)
    except Exception as error:  # noqa: BLE001 - it is raised where the result is awaited
        error.add_note(traceback.format_exc())
        return error


def _received(pipe: Connection) -> Any:
    assert pipe.poll(RESULT_TIMEOUT_S), "a process did not come to its end"
    result = pipe.recv()
    if isinstance(result, Exception):
        raise result
    return result
