"""The look-up of single usage records by their id."""

from weir.adapters.dynamodb.schema import usage_key
from weir.adapters.dynamodb.usage_items import decode_record
from weir.adapters.dynamodb.wire import DynamoDB
from weir.domain.generations import GenerationId
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord


class DynamoDBUsageRecords:
    """`UsageRecords` on DynamoDB.

    Args:
        db: The transport.
        usage_table: Name of the usage table.
    """

    def __init__(self, db: DynamoDB, *, usage_table: str) -> None:
        self._db = db
        self._table = usage_table

    def find(self, tenant_id: TenantId, generation_id: GenerationId) -> UsageRecord | None:
        """Return a request's usage record, or None when there is none; see `UsageRecords`.

        Raises:
            MalformedItemError: The item is not what the schema writes.
        """
        payload = {
            "TableName": self._table,
            "Key": usage_key(tenant_id, generation_id),
            "ConsistentRead": True,
        }
        item = self._db.call("GetItem", payload).get("Item")
        return decode_record(item) if item else None
