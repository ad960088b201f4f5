"""The sweep: repair of holds whose request can no longer be alive.

A request that crashed between its hold and its settlement left holds behind. Upstream's own ledger
tells what it cost, if the hold knows upstream's id; the rest is as any request ends: record, then
settle with what the stored record says. Running twice, or beside a late request, changes nothing,
because both writes are conditional.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from weir.domain import generations
from weir.domain.accounts import accounts_below, tenant_account
from weir.domain.errors import ProviderError, StoreUnavailableError
from weir.domain.holds import Hold, Level
from weir.domain.ledgers import CreditLedger, TenantDirectory, TenantLanes
from weir.domain.ports import GenerationArchive, PricePlans
from weir.domain.tenants import Tenant, TenantId
from weir.domain.usage import (
    NO_USAGE,
    ArchivedGeneration,
    RecordSource,
    RecordStatus,
    UsageRecord,
    price,
)
from weir.services.settlement import Holds, settle_record

_MS_PER_S = 1_000
# Upstream forgets; a hold must not wait for ever for an answer that will not come.
GIVE_UP_MS = 24 * 60 * 60 * _MS_PER_S
# An archive that fails this often in a row is down: the other holds must not wait for it.
MAX_FAILURES_IN_A_ROW = 3


class SweptLedger(CreditLedger, TenantLanes, Protocol):
    """A ledger whose tenants' accounts can be read and repaired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What a sweep did, in requests.

    Attributes:
        settled: Settled by this sweep, with the price of their stored record.
        unknown: Those of them whose cost nobody knows; each one is an alarm.
        postponed: Left for the next sweep, because upstream could not be asked or time was up.
        failed: Left for the next sweep, because the ledger could not be read or written; a tenant
            whose account cannot be read counts as one.
    """

    settled: int
    unknown: int
    postponed: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeping:
    """What a sweep works with.

    Attributes:
        archive: Upstream's ledger of finished generations.
        hold_life_ms: The longest a request can live, and a margin; younger holds are not touched.
    """

    ledger: SweptLedger
    tenants: TenantDirectory
    archive: GenerationArchive
    plans: PricePlans
    hold_life_ms: int

    def sweep(
        self, *, now_ms: int, is_out_of_time: Callable[[], bool] = lambda: False
    ) -> SweepReport:
        """Settle every hold that is older than any living request.

        What cannot be read is counted as failed and stands in no other's way: the next sweep tries
        again.

        Args:
            now_ms: Epoch milliseconds.
            is_out_of_time: Tells when to postpone the rest, so that this sweep can still report.
        """
        repair = _Repair(self, now_ms=now_ms, is_out_of_time=is_out_of_time)
        tally = repair.tally
        try:
            for tenant in self.tenants.tenants():
                self._sweep_tenant(tenant, repair, now_ms=now_ms)
        except StoreUnavailableError:
            tally["failed"] += 1
        return SweepReport(
            settled=tally["settled"],
            unknown=tally["unknown"],
            postponed=tally["postponed"],
            failed=tally["failed"],
        )

    def _sweep_tenant(self, tenant: Tenant, repair: "_Repair", *, now_ms: int) -> None:
        try:
            for account in self.ledger.lanes(tenant):
                for hold in account.holds.values():
                    if _age_ms(hold, now_ms) >= self.hold_life_ms:
                        repair.request(tenant.tenant_id, hold)
        except StoreUnavailableError:
            repair.tally["failed"] += 1


class _Repair:
    """One sweep; a request that cannot be repaired stands in no other's way."""

    def __init__(self, ports: Sweeping, *, now_ms: int, is_out_of_time: Callable[[], bool]) -> None:
        self.tally: Counter[str] = Counter()
        self._ports = ports
        self._now_ms = now_ms
        self._is_out_of_time = is_out_of_time
        self._failures_in_a_row = 0

    def request(self, tenant_id: TenantId, hold: Hold) -> None:
        """Record what a request cost, and settle it."""
        if self._is_out_of_time():
            self.tally["postponed"] += 1
            return
        try:
            self._settle(tenant_id, hold, self._generation(hold))
        except ProviderError:
            self.tally["postponed"] += 1
        except StoreUnavailableError:
            self.tally["failed"] += 1

    def _generation(self, hold: Hold) -> ArchivedGeneration | None:
        if hold.upstream_generation_id is None:
            return None
        try:
            return self._asked(hold.upstream_generation_id)
        except ProviderError:
            if _age_ms(hold, self._now_ms) < GIVE_UP_MS:
                raise
            return None

    def _asked(self, upstream_generation_id: str) -> ArchivedGeneration | None:
        if self._failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
            raise ProviderError("Upstream's ledger is out of reach.", cost_is_zero=False)
        self._failures_in_a_row += 1
        generation = self._ports.archive.generation(upstream_generation_id)
        self._failures_in_a_row = 0
        return generation

    def _settle(
        self, tenant_id: TenantId, hold: Hold, generation: ArchivedGeneration | None
    ) -> None:
        ledger, holds = self._ports.ledger, self._holds(tenant_id, hold)
        record = self._record(tenant_id, hold, generation, holds=holds)
        settled = settle_record(ledger, record, holds=holds, now_ms=self._now_ms)
        if settled.was_open:
            self.tally["settled"] += 1
            self.tally["unknown"] += settled.record.status is RecordStatus.UNKNOWN

    def _holds(self, tenant_id: TenantId, hold: Hold) -> Holds:
        """Find the request's holds: a crash may have come before the lower ones were taken."""
        found = {
            account_id: self._ports.ledger.held(account_id, hold.generation_id)
            for account_id in accounts_below(tenant_id, hold).values()
        }
        taken = {account_id: held for account_id, held in found.items() if held is not None}
        return {tenant_account(tenant_id): hold, **taken}

    def _record(
        self,
        tenant_id: TenantId,
        hold: Hold,
        generation: ArchivedGeneration | None,
        *,
        holds: Holds,
    ) -> UsageRecord:
        usage = generation.usage if generation else NO_USAGE
        model = (generation.model if generation else None) or hold.model
        plan = self._ports.plans.plan(tenant_id, version=hold.plan_version)
        return UsageRecord(
            tenant_id=tenant_id,
            generation_id=hold.generation_id,
            status=RecordStatus.INTERRUPTED if generation else RecordStatus.UNKNOWN,
            source=RecordSource.SWEEP,
            usage=usage,
            price_nano_usd=price(usage, model=model, plan=plan),
            plan_version=hold.plan_version,
            estimate_nano_usd=hold.estimate_nano_usd,
            key_id=hold.key_id,
            end_user=hold.end_user,
            levels=_levels_held(tenant_id, hold, holds),
            model=model,
            upstream_generation_id=hold.upstream_generation_id,
            provider=generation.provider if generation else None,
            finish_reason=generation.finish_reason if generation else None,
        )


def _levels_held(tenant_id: TenantId, hold: Hold, holds: Holds) -> frozenset[Level]:
    """Return the levels that the request was really held on."""
    below = accounts_below(tenant_id, hold)
    return frozenset(level for level, account_id in below.items() if account_id in holds)


def _age_ms(hold: Hold, now_ms: int) -> int:
    return now_ms - generations.created_s(hold.generation_id) * _MS_PER_S
