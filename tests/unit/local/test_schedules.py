import threading
from collections.abc import Mapping
from typing import Any

from local.schedules import Schedules

PATIENCE_S = 20


def test_the_next_run_comes_when_one_has_failed() -> None:
    runs: list[str] = []
    twice = threading.Event()

    def invoke(function: str, _event: Mapping[str, Any]) -> None:
        runs.append(function)
        if len(runs) == 2:
            twice.set()
        raise RuntimeError("the function raised")

    with Schedules({"SweepFunction": 0.01}, invoke=invoke):
        assert twice.wait(PATIENCE_S)

    assert runs[:2] == ["SweepFunction", "SweepFunction"]


def test_stop_does_not_wait_for_the_run_in_progress_and_no_other_begins() -> None:
    begun, released = threading.Event(), threading.Event()
    runs: list[str] = []

    def invoke(function: str, _event: Mapping[str, Any]) -> None:
        runs.append(function)
        begun.set()
        assert released.wait(PATIENCE_S)

    with Schedules({"SweepFunction": 0.01}, invoke=invoke) as schedules:
        assert begun.wait(PATIENCE_S)
        schedules.stop()
        released.set()

    assert runs == ["SweepFunction"]
