"""Steps of ledger stories, for a ledger of any kind."""

from typing import Any

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_books import LedgerBooks
from tests.support.ledger_values import ACME, NOON_MS, make_record, make_reservation
from weir.domain.accounts import Account, AccountId, charged_accounts, tenant_account
from weir.domain.holds import Hold, Reservation

Ledger = FakeLedger | LedgerBooks

ACCOUNT = tenant_account(ACME)


def take(ledger: Ledger, reservation: Reservation, *, account_id: AccountId = ACCOUNT) -> Hold:
    """Reserve on one account and return the hold as stored there."""
    account = ledger.reserve(account_id, reservation=reservation)
    return account.holds[reservation.hold.generation_id]


def reserve(ledger: Ledger, *, account_id: AccountId = ACCOUNT, **changes: Any) -> Hold:
    """Reserve for a new request on one account and return its hold."""
    return take(ledger, make_reservation(**changes), account_id=account_id)


def finish(ledger: Ledger, hold: Hold, *, cost: int, now_ms: int = NOON_MS) -> bool:
    """Record a request and settle it on every account with the stored price.

    Returns:
        False when its tenant's account was settled before.
    """
    stored = ledger.record(make_record(hold, cost=cost))
    settled = False
    for account_id in reversed(charged_accounts(ACME, stored)):
        settled = ledger.settle(
            account_id, hold=hold, price_nano_usd=stored.price_nano_usd, now_ms=now_ms
        )
    return settled


def only_account(ledger: Ledger) -> Account:
    """Return the one account there is."""
    (account,) = ledger.accounts()
    return account
