"""`python -m bench [--quick]`: measure, and print one table."""

import argparse
import os
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass

from bench import chunks, events, package_size, requests_warm, starts, traffic, units
from bench.figures import Row
from bench.processes import BenchError
from bench.subjects import Bench, Subject
from bench.table import rendered
from local.aws import EmbeddedAwsError

_LEGEND = """\
Weir: the chat function. bare: the same upstream call and runtime layer, no ledger. Both in turns;
medians of the rounds. A verdict in parentheses judges a figure that the goal does not mean yet:
the ledger's transport is boto3."""
_YARDSTICKS = """\
An empty function takes {empty:.2f} ms of CPU a request here (0.36 where the goals were set), the
stand-in for DynamoDB {ledger:.2f} ms of wall time a call.
{python}, {cores} cores, {taken:.0f} s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured."""

    starts: int
    rounds: int
    requests: int
    streams: int
    chunks: int


_FULL = Plan(starts=7, rounds=9, requests=150, streams=7, chunks=1_000)
_QUICK = Plan(starts=2, rounds=3, requests=40, streams=2, chunks=500)


def main() -> int:
    """Run the bench; 1 when a function under test failed, whatever the figures say."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, within a minute")
    plan = _QUICK if parser.parse_args().quick else _FULL
    if sys.platform != "linux":
        print("the bench reads Linux' counters of a process; run it on Linux", file=sys.stderr)
        return 1
    # A default SIGTERM would leave the processes that are measured behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    started_s = time.monotonic()
    try:
        with ExitStack() as stack:
            rows, warm = _measured(Bench.open(stack), plan)
    except (BenchError, EmbeddedAwsError) as error:
        print(error, file=sys.stderr)
        return 1
    yardsticks = _YARDSTICKS.format(
        empty=warm.empty_cpu_ms,
        ledger=warm.ledger_ms,
        python=f"Python {sys.version_info.major}.{sys.version_info.minor}",
        cores=os.cpu_count(),
        taken=time.monotonic() - started_s,
    )
    print(rendered(rows), _LEGEND, yardsticks, sep="\n\n")
    return 0


def _measured(bench: Bench, plan: Plan) -> tuple[list[Row], requests_warm.Warm]:
    _say("compiling byte code")
    for subject in Subject:
        function = bench.start(subject)
        try:
            function.invoke(events.plain())
        finally:
            function.close()
    _say(f"starting each function {plan.starts} times")
    started = starts.measure(bench, rounds=plan.starts)
    _say("counting calls")
    counted = traffic.measure(bench)
    functions = {subject: bench.keep(subject) for subject in Subject}
    _say(f"{plan.rounds} rounds of {plan.requests} warm requests each")
    warm = requests_warm.measure(
        functions, aws=bench.aws, rounds=plan.rounds, requests=plan.requests
    )
    _say(f"{plan.streams} rounds of streams")
    streamed = chunks.measure(functions, rounds=plan.streams, chunks=plan.chunks)
    _say("counting capacity units")
    taken = units.measure()
    return [*warm.rows, *streamed, *started, *counted, *taken, package_size.measure()], warm


def _say(what: str) -> None:
    print(f"==> {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
