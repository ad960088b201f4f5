"""The audit log in the control table: one immutable row an entry, beside what it tells of."""

from collections.abc import Sequence

from weir.adapters.dynamodb.audit_items import ENTRIES, decode_entry, entry_key
from weir.adapters.dynamodb.control import ControlTable
from weir.adapters.dynamodb.control_items import tenant_rows
from weir.adapters.dynamodb.wire import DynamoDB
from weir.domain.audit_log import AuditEntry
from weir.domain.tenants import TenantId


class DynamoDBAuditLog:
    """`AuditLog` on DynamoDB; entries are written with the changes they tell of.

    Args:
        db: The transport.
        control_table: Name of the control table.
    """

    def __init__(self, db: DynamoDB, *, control_table: str) -> None:
        self._table = ControlTable(db, name=control_table)

    def page(self, tenant_id: TenantId, *, before: str | None, count: int) -> Sequence[AuditEntry]:
        """Return entries of a tenant, the newest first; see `AuditLog`.

        Raises:
            MalformedItemError: A row is not what the schema writes.
        """
        rows = self._table.page(
            tenant_rows(tenant_id),
            prefix=ENTRIES,
            beyond=None if before is None else entry_key(tenant_id, before),
            count=count,
            newest_first=True,
        )
        return [decode_entry(row, tenant_id=tenant_id) for row in rows]
