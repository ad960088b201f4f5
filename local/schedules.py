"""Runs the scheduled functions, as EventBridge does on AWS."""

import logging
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from local.gateway import GatewayStopsError

_log = logging.getLogger(__name__)


class Schedules:
    """One thread a schedule; a run that fails is logged, and the next one comes all the same.

    Args:
        periods_s: Function's logical id → seconds between two runs.
        invoke: Runs a function with an event and returns its result; RuntimeError is a failed run.
    """

    def __init__(
        self, periods_s: Mapping[str, float], *, invoke: Callable[[str, Mapping[str, Any]], Any]
    ) -> None:
        self._invoke = invoke
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(name, period_s), name=f"schedule-{name}")
            for name, period_s in periods_s.items()
        ]

    def __enter__(self) -> Self:
        """Start the clocks."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the clocks; a run in progress is waited for."""
        self.stop()
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        """Let no further run begin."""
        self._stopping.set()

    def _run(self, function: str, period_s: float) -> None:
        while not self._stopping.wait(period_s):
            try:
                self._invoke(function, {"source": "aws.events", "detail-type": "Scheduled Event"})
            except GatewayStopsError:
                return
            except RuntimeError as failure:
                _log.warning("the scheduled run of %s failed: %s", function, failure)
