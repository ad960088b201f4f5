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
from weir.domain.errors import ProviderError
from weir.domain.holds import Hold
from weir.domain.ports import CreditLedger, GenerationArchive, LedgerReader
from weir.domain.tenants import TenantId
from weir.domain.usage import NO_USAGE, RecordSource, RecordStatus, Usage, UsageRecord

_MS_PER_S = 1_000


class SweptLedger(CreditLedger, LedgerReader, Protocol):
    """A ledger that can be read in full and repaired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What a sweep did, in holds.

    Attributes:
        settled: Removed by this sweep, with the cost of their stored record.
        unknown: Those of them whose cost nobody knows; each one is an alarm.
        postponed: Left for the next sweep, because upstream could not be asked.
    """

    settled: int
    unknown: int
    postponed: int


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
        StoreUnavailableError: The ledger cannot be reached; what is done is done, and the next
            sweep goes on.
    """
    tally: Counter[str] = Counter()
    for account in ledger.accounts():
        for hold in account.holds.values():
            if _age_ms(hold, now_ms) >= hold_life_ms:
                tally.update(_swept(ledger, account, hold, archive=archive, now_ms=now_ms))
    return SweepReport(
        settled=tally["settled"], unknown=tally["unknown"], postponed=tally["postponed"]
    )


def _swept(
    ledger: SweptLedger, account: Account, hold: Hold, *, archive: GenerationArchive, now_ms: int
) -> list[str]:
    """Repair one hold and return the counters that it belongs to."""
    # Only tenant accounts are swept: a key's hold is released after its tenant's is settled.
    tenant_id = TenantId(account.account_id)
    try:
        usage = _asked(archive, hold)
    except ProviderError:
        return ["postponed"]
    stored = ledger.record(tenant_id, record=_record(tenant_id, hold, usage))
    if not ledger.settle(
        tenant_id, hold=hold, cost_nano_usd=stored.usage.cost_nano_usd, now_ms=now_ms
    ):
        return []
    return ["settled", *(["unknown"] if stored.status is RecordStatus.UNKNOWN else [])]


def _asked(archive: GenerationArchive, hold: Hold) -> Usage | None:
    if hold.upstream_generation_id is None:
        return None
    return archive.usage(hold.upstream_generation_id)


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
