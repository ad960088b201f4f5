"""Warm: one plain request at a time, and the time to the first byte of a short stream."""

import http.client
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from bench import events
from bench.figures import Goal, Row, alone, compared, less
from bench.processes import Function, Stub
from bench.runtime_api import Answer
from bench.subjects import Subject
from bench.tenant import ACCOUNTS_TABLE

Functions = Mapping[Subject, Function]

_WARM_UP = 30
_SHORT_STREAM_CHUNKS = 20
_LARGE_REQUESTS = 3

# boto3 takes 0.58 ms of CPU a call where the goal counts on 0.10.
_INSIDE_MS = Goal(target=1.2, reject=2, compared=False)
_FIRST_BYTE_MS = Goal(target=1, reject=3, compared=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Requests of one kind to one function: medians of the wall time, CPU per request."""

    wall_ms: float
    first_byte_ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Warm:
    """The rows, and two figures of this machine that the others are to be read with.

    Attributes:
        empty_cpu_ms: CPU of a request to the empty function.
        ledger_ms: One call to the stand-in for DynamoDB, by the leanest client there is.
    """

    rows: list[Row]
    empty_cpu_ms: float
    ledger_ms: float


def measure(functions: Functions, *, aws: Stub, rounds: int, requests: int) -> Warm:
    """Send the same requests to every function in turns."""
    for function in functions.values():
        run(function, events.plain(), requests=_WARM_UP)
    stream = events.streamed(chunks=_SHORT_STREAM_CHUNKS, delay_ms=0)
    plain = in_turns(functions, events.plain(), rounds=rounds, requests=requests)
    large = in_turns(functions, events.large(), rounds=rounds, requests=_LARGE_REQUESTS)
    streams = in_turns(functions, stream, rounds=rounds, requests=max(requests // 4, 10))
    ledger_ms = [_round_trip_ms(aws, requests=requests) for _ in range(rounds)]
    return Warm(
        rows=[*_plain_rows(plain, large), *_stream_rows(streams, ledger_ms)],
        empty_cpu_ms=median(one.cpu_ms for one in plain[Subject.EMPTY]),
        ledger_ms=median(ledger_ms),
    )


def in_turns(
    functions: Functions, event: bytes, *, rounds: int, requests: int
) -> dict[Subject, list[Series]]:
    """Run the series of every function in every round, in alternating order."""
    series: dict[Subject, list[Series]] = {subject: [] for subject in functions}
    order = list(functions.items())
    for _ in range(rounds):
        for subject, function in order:
            series[subject].append(run(function, event, requests=requests))
        order.reverse()
    return series


def run(function: Function, event: bytes, *, requests: int) -> Series:
    """Run one series, one event at a time."""
    before_ms = function.cpu_ms()
    answers: list[Answer] = [function.invoke(event) for _ in range(requests)]
    return Series(
        wall_ms=median(answer.wall_ms for answer in answers),
        first_byte_ms=median(answer.first_byte_ms for answer in answers),
        cpu_ms=(function.cpu_ms() - before_ms) / requests,
    )


def _plain_rows(
    plain: dict[Subject, list[Series]], large: dict[Subject, list[Series]]
) -> list[Row]:
    wall, cpu = _columns(plain, lambda one: one.wall_ms), _columns(plain, lambda one: one.cpu_ms)
    large_cpu = _columns(large, lambda one: one.cpu_ms)
    floor = cpu[Subject.EMPTY]
    return [
        compared("plain request, wall", "ms", wall[Subject.WEIR], wall[Subject.BARE]),
        compared("plain request, CPU", "ms", cpu[Subject.WEIR], cpu[Subject.BARE]),
        compared(
            "plain request, CPU inside the handler",
            "ms",
            less(cpu[Subject.WEIR], floor),
            less(cpu[Subject.BARE], floor),
            goal=_INSIDE_MS,
        ),
        compared("request of 2 MB, CPU", "ms", large_cpu[Subject.WEIR], large_cpu[Subject.BARE]),
    ]


def _stream_rows(streams: dict[Subject, list[Series]], ledger_ms: list[float]) -> list[Row]:
    first = _columns(streams, lambda one: one.first_byte_ms)
    added = less(first[Subject.WEIR], first[Subject.BARE])
    return [
        compared("stream, time to first byte", "ms", first[Subject.WEIR], first[Subject.BARE]),
        alone(
            "stream, added time to first byte, stand-in excluded",
            "ms",
            less(added, ledger_ms),
            goal=_FIRST_BYTE_MS,
        ),
    ]


def _columns(
    series: dict[Subject, list[Series]], figure: Callable[[Series], float]
) -> dict[Subject, list[float]]:
    return {subject: [figure(one) for one in rounds] for subject, rounds in series.items()}


def _round_trip_ms(aws: Stub, *, requests: int) -> float:
    payload = {"TableName": ACCOUNTS_TABLE, "Key": {"pk": {"S": "bench#0"}}}
    headers = {"X-Amz-Target": "DynamoDB_20120810.UpdateItem"}
    connection = http.client.HTTPConnection("127.0.0.1", aws.port, timeout=10)
    taken_ms = []
    for _ in range(requests):
        started_s = time.perf_counter()
        connection.request("POST", "/", body=json.dumps(payload), headers=headers)
        connection.getresponse().read()
        taken_ms.append((time.perf_counter() - started_s) * 1000)
    connection.close()
    return median(taken_ms)
