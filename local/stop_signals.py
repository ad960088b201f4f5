"""SIGINT and SIGTERM of a program that takes a while to start."""

import queue
import signal


class StopSignals:
    """Interrupts the start of a program, and ends its wait once it is up.

    The handler touches nothing that blocks: a signal may arrive in the middle of anything.
    """

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._interrupts = True

    def listen(self) -> None:
        """Take the signals over; until `no_longer_interrupt`, the first raises KeyboardInterrupt.

        Those after it change nothing, so that what is up already comes down in order.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def no_longer_interrupt(self) -> None:
        """The start is over: from now on a signal only ends `wait`."""
        self._interrupts = False

    def wait(self) -> None:
        """Wait for the first signal; it may have come before."""
        self._asked.get()

    def _handle(self, *_: object) -> None:
        self._asked.put(None)
        if self._interrupts:
            self._interrupts = False
            raise KeyboardInterrupt
