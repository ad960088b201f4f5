"""The control table: its reads and writes of one row or of several at once, and the API keys."""

from collections.abc import Iterable, Iterator, Sequence

from weir.adapters.dynamodb.batches import rows_of
from weir.adapters.dynamodb.control_items import (
    KEY_IDS,
    api_key_key,
    decode_tenant,
    profile_key,
    tenant_rows,
)
from weir.adapters.dynamodb.key_items import decode_key, encode_key, encode_key_id
from weir.adapters.dynamodb.schema import present, string, text
from weir.adapters.dynamodb.wire import DynamoDB, Item, applied
from weir.domain.api_keys import ApiKey
from weir.domain.tenants import Tenant, TenantId

# What the table holds is created once; changing it is another operation than creating it.
ROW_IS_NEW = "attribute_not_exists(pk)"
ALL_ROWS = "pk = :pk"
ROWS_WITH_PREFIX = "pk = :pk AND begins_with(sk, :prefix)"


class ControlTable:
    """The rows of one control table.

    Args:
        db: The transport.
        name: Name of the table.
    """

    def __init__(self, db: DynamoDB, *, name: str) -> None:
        self._db = db
        self.name = name

    def row(self, key: Item, *, consistent: bool = True) -> Item:
        """Return a row; empty when there is none.

        Raises:
            StoreUnavailableError: The table cannot be reached.
        """
        payload = {"TableName": self.name, "Key": key, "ConsistentRead": consistent}
        found: Item = self._db.call("GetItem", payload).get("Item", {})
        return found

    def many(self, keys: Iterable[Item]) -> Iterator[Item]:
        """Yield the rows of these keys that there are, consistently read and in no order.

        Raises:
            StoreUnavailableError: They cannot be read, or not all of them in so many attempts.
        """
        return rows_of(self._db, table=self.name, keys=keys)

    def rows(self, partition: str, *, prefix: str | None = None) -> Iterator[Item]:
        """Yield the rows of a partition, consistently read: all, or those whose sk begins so.

        Raises:
            StoreUnavailableError: A page cannot be read.
        """
        for page in self._db.pages("Query", self._all(partition, prefix)):
            yield from page["Items"]

    def page(
        self,
        partition: str,
        *,
        prefix: str = "",
        beyond: Item | None,
        count: int,
        newest_first: bool = False,
    ) -> Sequence[Item]:
        """Return up to that many rows of a partition in order, those beyond a place in it.

        Args:
            partition: Which.
            prefix: What the sk of each begins with.
            beyond: Key of that place; there need not be such a row. None begins at the start.
            count: At most, > 0.
            newest_first: Goes backwards.

        Raises:
            StoreUnavailableError: They cannot be read.
        """
        payload = {
            **self._all(partition, prefix or None),
            "Limit": count,
            "ScanIndexForward": not newest_first,
        }
        if beyond is not None:
            payload["ExclusiveStartKey"] = beyond
        found: list[Item] = []
        # A page ends at 1 MB too.
        for page in self._db.pages("Query", payload):
            found += page["Items"]
            if len(found) >= count:
                break
        return found[:count]

    def new(self, row: Item) -> Item:
        """Return the part of a transaction that creates a row, if it is new."""
        return {"Put": {"TableName": self.name, "Item": row, "ConditionExpression": ROW_IS_NEW}}

    def write(self, parts: Sequence[Item]) -> bool:
        """Run a transaction; False when one of its conditions is not met: nothing changes.

        Raises:
            StoreUnavailableError: The table cannot be reached; all parts may be written, or none.
        """
        return applied(self._db, "TransactWriteItems", {"TransactItems": parts})

    def _all(self, partition: str, prefix: str | None) -> Item:
        values = {":pk": text(partition), ":prefix": None if prefix is None else text(prefix)}
        return {
            "TableName": self.name,
            "KeyConditionExpression": ALL_ROWS if prefix is None else ROWS_WITH_PREFIX,
            "ExpressionAttributeValues": present(values),
            "ConsistentRead": True,
        }


class DynamoDBKeys:
    """`ApiKeyStore` on DynamoDB, with the write that creates a key and the list of all keys.

    Args:
        db: The transport.
        control_table: Name of the control table.
    """

    def __init__(self, db: DynamoDB, *, control_table: str) -> None:
        self._table = ControlTable(db, name=control_table)

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with its tenant, or None when there is no such key; see `ApiKeyStore`.

        Two reads, not consistent: the caller caches the answer for longer than they lag.

        Raises:
            MalformedItemError: A row is not what the schema writes.
        """
        key = self._table.row(api_key_key(key_hash), consistent=False)
        if not key:
            return None
        profile = self._table.row(profile_key(TenantId(string(key, "tn"))), consistent=False)
        return decode_key(key, tenant=decode_tenant(profile)) if profile else None

    def put_key(self, api_key: ApiKey, *rows: Item) -> bool:
        """Create an API key of a tenant; False when it exists, and then nothing changes.

        Also False when another key of the tenant has the same key id, one in four billion: the
        caller mints again.

        Args:
            api_key: New.
            rows: Created with it, or not at all.

        Raises:
            StoreUnavailableError: The table cannot be reached.
        """
        created = encode_key(api_key), encode_key_id(api_key), *rows
        return self._table.write([self._table.new(row) for row in created])

    def keys_of(self, tenant: Tenant) -> Iterator[ApiKey]:
        """Yield every API key of a tenant, in no order, consistently read.

        Raises:
            StoreUnavailableError: They cannot be read.
            MalformedItemError: A row is not what the schema writes.
        """
        ids = self._table.rows(tenant_rows(tenant.tenant_id), prefix=KEY_IDS)
        for row in self._table.many(api_key_key(string(found, "h")) for found in ids):
            yield decode_key(row, tenant=tenant)
