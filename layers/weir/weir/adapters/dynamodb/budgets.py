"""Accounts read for their limits and their credit."""

from collections.abc import Sequence

from weir.adapters.dynamodb.account_items import decode_account
from weir.adapters.dynamodb.schema import account_key
from weir.adapters.dynamodb.wire import DynamoDB, Item
from weir.domain.accounts import Account, AccountId, is_tenant_account


class AccountReader:
    """`Budgets` on DynamoDB.

    Args:
        db: The transport.
        table: Name of the accounts table.
    """

    def __init__(self, db: DynamoDB, *, table: str) -> None:
        self._db = db
        self._table = table

    def lanes(self, account_id: AccountId) -> Sequence[Account]:
        """Return every lane of an account; the first that is absent ends them. See `Budgets`.

        Raises:
            MalformedItemError: An item is not what the schema writes.
        """
        found: list[Account] = []
        while item := self._item(account_id, len(found)):
            found.append(decode_account(item))
            if not is_tenant_account(account_id):
                break
        return found

    def _item(self, account_id: AccountId, lane: int) -> Item:
        payload = {
            "TableName": self._table,
            "Key": account_key(account_id, lane=lane),
            "ConsistentRead": True,
        }
        found: Item = self._db.call("GetItem", payload).get("Item", {})
        return found
