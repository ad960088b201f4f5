import os
import signal
from collections.abc import Iterator

import pytest

from local.stop_signals import StopSignals


@pytest.fixture
def signals() -> Iterator[StopSignals]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    signals = StopSignals()
    signals.listen()
    yield signals
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_start_is_interrupted_once(signals: StopSignals, number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)

    os.kill(os.getpid(), number)  # while what is up comes down
    signals.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_only_the_wait_ends_when_the_start_is_over(
    signals: StopSignals, number: signal.Signals
) -> None:
    signals.no_longer_interrupt()
    os.kill(os.getpid(), number)

    signals.wait()
