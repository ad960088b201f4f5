"""Cancellations in the ephemeral table: a row says that a request is to stop."""

from weir.adapters.dynamodb.schema import cancellation_key, integer
from weir.adapters.dynamodb.wire import DynamoDB
from weir.domain.generations import GenerationId
from weir.domain.tenants import TenantId

# Longer than any request lives; after that nobody looks.
KEPT_S = 24 * 60 * 60

_MS_PER_S = 1_000


class DynamoDBCancellations:
    """`Cancellations` for the running request, `CancellationRequests` for whoever stops it.

    Args:
        db: The transport.
        ephemeral_table: Name of the ephemeral table.
    """

    def __init__(self, db: DynamoDB, *, ephemeral_table: str) -> None:
        self._db = db
        self._table = ephemeral_table

    def cancel(self, tenant_id: TenantId, generation_id: GenerationId, *, now_ms: int) -> None:
        """Leave the wish; see `CancellationRequests`."""
        ttl = integer(now_ms // _MS_PER_S + KEPT_S)
        item = {**cancellation_key(tenant_id, generation_id), "ttl": ttl}
        self._db.call("PutItem", {"TableName": self._table, "Item": item})

    def is_cancelled(self, tenant_id: TenantId, generation_id: GenerationId) -> bool:
        """Look for it; see `Cancellations`. Eventually consistent: the next look is soon."""
        key = cancellation_key(tenant_id, generation_id)
        return "Item" in self._db.call("GetItem", {"TableName": self._table, "Key": key})
