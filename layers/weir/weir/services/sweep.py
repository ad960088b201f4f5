"""The sweep: repair of holds whose request can no longer be alive.

A request that crashed between its hold and its settlement left a hold behind. Upstream's own
ledger tells what it cost, if the hold knows upstream's id; the rest is as any request ends:
record, then settle with what the stored record says. Running twice, or beside a late request,
changes nothing, because both writes are conditional.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from weir.domain import generations
from weir.domain.accounts import Account
from weir.domain.errors import ProviderError, StoreUnavailableError
from weir.domain.holds import Hold
from weir.domain.ports import CreditLedger, GenerationArchive, LedgerReader
from weir.domain.tenants import TenantId
from weir.domain.usage import NO_USAGE, RecordSource, RecordStatus, Usage, UsageRecord

_MS_PER_S = 1_000
# Upstream forgets; a hold must not wait for ever for an answer that will not come.
GIVE_UP_MS = 24 * 60 * 60 * _MS_PER_S
# An archive that fails this often in a row is down: the other holds must not wait for it.
MAX_FAILURES_IN_A_ROW = 3


class SweptLedger(CreditLedger, LedgerReader, Protocol):
    """A ledger that can be read in full and repaired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What a sweep did, in holds.

    Attributes:
        settled: Removed by this sweep, with the cost of their stored record.
        unknown: Those of them whose cost nobody knows; each one is an alarm.
        postponed: Left for the next sweep, because upstream could not be asked.
        failed: Left for the next sweep, because the ledger could not be written.
    """

    settled: int
    unknown: int
    postponed: int
    failed: int


def sweep(
    ledger: SweptLedger, *, archive: GenerationArchive, now_ms: int, hold_life_ms: int
) -> SweepReport:
    """Settle every hold that is older than any living request.

    Args:
        ledger: Read in full, then written hold by hold.
        archive: Upstream's ledger of finished generations.
        now_ms: Epoch milliseconds.
        hold_life_ms: The longest a request can live, and a margin; younger holds are not touched.

    Raises:
        StoreUnavailableError: The ledger cannot be read; what is done is done, and the next sweep
            goes on.
    """
    repair = _Repair(ledger, archive=archive, now_ms=now_ms)
    for account in ledger.accounts():
        for hold in account.holds.values():
            if _age_ms(hold, now_ms) >= hold_life_ms:
                repair.hold(account, hold)
    tally = repair.tally
    return SweepReport(
        settled=tally["settled"],
        unknown=tally["unknown"],
        postponed=tally["postponed"],
        failed=tally["failed"],
    )


class _Repair:
    """One sweep; a hold that cannot be repaired stands in no other's way."""

    def __init__(self, ledger: CreditLedger, *, archive: GenerationArchive, now_ms: int) -> None:
        self.tally: Counter[str] = Counter()
        self._ledger = ledger
        self._archive = archive
        self._now_ms = now_ms
        self._failures_in_a_row = 0

    def hold(self, account: Account, hold: Hold) -> None:
        """Record what a hold's request cost, and settle it."""
        try:
            usage = self._usage(hold)
            # Only tenant accounts are swept: a key's hold is released after its tenant's.
            self._settle(TenantId(account.account_id), hold, usage)
        except ProviderError:
            self.tally["postponed"] += 1
        except StoreUnavailableError:
            self.tally["failed"] += 1

    def _usage(self, hold: Hold) -> Usage | None:
        if hold.upstream_generation_id is None:
            return None
        try:
            return self._asked(hold.upstream_generation_id)
        except ProviderError:
            if _age_ms(hold, self._now_ms) < GIVE_UP_MS:
                raise
            return None

    def _asked(self, upstream_generation_id: str) -> Usage | None:
        if self._failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
            raise ProviderError("Upstream's ledger is out of reach.", cost_is_zero=False)
        self._failures_in_a_row += 1
        usage = self._archive.usage(upstream_generation_id)
        self._failures_in_a_row = 0
        return usage

    def _settle(self, tenant_id: TenantId, hold: Hold, usage: Usage | None) -> None:
        stored = self._ledger.record(tenant_id, record=_record(tenant_id, hold, usage))
        settled = self._ledger.settle(
            tenant_id,
            hold=hold,
            cost_nano_usd=stored.usage.cost_nano_usd,
            now_ms=self._now_ms,
        )
        if settled:
            self.tally["settled"] += 1
            self.tally["unknown"] += stored.status is RecordStatus.UNKNOWN


def _record(tenant_id: TenantId, hold: Hold, usage: Usage | None) -> UsageRecord:
    return UsageRecord(
        tenant_id=tenant_id,
        generation_id=hold.generation_id,
        status=RecordStatus.UNKNOWN if usage is None else RecordStatus.INTERRUPTED,
        source=RecordSource.SWEEP,
        usage=usage or NO_USAGE,
        estimate_nano_usd=hold.estimate_nano_usd,
        key_id=hold.key_id,
        model=hold.model,
        upstream_generation_id=hold.upstream_generation_id,
    )


def _age_ms(hold: Hold, now_ms: int) -> int:
    return now_ms - generations.created_s(hold.generation_id) * _MS_PER_S
