"""The end of every request: its usage record is stored once, then its holds are replaced by it.

The account lowest in the tree is settled first and the tenant's last, because the hold on the
tenant's account is the only trace that a repair looks for. Every write is conditional, so whoever
comes second (a retry, the settle queue, the sweeper) changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from weir.domain.accounts import AccountId, charged_accounts
from weir.domain.errors import StoreUnavailableError
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold
from weir.domain.ledgers import CreditLedger
from weir.domain.ports import Journal, SettleQueue
from weir.domain.usage import UsageRecord

Holds = Mapping[AccountId, Hold]
"""The holds of one request, as they are stored on each account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a record: the stored one, and whether its hold was still open."""

    record: UsageRecord
    was_open: bool


def settle_record(
    ledger: CreditLedger, record: UsageRecord, *, holds: Holds, now_ms: int
) -> Settled:
    """Store a record unless there is one, and settle the request with what the stored one says.

    Args:
        ledger: The ledger.
        record: What this caller knows of the request.
        holds: Those of the request's holds that this caller knows; the others are looked up.
        now_ms: Epoch milliseconds.

    Raises:
        StoreUnavailableError: The ledger cannot be reached; trying again finishes the work.
    """
    stored = ledger.record(record)
    was_open = False
    for account_id in reversed(charged_accounts(stored.tenant_id, stored)):
        hold = holds.get(account_id) or ledger.held(account_id, stored.generation_id)
        was_open = hold is not None and ledger.settle(
            account_id, hold=hold, price_nano_usd=stored.price_nano_usd, now_ms=now_ms
        )
    return Settled(record=stored, was_open=was_open)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Settles requests now, or a little later when the ledger cannot take it now."""

    ledger: CreditLedger
    queue: SettleQueue
    journal: Journal

    def settle(self, record: UsageRecord, *, holds: Holds, now_ms: int) -> bool:
        """Settle a request, or queue its record.

        Returns:
            False when neither the ledger nor the queue took it: it is left to the sweeper.
        """
        try:
            settled = settle_record(self.ledger, record, holds=holds, now_ms=now_ms)
        except StoreUnavailableError as failure:
            return self._queued(record, reason=failure.message)
        self.journal.settled(record=settled.record)
        return True

    def _queued(self, record: UsageRecord, *, reason: str) -> bool:
        try:
            self.queue.put(record)
        except StoreUnavailableError as failure:
            self.left_to_sweeper(record.generation_id, reason=f"{reason} {failure.message}")
            return False
        self.journal.queued(generation_id=record.generation_id, reason=reason)
        return True

    def left_to_sweeper(self, generation_id: GenerationId, *, reason: str) -> None:
        """Tell that a hold stays open."""
        self.journal.unsettled(generation_id=generation_id, reason=reason)
