"""Late settlement: what the settle queue brings is recorded and settled after all.

A message may come twice, late, or after the sweeper was there first: every write is conditional, so
only the first one counts. If the sweeper, who may know less, settled the request as unknown, the
message's cost is charged by an adjustment: nobody else may ever know it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from weir.domain import generations
from weir.domain.errors import StoreUnavailableError
from weir.domain.generations import RANDOM_BYTES, new_generation_id
from weir.domain.ledgers import Adjustments, CreditLedger
from weir.domain.money import NanoUsd
from weir.domain.ports import Journal
from weir.domain.usage import RecordStatus, UsageRecord
from weir.services.settlement import settle_record


@dataclass(frozen=True, slots=True, kw_only=True)
class LateSettlement:
    """Settles the records that requests could not.

    Attributes:
        random: Returns that many random bytes.
    """

    ledger: CreditLedger
    adjustments: Adjustments
    journal: Journal
    random: Callable[[int], bytes]

    def settle(self, record: UsageRecord, *, now_ms: int) -> bool:
        """Record and settle a request, unless that is done.

        Returns:
            False when the ledger cannot be reached: the record must come again.
        """
        try:
            settled = settle_record(self.ledger, record, holds={}, now_ms=now_ms)
            adjustment = self._adjusted(settled.record, known=record, now_ms=now_ms)
        except StoreUnavailableError as failure:
            reason = f"late settlement: {failure.message}"
            self.journal.degraded(generation_id=record.generation_id, reason=reason)
            return False
        if settled.was_open:
            self.journal.settled(record=settled.record)
        if adjustment is not None:
            self.journal.settled(record=adjustment)
        return True

    def _adjusted(
        self, stored: UsageRecord, *, known: UsageRecord, now_ms: int
    ) -> UsageRecord | None:
        """Charge what the message knows of a request that was settled as unknown.

        Returns:
            The adjustment; None when there is nothing to adjust, or somebody else has done it.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        is_unknown = stored.status is RecordStatus.UNKNOWN and stored.adjusted_by is None
        if not is_unknown or known.status is RecordStatus.UNKNOWN:
            return None
        adjustment = replace(
            known,
            generation_id=new_generation_id(
                now_ms=now_ms,
                lane=generations.lane(known.generation_id),
                random=self.random(RANDOM_BYTES),
            ),
            status=RecordStatus.ADJUSTMENT,
            estimate_nano_usd=NanoUsd(0),
            levels=stored.levels,  # the accounts that were found to hold it
            adjusts=known.generation_id,
        )
        return adjustment if self.adjustments.adjust(adjustment) else None
