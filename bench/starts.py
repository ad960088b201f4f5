"""Cold: from the start of the process to its first answer, and the memory it then takes."""

from dataclasses import dataclass

from bench import events
from bench.figures import Goal, Row, compared, less
from bench.subjects import Bench, Subject

_LARGE_REQUESTS = 3

# The ledger's transport is boto3 for now, whose import and client these goals leave out.
_INIT_CPU_MS = Goal(target=120, reject=200, compared=False)
_FIRST_MB = Goal(target=35, reject=64, compared=False)
_LARGE_MB = Goal(target=70, reject=128, compared=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What one process took from its start to a few requests of 2 MB."""

    init_ms: float
    init_cpu_ms: float
    answered_ms: float
    first_cpu_ms: float
    first_mb: float
    large_mb: float


def measure(bench: Bench, *, rounds: int) -> list[Row]:
    """Start every function in turns; return the rows."""
    starts: dict[Subject, list[Start]] = {subject: [] for subject in Subject}
    for _ in range(rounds):
        for subject in Subject:
            starts[subject].append(_start(bench, subject))
    weir, bare, empty = (starts[subject] for subject in Subject)
    floor = [start.init_cpu_ms for start in empty]
    return [*_walls(weir, bare), *_cpus(weir, bare, floor=floor), *_memories(weir, bare)]


def _walls(weir: list[Start], bare: list[Start]) -> list[Row]:
    return [
        compared(
            "process start to first `next`, wall",
            "ms",
            [start.init_ms for start in weir],
            [start.init_ms for start in bare],
        ),
        compared(
            "process start to first answer, wall",
            "ms",
            [start.answered_ms for start in weir],
            [start.answered_ms for start in bare],
        ),
    ]


def _cpus(weir: list[Start], bare: list[Start], *, floor: list[float]) -> list[Row]:
    return [
        compared(
            "init CPU, interpreter and runtime excluded",
            "ms",
            less([start.init_cpu_ms for start in weir], floor),
            less([start.init_cpu_ms for start in bare], floor),
            goal=_INIT_CPU_MS,
        ),
        compared(
            "CPU of the first request",
            "ms",
            [start.first_cpu_ms for start in weir],
            [start.first_cpu_ms for start in bare],
        ),
    ]


def _memories(weir: list[Start], bare: list[Start]) -> list[Row]:
    return [
        compared(
            "peak resident memory after the first request",
            "MB",
            [start.first_mb for start in weir],
            [start.first_mb for start in bare],
            goal=_FIRST_MB,
        ),
        compared(
            "peak resident memory after bodies of 2 MB",
            "MB",
            [start.large_mb for start in weir],
            [start.large_mb for start in bare],
            goal=_LARGE_MB,
        ),
    ]


def _start(bench: Bench, subject: Subject) -> Start:
    function = bench.start(subject)
    try:
        answer = function.invoke(events.plain())
        first_cpu_ms, first_mb = function.cpu_ms() - function.init_cpu_ms, function.peak_mb()
        for _ in range(_LARGE_REQUESTS):
            function.invoke(events.large())
        return Start(
            init_ms=function.init_ms,
            init_cpu_ms=function.init_cpu_ms,
            answered_ms=function.since_start_ms(answer.ended_s),
            first_cpu_ms=first_cpu_ms,
            first_mb=first_mb,
            large_mb=function.peak_mb(),
        )
    finally:
        function.close()
