"""The audit: read the whole ledger and check its invariants. Changes nothing, repairs nothing.

Meaningful when nothing is in flight between a record and its settlement; the two tables are read
one after the other.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from weir.domain.accounts import Account, is_tenant_account, tenant_of
from weir.domain.invariants import violations
from weir.domain.ledgers import LedgerReader
from weir.domain.metering import RollupReader
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId
from weir.domain.usage import RecordStatus, UsageRecord
from weir.services.rollup_audits import audit_rollups


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSums:
    """What one tenant adds up to: all lanes of its own account, and its usage records."""

    lanes: int
    credit_nano_usd: NanoUsd
    available_nano_usd: NanoUsd
    held_nano_usd: NanoUsd
    spent_nano_usd: NanoUsd
    open_holds: int
    records: int
    unknown: int
    cost_nano_usd: NanoUsd


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """The findings of an audit.

    Attributes:
        violations: One sentence each, beginning with the invariant's number; empty is good.
        checked: Invariant → how many accounts, records or generations it was asked of; one that
            was left out is absent.
        tenants: Sums by tenant. Empty, like all that follows, when an item of the ledger could not
            be decoded.
        accounts: Number of account lanes, of tenants and of keys and end users below them.
        records: Number of usage records, adjustments included.
        unknown: Requests whose cost nobody knows.
        cost_nano_usd: What upstream charged for all records.
    """

    violations: tuple[str, ...]
    checked: Mapping[str, int] = field(default_factory=dict)
    tenants: Mapping[TenantId, TenantSums] = field(default_factory=dict)
    accounts: int = 0
    records: int = 0
    unknown: int = 0
    cost_nano_usd: NanoUsd = NanoUsd(0)


def audit(
    reader: LedgerReader,
    *,
    upstream: Mapping[str, NanoUsd] | None = None,
    swept: bool = False,
    limits_unchanged: bool = False,
    rollups: RollupReader | None = None,
) -> AuditReport:
    """Check the invariants of the whole ledger.

    Args:
        reader: The ledger.
        upstream: Upstream's own ledger, generation id → cost; None leaves it out.
        swept: Whether a sweep has just run after the last hold's life.
        limits_unchanged: Whether every account has had its limits since before its first request.
        rollups: What must agree with the records by now; None leaves it out.

    Returns:
        The report; a violation is a finding, not an error.

    Raises:
        StoreUnavailableError: The ledger cannot be read, so there is nothing to report.
    """
    try:
        accounts, records = list(reader.accounts()), list(reader.records())
    except ValueError as error:
        # A number with a fraction, or an item of another shape: sums over the rest would mislead.
        return AuditReport(violations=(f"I10 {error}",), checked={"I10": 1})
    found = violations(
        accounts, records, upstream=upstream, swept=swept, limits_unchanged=limits_unchanged
    )
    checked = _checked(accounts, records, upstream=upstream, limits_unchanged=limits_unchanged)
    if rollups is not None:
        sums = audit_rollups(rollups, records)
        checked["I5"] = sums.checked
        found += sums.violations
    return _report(accounts, records, found=found, checked=checked)


def _report(
    accounts: Sequence[Account],
    records: Sequence[UsageRecord],
    *,
    found: Sequence[str],
    checked: Mapping[str, int],
) -> AuditReport:
    return AuditReport(
        violations=tuple(found),
        checked=checked,
        tenants=_tenants(accounts, records),
        accounts=len(accounts),
        records=len(records),
        unknown=_unknown(records),
        cost_nano_usd=_cost(records),
    )


def _checked(
    accounts: Sequence[Account],
    records: Sequence[UsageRecord],
    *,
    upstream: Mapping[str, NanoUsd] | None,
    limits_unchanged: bool,
) -> dict[str, int]:
    """Count what every invariant but I5 was asked of."""
    checked = {number: len(accounts) for number in ("I2", "I3", "I7", "I9")}
    checked |= dict.fromkeys(("I1", "I4", "I10"), len(accounts) + len(records))
    if upstream is not None:
        checked["I6"] = len(upstream)
    if limits_unchanged:
        checked["I8"] = len(accounts)
    return checked


def _tenants(
    accounts: Sequence[Account], records: Sequence[UsageRecord]
) -> dict[TenantId, TenantSums]:
    lanes: defaultdict[TenantId, list[Account]] = defaultdict(list)
    rows: defaultdict[TenantId, list[UsageRecord]] = defaultdict(list)
    for account in accounts:
        if is_tenant_account(account.account_id):
            lanes[tenant_of(account.account_id)].append(account)
    for record in records:
        rows[record.tenant_id].append(record)
    return {
        tenant_id: _sums(lanes[tenant_id], rows[tenant_id]) for tenant_id in sorted({*lanes, *rows})
    }


def _sums(lanes: Sequence[Account], records: Sequence[UsageRecord]) -> TenantSums:
    return TenantSums(
        lanes=len(lanes),
        credit_nano_usd=NanoUsd(sum(lane.credit_nano_usd for lane in lanes)),
        available_nano_usd=NanoUsd(sum(lane.available_nano_usd for lane in lanes)),
        held_nano_usd=NanoUsd(sum(lane.held_nano_usd for lane in lanes)),
        spent_nano_usd=NanoUsd(sum(lane.spent_nano_usd for lane in lanes)),
        open_holds=sum(len(lane.holds) for lane in lanes),
        records=len(records),
        unknown=_unknown(records),
        cost_nano_usd=_cost(records),
    )


def _unknown(records: Sequence[UsageRecord]) -> int:
    return sum(
        record.status is RecordStatus.UNKNOWN and record.adjusted_by is None for record in records
    )


def _cost(records: Sequence[UsageRecord]) -> NanoUsd:
    return NanoUsd(sum(record.usage.cost_nano_usd for record in records))
