"""Late settlement: what the settle queue brings is recorded and settled after all.

A message may come twice, late, or after the sweeper was there first: every write is conditional, so
only the first one counts.
"""

from dataclasses import dataclass

from weir.domain.errors import StoreUnavailableError
from weir.domain.ledgers import CreditLedger
from weir.domain.ports import Journal
from weir.domain.usage import UsageRecord
from weir.services.settlement import settle_record


@dataclass(frozen=True, slots=True, kw_only=True)
class LateSettlement:
    """Settles the records that requests could not."""

    ledger: CreditLedger
    journal: Journal

    def settle(self, record: UsageRecord, *, now_ms: int) -> bool:
        """Record and settle a request, unless that is done.

        Returns:
            False when the ledger cannot be reached: the record must come again.
        """
        try:
            settled = settle_record(self.ledger, record, holds={}, now_ms=now_ms)
        except StoreUnavailableError as failure:
            reason = f"late settlement: {failure.message}"
            self.journal.degraded(generation_id=record.generation_id, reason=reason)
            return False
        if settled.was_open:
            self.journal.settled(record=settled.record)
        return True
