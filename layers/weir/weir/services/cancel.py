"""Cancel: ask a running request to stop; the request itself looks for it (ADR 0015)."""

from dataclasses import dataclass

from weir.domain.accounts import tenant_account
from weir.domain.errors import ConflictError, NotFoundError
from weir.domain.generations import GenerationId, is_well_formed
from weir.domain.ledgers import CreditLedger, UsageRecords
from weir.domain.ports import CancellationRequests
from weir.domain.tenants import TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelling:
    """Takes the wish of a tenant to stop one of its requests."""

    ledger: CreditLedger
    records: UsageRecords
    requests: CancellationRequests

    def cancel(self, tenant_id: TenantId, *, named: str, now_ms: int) -> GenerationId:
        """Ask a request to stop. It may end by itself before it notices.

        Args:
            tenant_id: Who asks.
            named: What the client calls the generation.
            now_ms: Epoch milliseconds.

        Raises:
            NotFoundError: No request of this tenant has that id.
            ConflictError: It has ended already.
            StoreUnavailableError: The ledger cannot be reached.
        """
        generation_id = GenerationId(named)
        if not (is_well_formed(named) and self._is_running(tenant_id, generation_id)):
            raise NotFoundError(f"Generation {named} not found")
        self.requests.cancel(tenant_id, generation_id, now_ms=now_ms)
        return generation_id

    def _is_running(self, tenant_id: TenantId, generation_id: GenerationId) -> bool:
        # In this order: a request is recorded before its hold goes, so one that ends meanwhile is
        # found by the second question.
        hold = self.ledger.held(tenant_account(tenant_id), generation_id)
        if self.records.find(tenant_id, generation_id) is not None:
            raise ConflictError(f"Generation {generation_id} has already finished")
        return hold is not None
