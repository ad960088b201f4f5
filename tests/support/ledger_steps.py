"""Steps of ledger stories, for a ledger of any kind."""

from typing import Any

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_values import ACME, NOON_MS, make_record, make_reservation
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.domain.accounts import Account
from weir.domain.holds import Hold

Ledger = FakeLedger | DynamoDBLedger


def reserve(ledger: Ledger, **changes: Any) -> Hold:
    """Reserve for a new request and return its hold."""
    reservation = make_reservation(**changes)
    ledger.reserve(ACME, reservation=reservation)
    return reservation.hold


def finish(ledger: Ledger, hold: Hold, *, cost: int, now_ms: int = NOON_MS) -> bool:
    """Record a request and settle it with the stored cost; False when it was settled before."""
    stored = ledger.record(ACME, record=make_record(hold, cost=cost))
    return ledger.settle(ACME, hold=hold, cost_nano_usd=stored.usage.cost_nano_usd, now_ms=now_ms)


def only_account(ledger: Ledger) -> Account:
    """Return the one account there is."""
    (account,) = ledger.accounts()
    return account
