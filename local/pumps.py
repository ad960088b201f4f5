"""Moves events from queues and streams into the functions, as Lambda's pollers do."""

import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Protocol, Self

from local.aws import EmbeddedAws
from local.event_sources import EventSource, QueueSource
from local.gateway import GatewayStopsError
from local.queue_pump import Invoke, Progress, QueuePump
from local.stream_pump import StreamPump

# Batching windows and visibility timeouts are minutes on AWS; nobody waits that long here.
POLL_S = 0.25
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 30.0


class Pump(Protocol):
    """One event source and the function it feeds."""

    name: str

    def step(self) -> Progress:
        """Take care of one batch."""
        ...


class Pumps:
    """The pumps of a stack, each run by a thread of its own, or by hand, or both.

    Args:
        threads: Whether they run by themselves from `start` until the block ends.
    """

    def __init__(self, pumps: Iterable[Pump], *, threads: bool) -> None:
        self._pumps = [(pump, threading.Lock()) for pump in pumps]
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=pump, name=f"pump-{pump[0].name}")
            for pump in (self._pumps if threads else ())
        ]

    def __enter__(self) -> Self:
        """See to it that the threads end with the block; `start` begins them."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop; the batch in progress is waited for."""
        self.stop()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def start(self) -> None:
        """Begin to pump."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let no further batch begin."""
        self._stopping.set()

    def run_dry(self) -> int:
        """Pump until nothing moves; return how many batches were passed on.

        A batch that fails is tried again without a pause, until it is given up as on AWS.

        Raises:
            GatewayStopsError: The gateway stops.
        """
        batches = 0
        moved = True
        while moved:
            moved = False
            for pump, lock in self._pumps:
                with lock:
                    progress = pump.step()
                if progress is not Progress.IDLE:
                    moved = True
                    batches += 1
        return batches

    def _run(self, pump: Pump, lock: threading.Lock) -> None:
        retry_s = FIRST_RETRY_S
        pause_s = POLL_S
        while not self._stopping.wait(pause_s):
            try:
                with lock:
                    progress = pump.step()
            except GatewayStopsError:
                return
            if progress is Progress.FAILED:
                pause_s, retry_s = retry_s, min(retry_s * 2, LONGEST_RETRY_S)
            else:
                pause_s = 0.0 if progress is Progress.MOVED else POLL_S
                retry_s = FIRST_RETRY_S


def open_pumps(sources: Iterable[EventSource], *, aws: EmbeddedAws, invoke: Invoke) -> list[Pump]:
    """Return a pump for every event source of a deployment."""
    queues = aws.client("sqs")
    tables = aws.client("dynamodb")
    streams = aws.client("dynamodbstreams")
    pumps: list[Pump] = []
    for source in sources:
        if isinstance(source, QueueSource):
            pumps.append(QueuePump(source, client=queues, invoke=invoke))
        else:
            arn = tables.describe_table(TableName=source.table)["Table"]["LatestStreamArn"]
            pumps.append(StreamPump(source, arn=arn, streams=streams, queues=queues, invoke=invoke))
    tables.close()
    return pumps
