"""Leases in the ephemeral table: a row that lapses says that somebody is at it.

    LEASE#<SHA-256 of its name>   until epoch milliseconds   ttl epoch seconds

The time goes by `until`: DynamoDB may take days to remove a row whose ttl is over.
"""

import hashlib

from weir.adapters.dynamodb.schema import integer, text
from weir.adapters.dynamodb.wire import DynamoDB, applied

LEASE_IS_FREE = "attribute_not_exists(pk) OR #until <= :now"

_MS_PER_S = 1_000


class DynamoDBLeases:
    """Implements `Leases`.

    Args:
        db: The transport.
        ephemeral_table: Name of the ephemeral table.
    """

    def __init__(self, db: DynamoDB, *, ephemeral_table: str) -> None:
        self._db = db
        self._table = ephemeral_table

    def take(self, name: str, *, now_ms: int, for_ms: int) -> bool:
        """Take a lease that lapses by itself; see `Leases`.

        A lease whose acknowledgement is lost counts as somebody else's, and lapses.

        Raises:
            StoreUnavailableError: The table cannot be reached.
        """
        until_ms = now_ms + for_ms
        payload = {
            "TableName": self._table,
            "Item": {
                "pk": text(f"LEASE#{hashlib.sha256(name.encode()).hexdigest()}"),
                "until": integer(until_ms),
                "ttl": integer(until_ms // _MS_PER_S + 1),
            },
            "ConditionExpression": LEASE_IS_FREE,
            "ExpressionAttributeNames": {"#until": "until"},
            "ExpressionAttributeValues": {":now": integer(now_ms)},
        }
        return applied(self._db, "PutItem", payload)
