"""Generations: what a tenant's own ledger tells of one of its requests."""

from weir.domain.errors import NotFoundError
from weir.domain.generations import GenerationId, is_well_formed
from weir.domain.ledgers import UsageRecords
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord, adjusted


def find_generation(records: UsageRecords, tenant_id: TenantId, *, named: str) -> UsageRecord:
    """Return the usage record of a request, with what was found out about its cost later.

    Args:
        records: The ledger.
        tenant_id: Who asks.
        named: What the client calls the generation.

    Raises:
        NotFoundError: No ended request of this tenant has that id.
        StoreUnavailableError: The ledger cannot be reached.
    """
    generation_id = GenerationId(named)
    record = records.find(tenant_id, generation_id) if is_well_formed(named) else None
    if record is None or record.is_adjustment:
        raise NotFoundError(f"Generation {named} not found")
    if record.adjusted_by is None:
        return record
    # It is written in the same transaction as its name here.
    adjustment = records.find(tenant_id, record.adjusted_by)
    assert adjustment is not None, f"the adjustment of {generation_id} is missing"
    return adjusted(record, by=adjustment)
