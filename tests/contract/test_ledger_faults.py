"""Every call of a request under every fault: the sweep leaves one record and a true balance.

Faults are injected below botocore's retries. An attempt that is *lost* never arrives; one whose
*answer is lost* is applied, and botocore tries again or gives up.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError
from botocore.retries.standard import ExponentialBackoff

from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from tests.support.ledger_values import ACME, NOON_MS, make_hold, make_record, make_reservation
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.domain.errors import StoreUnavailableError
from weir.domain.holds import Hold
from weir.domain.money import NanoUsd
from weir.domain.usage import RecordSource, Usage
from weir.services.audit import audit
from weir.services.sweep import SweepReport, sweep

HOLD_LIFE_MS = 960_000
UPSTREAM_ID = "gen-1795003201-UpstreamUpstreamUpst"
CALLS = ("reserve", "checkpoint", "record", "settle")
ENDINGS = {
    "lost once": "done",
    "lost": "unavailable",
    "answer lost once": "done",
    "answer lost": "unavailable",
    "crash before": "crashed",
    "crash after": "crashed",
}
FAULTS = tuple(ENDINGS)
# What the records cost in the end, where it is not what upstream billed.
COSTS = {
    ("reserve", "lost"): [],
    ("reserve", "crash before"): [],
    # The hold was taken, but nothing was sent: unknown, and rightly zero.
    ("reserve", "answer lost"): [0],
    ("reserve", "crash after"): [0],
    # The only undercharge: upstream accepted the request, and its id was not written down.
    ("checkpoint", "lost"): [0],
    ("checkpoint", "crash before"): [0],
}


class CrashError(BaseException):
    """The process dies here; nothing catches it."""


@dataclass
class Fault:
    """Breaks the nth call of a client; botocore's hooks call its methods."""

    call: int
    kind: str
    calls: int = -1
    attempts: list[str] = field(default_factory=list)

    def begin(self, **_: Any) -> None:
        self.calls += 1

    def send(self, request: Any, **_: Any) -> AWSResponse | None:
        if self.calls != self.call:
            return None
        self.attempts.append(self.kind)
        if self.kind.endswith("once") and len(self.attempts) > 1:
            return None
        if self.kind.startswith("lost"):
            raise ConnectionClosedError(endpoint_url=request.url)
        if self.kind == "crash before":
            raise CrashError
        # Answered here, but the embedded DynamoDB's own hook still runs: applied, answer lost.
        body = b'{"__type": "InternalServerError", "message": "injected"}'
        raw: Any = SimpleNamespace(stream=lambda **_: iter([body]))
        return AWSResponse(request.url, 500, HTTPHeaders(), raw)

    def retry(self, **_: Any) -> None:
        if self.kind == "crash after" and self.attempts and self.calls == self.call:
            raise CrashError


class Archive:
    """Upstream's ledger, with one generation once it was begun."""

    def __init__(self) -> None:
        self.billed: dict[str, NanoUsd] = {}

    def usage(self, upstream_generation_id: str) -> Usage | None:
        cost = self.billed.get(upstream_generation_id)
        return None if cost is None else Usage(cost_nano_usd=cost)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made:
        yield made


@pytest.fixture
def made(client: Any, monkeypatch: pytest.MonkeyPatch) -> Tables:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)
    return new_tables(client)


def play(made: Tables, fault: Fault, story: Callable[[], None]) -> str:
    """Run a story with a fault and tell how it ended."""
    events = made.client.meta.events
    hooks = {
        "before-call.dynamodb": fault.begin,
        "before-send.dynamodb": fault.send,
        "needs-retry.dynamodb": fault.retry,
    }
    for name, hook in hooks.items():
        events.register_first(name, hook)
    try:
        story()
    except StoreUnavailableError:
        return "unavailable"
    except CrashError:
        return "crashed"
    finally:
        for name, hook in hooks.items():
            events.unregister(name, hook)
    return "done"


def request(ledger: DynamoDBLedger, hold: Hold, archive: Archive) -> None:
    ledger.reserve(ACME, reservation=make_reservation(hold))
    archive.billed[UPSTREAM_ID] = NanoUsd(400)
    ledger.checkpoint(ACME, hold=hold, upstream_generation_id=UPSTREAM_ID)
    record = make_record(hold, cost=400, upstream_generation_id=UPSTREAM_ID)
    stored = ledger.record(ACME, record=record)
    ledger.settle(ACME, hold=hold, cost_nano_usd=stored.usage.cost_nano_usd, now_ms=NOON_MS)


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("call", CALLS)
def test_ledger_is_exact_after_the_sweep_when_one_call_fails(
    made: Tables, call: str, kind: str
) -> None:
    ledger, archive, hold = made.ledger(), Archive(), make_hold()
    ledger.open_account(ACME, credit_nano_usd=10_000)
    fault = Fault(CALLS.index(call), kind)
    later = {"now_ms": NOON_MS + HOLD_LIFE_MS, "hold_life_ms": HOLD_LIFE_MS}

    ended = play(made, fault, lambda: request(ledger, hold, archive))
    before_the_sweep = audit(ledger)
    sweep(made.ledger(), archive=archive, **later)
    again = sweep(made.ledger(), archive=archive, **later)

    assert ended == ENDINGS[kind]
    assert fault.attempts, "the fault was met"
    assert before_the_sweep.violations == ()
    assert audit(ledger, upstream=archive.billed, swept=True).violations == ()
    assert again == SweepReport(settled=0, unknown=0, postponed=0, failed=0)
    assert [record.usage.cost_nano_usd for record in ledger.records()] == COSTS.get(
        (call, kind), [400]
    )


def test_hold_is_taken_once_when_the_answer_of_reserve_is_lost(made: Tables) -> None:
    ledger, hold = made.ledger(), make_hold(estimate=6_000)
    ledger.open_account(ACME, credit_nano_usd=10_000)
    fault = Fault(0, "answer lost once")
    accounts = []

    ended = play(
        made,
        fault,
        lambda: accounts.append(ledger.reserve(ACME, reservation=make_reservation(hold))),
    )

    assert ended == "done"
    assert len(fault.attempts) == 2
    assert accounts == list(ledger.accounts())
    assert (accounts[0].available_nano_usd, accounts[0].in_flight) == (4_000, 1)


def test_own_record_is_returned_when_the_answer_of_record_is_lost(made: Tables) -> None:
    ledger, hold = made.ledger(), make_hold()
    record = make_record(hold, source=RecordSource.REQUEST)
    stored = []

    ended = play(
        made,
        Fault(0, "answer lost once"),
        lambda: stored.append(ledger.record(ACME, record=record)),
    )

    assert ended == "done"
    assert stored == [record] == list(ledger.records())


def test_cost_is_charged_once_when_the_answer_of_settle_is_lost(made: Tables) -> None:
    ledger, hold = made.ledger(), make_hold()
    ledger.open_account(ACME, credit_nano_usd=10_000)
    ledger.reserve(ACME, reservation=make_reservation(hold))
    ledger.record(ACME, record=make_record(hold, cost=400))
    answers = []

    play(
        made,
        Fault(0, "answer lost once"),
        lambda: answers.append(
            ledger.settle(ACME, hold=hold, cost_nano_usd=NanoUsd(400), now_ms=NOON_MS)
        ),
    )

    assert answers == [False], "the second attempt finds it settled, which is success"
    assert audit(ledger, swept=True).violations == ()
