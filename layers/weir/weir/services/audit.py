"""The audit: read the whole ledger and check its invariants. Changes nothing, repairs nothing.

Meaningful when nothing is in flight between a record and its settlement; the two tables are read
one after the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from weir.domain.accounts import Account
from weir.domain.invariants import violations
from weir.domain.money import NanoUsd
from weir.domain.ports import LedgerReader
from weir.domain.usage import RecordStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSums:
    """What one account lane adds up to."""

    credit_nano_usd: NanoUsd
    available_nano_usd: NanoUsd
    held_nano_usd: NanoUsd
    spent_nano_usd: NanoUsd
    open_holds: int
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """The findings of an audit.

    Attributes:
        violations: One sentence each, beginning with the invariant's number; empty is good.
        accounts: Sums by `<account>#<lane>`; empty, like all other figures, when an item of the
            ledger could not be decoded.
        records: Number of usage records.
        unknown: Those of them whose cost nobody knows.
        cost_nano_usd: What all records cost.
    """

    violations: tuple[str, ...]
    accounts: Mapping[str, AccountSums]
    records: int
    unknown: int
    cost_nano_usd: NanoUsd


def audit(
    reader: LedgerReader,
    *,
    upstream: Mapping[str, NanoUsd] | None = None,
    swept: bool = False,
) -> AuditReport:
    """Check the invariants of the whole ledger.

    Args:
        reader: The ledger.
        upstream: Upstream's own ledger, generation id → cost; None leaves it out.
        swept: Whether a sweep has just run after the last hold's life.

    Returns:
        The report; a violation is a finding, not an error.

    Raises:
        StoreUnavailableError: The ledger cannot be read, so there is nothing to report.
    """
    try:
        accounts, records = list(reader.accounts()), list(reader.records())
    except ValueError as error:
        # A number with a fraction, or an item of another shape: sums over the rest would mislead.
        return AuditReport(
            violations=(f"I10 {error}",),
            accounts={},
            records=0,
            unknown=0,
            cost_nano_usd=NanoUsd(0),
        )
    found = violations(accounts, records, upstream=upstream, swept=swept)
    return AuditReport(
        violations=tuple(found),
        accounts={f"{account.account_id}#{account.lane}": _sums(account) for account in accounts},
        records=len(records),
        unknown=sum(record.status is RecordStatus.UNKNOWN for record in records),
        cost_nano_usd=NanoUsd(sum(record.usage.cost_nano_usd for record in records)),
    )


def _sums(account: Account) -> AccountSums:
    return AccountSums(
        credit_nano_usd=account.credit_nano_usd,
        available_nano_usd=account.available_nano_usd,
        held_nano_usd=NanoUsd(sum(hold.estimate_nano_usd for hold in account.holds.values())),
        spent_nano_usd=account.spent_nano_usd,
        open_holds=len(account.holds),
        sequence=account.sequence,
    )
