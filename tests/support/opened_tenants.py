"""Parts of a tenant, each written alone: tests of the ledger need no profile, others no account."""

from weir.adapters.dynamodb.credits import opened_lanes
from weir.adapters.dynamodb.tenants import DynamoDBTenants, new_tenant_rows
from weir.adapters.dynamodb.wire import DynamoDB, applied
from weir.domain.limits import AccountLimits
from weir.domain.tenants import Tenant, TenantId


class PutTenants(DynamoDBTenants):
    """The tenants, with a write of the control table alone."""

    def put(self, tenant: Tenant) -> bool:
        """Store profile, directory and plan; False when there is such a tenant."""
        return self._table.write([self._table.new(row) for row in new_tenant_rows(tenant)])


def open_lanes(
    db: DynamoDB,
    *,
    table: str,
    tenant_id: TenantId,
    credit_nano_usd: int,
    limits: AccountLimits | None = None,
    lanes: int = 1,
) -> bool:
    """Open every lane of a tenant's account with credit; False when one is open already."""
    opened = opened_lanes(
        tenant_id,
        table=table,
        credit_nano_usd=credit_nano_usd,
        limits=limits or AccountLimits(),
        lanes=lanes,
    )
    return applied(db, "TransactWriteItems", {"TransactItems": opened})
