"""The API keys of tenants as their owners manage them: found, changed, replaced, deleted."""

from collections.abc import Iterator, Mapping

from weir.adapters.dynamodb.audit_items import encode_entry
from weir.adapters.dynamodb.control import ControlTable, DynamoDBKeys
from weir.adapters.dynamodb.control_items import KEY_IDS, api_key_key, key_id_key, tenant_rows
from weir.adapters.dynamodb.key_items import decode_key, encode_key, encode_key_id, key_id_of
from weir.adapters.dynamodb.schema import integer, string, text
from weir.adapters.dynamodb.wire import DynamoDB, Item
from weir.domain.api_keys import ApiKey, short_id
from weir.domain.audit_log import AuditEntry
from weir.domain.tenants import Tenant, TenantId

# Two changes at once, or a change of what is deleted meanwhile, must not both be written.
KEY_IS_AS_READ = "tn = :tenant AND up = :updated"
KEY_IS_UNCHANGED = "tn = :tenant AND attribute_not_exists(up)"
KEY_IS_THE_TENANTS = "tn = :tenant"


class DynamoDBKeyRegister:
    """`KeyRegister` on DynamoDB.

    Args:
        db: The transport.
        control_table: Name of the control table.
    """

    def __init__(self, db: DynamoDB, *, control_table: str) -> None:
        self._table = ControlTable(db, name=control_table)
        self._keys = DynamoDBKeys(db, control_table=control_table)

    def put_key(self, api_key: ApiKey, *, entry: AuditEntry) -> bool:
        """Create an API key; see `KeyRegister`."""
        return self._keys.put_key(api_key, encode_entry(entry))

    def keys_of(self, tenant: Tenant) -> Iterator[ApiKey]:
        """Yield every API key of a tenant; see `KeyRegister`.

        Raises:
            MalformedItemError: A row is not what the schema writes.
        """
        return self._keys.keys_of(tenant)

    def key_of(self, tenant: Tenant, *, key_hash: str) -> ApiKey | None:
        """Return one API key of a tenant; see `KeyRegister`.

        Raises:
            MalformedItemError: The row is not what the schema writes.
        """
        row = self._table.row(api_key_key(key_hash))
        is_theirs = row and string(row, "tn") == tenant.tenant_id
        return decode_key(row, tenant=tenant) if is_theirs else None

    def note(self, entry: AuditEntry) -> None:
        """Write an entry alone; see `KeyRegister`."""
        self._table.write([self._entered(entry)])

    def change(self, api_key: ApiKey, *, changed: ApiKey, entry: AuditEntry) -> bool:
        """Store a changed API key; see `KeyRegister`."""
        return self._table.write([self._changed(api_key, changed), self._entered(entry)])

    def succeed(
        self, api_key: ApiKey, *, changed: ApiKey, successor: ApiKey, entry: AuditEntry
    ) -> bool:
        """Store a changed API key and its successor, both or none; see `KeyRegister`."""
        new_rows = encode_key(successor), encode_key_id(successor)
        parts = [self._changed(api_key, changed), *map(self._table.new, new_rows)]
        return self._table.write([*parts, self._entered(entry)])

    def delete(self, tenant_id: TenantId, *, key_hash: str, entry: AuditEntry) -> bool:
        """Delete an API key of a tenant; see `KeyRegister`."""
        delete = {
            "TableName": self._table.name,
            "Key": api_key_key(key_hash),
            "ConditionExpression": KEY_IS_THE_TENANTS,
            "ExpressionAttributeValues": {":tenant": text(tenant_id)},
        }
        return self._table.write([{"Delete": delete}, self._entered(entry)])

    def key_id_of(self, tenant_id: TenantId, *, key_hash: str) -> str | None:
        """Return what a key of a tenant is counted by; see `KeyRegister`.

        Raises:
            MalformedItemError: The row is not what the schema writes.
        """
        row = self._table.row(key_id_key(tenant_id, short_id(key_hash)))
        return key_id_of(row) if row and string(row, "h") == key_hash else None

    def hashes(self, tenant_id: TenantId) -> Mapping[str, str]:
        """Return the hash of the first key of every key id; see `KeyRegister`.

        Raises:
            MalformedItemError: A row is not what the schema writes.
        """
        rows = self._table.rows(tenant_rows(tenant_id), prefix=KEY_IDS)
        return {key_id_of(row): string(row, "h") for row in rows if "ki" not in row}

    def _entered(self, entry: AuditEntry) -> Item:
        return self._table.new(encode_entry(entry))

    def _changed(self, api_key: ApiKey, changed: ApiKey) -> Item:
        return {"Put": {"TableName": self._table.name, **_change(api_key, changed)}}


def _change(api_key: ApiKey, changed: ApiKey) -> Item:
    updated_ms = api_key.updated_ms
    values = {":tenant": text(api_key.tenant.tenant_id)}
    if updated_ms is not None:
        values[":updated"] = integer(updated_ms)
    return {
        "Item": encode_key(changed),
        "ConditionExpression": KEY_IS_UNCHANGED if updated_ms is None else KEY_IS_AS_READ,
        "ExpressionAttributeValues": values,
    }
