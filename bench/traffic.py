"""What a warm request asks of DynamoDB, Secrets Manager and the network: counted, not timed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench import events
from bench.figures import Goal, Row
from bench.subjects import Bench, Subject

_REQUESTS = 20
_READS = ("GetItem", "BatchGetItem", "Query", "Scan")
_WRITES = ("UpdateItem", "PutItem", "DeleteItem", "TransactWriteItems")
_SECRET = "GetSecretValue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The stand-ins' counts before and after some requests."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    requests: int

    def per_request(self, kind: str, *operations: str) -> float:
        """Return how much of `calls`, `body_bytes` or `total_bytes` one request took."""
        grown = (
            self.after[kind].get(name, 0) - self.before[kind].get(name, 0) for name in operations
        )
        return float(sum(grown) / self.requests)


def measure(bench: Bench) -> list[Row]:
    """Count the calls of a fresh process: the first request, then warm ones."""
    function = bench.start(Subject.WEIR)
    try:
        aws, upstream = bench.aws.stats(), bench.upstream.stats()
        function.invoke(events.plain())
        warm_aws, warm_upstream = bench.aws.stats(), bench.upstream.stats()
        for _ in range(_REQUESTS):
            function.invoke(events.plain())
        end_aws, end_upstream = bench.aws.stats(), bench.upstream.stats()
    finally:
        function.close()
    cold = Traffic(before=aws, after=warm_aws, requests=1)
    warm = Traffic(before=warm_aws, after=end_aws, requests=_REQUESTS)
    return [
        *_call_rows(warm, ahead=_calls_ahead(end_aws, end_upstream)),
        *_byte_rows(warm),
        _count("reads from DynamoDB, first request", cold.per_request("calls", *_READS)),
        _count("reads of the secret, first request", cold.per_request("calls", _SECRET)),
        _count("reads of the secret, warm", warm.per_request("calls", _SECRET), ideal=0),
        _new_connections("upstream", warm_upstream, end_upstream),
        _new_connections("AWS", warm_aws, end_aws),
        _new_connections("upstream, first request", upstream, warm_upstream, ideal=None),
        _new_connections("AWS, first request", aws, warm_aws, ideal=None),
    ]


def _call_rows(warm: Traffic, *, ahead: int) -> list[Row]:
    return [
        _count("calls to DynamoDB before the upstream call, warm", ahead, ideal=1),
        _count("reads from DynamoDB, warm", warm.per_request("calls", *_READS), ideal=0),
        _count("writes to DynamoDB, warm", warm.per_request("calls", *_WRITES), ideal=3),
        *(
            _count(f"… of which {name}", count)
            for name in _WRITES
            if (count := warm.per_request("calls", name))
        ),
    ]


def _byte_rows(warm: Traffic) -> list[Row]:
    rows = [
        Row(
            name=f"bytes of {name}, bodies of a request together",
            unit="B",
            weir=warm.per_request("body_bytes", name),
        )
        for name in _WRITES
        if warm.per_request("calls", name)
    ]
    total = warm.per_request("total_bytes", *_READS, *_WRITES)
    return [*rows, Row(name="bytes sent to DynamoDB, headers included", unit="B", weir=total)]


def _calls_ahead(aws: Mapping[str, Any], upstream: Mapping[str, Any]) -> int:
    """Count what reached DynamoDB in the last request before its upstream call."""
    before_s, last_s = upstream["arrivals"][-2:]
    since = [name for moment_s, name in aws["latest"] if before_s < moment_s < last_s]
    # The request before it recorded and settled after its own upstream call, as the last one did.
    ending = sum(1 for moment_s, _ in aws["latest"] if moment_s > last_s)
    return len(since) - ending


def _new_connections(
    to: str, before: Mapping[str, Any], after: Mapping[str, Any], *, ideal: int | None = 0
) -> Row:
    opened = after["connections"] - before["connections"]
    name = f"new connections to {to}" + (", warm" if ideal is not None else "")
    return _count(name, opened, ideal=ideal)


def _count(name: str, count: float, *, ideal: int | None = None) -> Row:
    goal = None if ideal is None else Goal(target=ideal, reject=ideal)
    return Row(name=name, unit="-", weir=count, goal=goal)
