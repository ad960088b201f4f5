"""What one more chunk of a stream costs: long streams less short ones."""

from bench import events
from bench.figures import Goal, Row, compared
from bench.processes import BenchError
from bench.requests_warm import Functions
from bench.subjects import Subject

_APART_US = Goal(target=30, reject=60)
_STREAMED = (Subject.WEIR, Subject.BARE)


def measure(functions: Functions, *, rounds: int, chunks: int) -> list[Row]:
    """Stream in turns, 1 ms apart and as fast as possible; return the rows."""
    apart = _per_chunk_us(functions, rounds=rounds, long=chunks, delay_ms=1)
    rushed = _per_chunk_us(functions, rounds=rounds, long=chunks * 4, delay_ms=0)
    return [
        compared("chunk of a stream, 1 ms apart, CPU", "us", *apart, goal=_APART_US),
        compared("chunk of a stream, as fast as possible, CPU", "us", *rushed),
    ]


def _per_chunk_us(
    functions: Functions, *, rounds: int, long: int, delay_ms: int
) -> tuple[list[float], list[float]]:
    short = long // 10
    samples: dict[Subject, list[float]] = {subject: [] for subject in _STREAMED}
    for _ in range(rounds):
        for subject in _STREAMED:
            small_ms = _stream_cpu_ms(functions, subject, chunks=short, delay_ms=delay_ms)
            large_ms = _stream_cpu_ms(functions, subject, chunks=long, delay_ms=delay_ms)
            samples[subject].append((large_ms - small_ms) / (long - short) * 1000)
    return samples[Subject.WEIR], samples[Subject.BARE]


def _stream_cpu_ms(functions: Functions, subject: Subject, *, chunks: int, delay_ms: int) -> float:
    function = functions[subject]
    before_ms = function.cpu_ms()
    answer = function.invoke(events.streamed(chunks=chunks, delay_ms=delay_ms))
    taken_ms = function.cpu_ms() - before_ms
    arrived = answer.body.count(b"data: ")
    if arrived < chunks or not answer.body.endswith(b"data: [DONE]\n\n"):
        raise BenchError(f"{subject}: {arrived} of {chunks} chunks arrived")
    return taken_ms
