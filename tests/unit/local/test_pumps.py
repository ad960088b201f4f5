import threading
from collections.abc import Iterable

import pytest

from local import pumps as pumps_module
from local.gateway import GatewayStopsError
from local.pumps import Pumps
from local.queue_pump import Progress

PATIENCE_S = 20


class Scripted:
    """A pump that goes through a list of outcomes and is idle ever after."""

    def __init__(self, outcomes: Iterable[Progress], *, name: str = "Function") -> None:
        self.name = name
        self._outcomes = list(outcomes)
        self.steps = 0
        self.dry = threading.Event()

    def step(self) -> Progress:
        self.steps += 1
        if self._outcomes:
            return self._outcomes.pop(0)
        self.dry.set()
        return Progress.IDLE


def test_pumping_by_hand_goes_on_until_nothing_moves_anywhere() -> None:
    first = Scripted([Progress.IDLE, Progress.MOVED])
    second = Scripted([Progress.FAILED, Progress.MOVED])

    assert Pumps([first, second], threads=False).run_dry() == 3
    assert first.dry.is_set()
    assert second.dry.is_set()


def test_nothing_moves_by_itself_before_the_start() -> None:
    pump = Scripted([Progress.MOVED])

    with Pumps([pump], threads=True):
        pass

    assert pump.steps == 0


def test_threads_pump_until_the_block_ends() -> None:
    pump = Scripted([Progress.MOVED, Progress.MOVED])

    with Pumps([pump], threads=True) as pumps:
        pumps.start()
        assert pump.dry.wait(PATIENCE_S)
    steps = pump.steps

    assert steps >= 3
    assert not [thread for thread in threading.enumerate() if thread.name == "pump-Function"]


def test_a_batch_that_failed_is_tried_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pumps_module, "FIRST_RETRY_S", 0.01)
    pump = Scripted([Progress.FAILED])

    with Pumps([pump], threads=True) as pumps:
        pumps.start()
        assert pump.dry.wait(PATIENCE_S)

    assert pump.steps >= 2


def test_pump_ends_without_a_word_when_the_gateway_stops(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pump = Scripted([])

    def step() -> Progress:
        pump.dry.set()
        raise GatewayStopsError("Function: the gateway stops")

    pump.step = step  # type: ignore[method-assign]  # the one step of this script
    with Pumps([pump], threads=True) as pumps:
        pumps.start()
        assert pump.dry.wait(PATIENCE_S)

    assert caplog.records == []


def test_stop_lets_no_further_batch_begin() -> None:
    pump = Scripted([Progress.MOVED] * 100)
    pumps = Pumps([pump], threads=True)
    pumps.stop()

    with pumps:
        pumps.start()

    assert pump.steps == 0
