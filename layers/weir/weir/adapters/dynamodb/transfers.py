"""Moving credit between the lanes of a tenant's account: one transaction, once per id."""

from collections.abc import Callable

from weir.adapters.dynamodb.schema import account_key, integer, transfer_key
from weir.adapters.dynamodb.wire import DynamoDB, Item, applied
from weir.domain.accounts import tenant_account
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId

TRANSFER_IS_NEW = "attribute_not_exists(pk)"
# What is held or spent cannot move.
SOURCE_COVERS_AMOUNT = "avail >= :amount"
TARGET_EXISTS = "attribute_exists(pk)"

DEBIT = "SET avail = avail - :amount, credit = credit - :amount"
CREDIT = "SET avail = avail + :amount, credit = credit + :amount"

# How long a repetition is recognised; one that comes later moves credit between lanes once more.
REMEMBERED_S = 24 * 60 * 60
_MS_PER_S = 1_000


class DynamoDBTransfers:
    """`Transfers` on DynamoDB.

    Args:
        db: The transport.
        accounts_table: Name of the accounts table.
        ephemeral_table: Name of the ephemeral table; it remembers transfers for a day.
        now_ms: Tells epoch milliseconds.
    """

    def __init__(
        self,
        db: DynamoDB,
        *,
        accounts_table: str,
        ephemeral_table: str,
        now_ms: Callable[[], int],
    ) -> None:
        self._db = db
        self._accounts = accounts_table
        self._ephemeral = ephemeral_table
        self._now_ms = now_ms

    def transfer(
        self, tenant_id: TenantId, *, transfer_id: str, source: int, target: int, amount: NanoUsd
    ) -> bool:
        """Move credit once per transfer id, both lanes or none; see `Transfers`.

        Returns:
            False when it was moved before, the source does not have it, or a lane is missing.

        Raises:
            ValueError: The amount is not positive, or the lanes are the same.
        """
        if amount <= 0 or source == target:
            raise ValueError(f"{amount} nano-USD from lane {source} to {target} is no transfer")
        proof = {
            **transfer_key(tenant_id, transfer_id),
            "ttl": integer(self._now_ms() // _MS_PER_S + REMEMBERED_S),
        }
        put = {"TableName": self._ephemeral, "Item": proof, "ConditionExpression": TRANSFER_IS_NEW}
        writes = [
            {"Put": put},
            self._moved(tenant_id, source, amount, (DEBIT, SOURCE_COVERS_AMOUNT)),
            self._moved(tenant_id, target, amount, (CREDIT, TARGET_EXISTS)),
        ]
        return applied(self._db, "TransactWriteItems", {"TransactItems": writes})

    def _moved(
        self, tenant_id: TenantId, lane: int, amount: NanoUsd, expressions: tuple[str, str]
    ) -> Item:
        update = {
            "TableName": self._accounts,
            "Key": account_key(tenant_account(tenant_id), lane=lane),
            "UpdateExpression": expressions[0],
            "ConditionExpression": expressions[1],
            "ExpressionAttributeValues": {":amount": integer(amount)},
        }
        return {"Update": update}
