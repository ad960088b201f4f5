"""The operator's writes of accounts: opening a tenant's, adding credit, suspending.

A tenant's account may have several lanes; what is written to all of them is one transaction.
"""

from collections.abc import Sequence

from weir.adapters.dynamodb.account_items import new_account
from weir.adapters.dynamodb.schema import account_key, grant_key, integer, number, text
from weir.adapters.dynamodb.wire import (
    ConditionFailedError,
    DynamoDB,
    Item,
    applied,
)
from weir.domain.accounts import AccountId, AccountStatus, tenant_account
from weir.domain.errors import ConflictError, NotFoundError
from weir.domain.limits import UNLIMITED, AccountLimits, portion, share
from weir.domain.tenants import TenantId

MAX_LANES = 99
"""A transaction takes a hundred writes, and the grant's own row is one of them."""

# Opening twice must not reset a balance.
ACCOUNT_IS_NEW = "attribute_not_exists(pk)"
ACCOUNT_EXISTS = "attribute_exists(pk)"
# A payment that is announced twice, or whose first answer was lost, counts once.
GRANT_IS_NEW = "attribute_not_exists(pk)"

GRANT = "SET avail = avail + :amount, credit = credit + :amount"
SET_STATUS = "SET st = :status"


def put_account(db: DynamoDB, *, table: str, item: Item) -> bool:
    """Create an account lane; False when it exists, and then nothing changes.

    Raises:
        StoreUnavailableError: The table cannot be reached.
    """
    payload = {"TableName": table, "Item": item, "ConditionExpression": ACCOUNT_IS_NEW}
    return applied(db, "PutItem", payload)


class DynamoDBCredits:
    """The tenants' accounts as the operator changes them.

    Args:
        db: The transport.
        accounts_table: Name of the accounts table.
        control_table: Name of the control table; it keeps a row of every grant.
    """

    def __init__(self, db: DynamoDB, *, accounts_table: str, control_table: str) -> None:
        self._db = db
        self._accounts = accounts_table
        self._control = control_table

    def open_tenant_account(
        self,
        tenant_id: TenantId,
        *,
        credit_nano_usd: int,
        limits: AccountLimits | None = None,
        lanes: int = 1,
    ) -> bool:
        """Open every lane of a tenant's account with its share of the credit and the limits.

        Args:
            tenant_id: Whose account.
            credit_nano_usd: Of all lanes together.
            limits: Of all lanes together; None: no limit.
            lanes: 1 to `MAX_LANES`.

        Returns:
            False when one of the lanes is open already; then nothing changes.

        Raises:
            ValueError: The number of lanes is out of range, or a limit would leave a lane with
                nothing: requests that only such lanes are tried for would be refused for ever.
            StoreUnavailableError: The ledger cannot be reached.
        """
        whole = limits or AccountLimits()
        _check_shares(whole, lanes)
        items = (
            new_account(
                tenant_account(tenant_id),
                lane=lane,
                credit_nano_usd=portion(credit_nano_usd, lane=lane, lanes=lanes),
                limits=share(whole, lane=lane, lanes=lanes),
            )
            for lane in _lanes(lanes)
        )
        return applied(
            self._db,
            "TransactWriteItems",
            {"TransactItems": [_put(self._accounts, item, ACCOUNT_IS_NEW) for item in items]},
        )

    def grant(
        self, tenant_id: TenantId, *, amount_nano_usd: int, reference: str, lanes: int, now_ms: int
    ) -> bool:
        """Add credit to all lanes, once per payment reference.

        Args:
            tenant_id: Whose account.
            amount_nano_usd: Of all lanes together, > 0.
            reference: The payment's; makes a repetition harmless.
            lanes: How many the account has.
            now_ms: Epoch milliseconds, kept with the grant.

        Returns:
            False when this payment was added before.

        Raises:
            ValueError: The amount or the number of lanes is out of range.
            ConflictError: The reference belongs to a payment of another amount.
            NotFoundError: The tenant has no account, or fewer lanes.
            StoreUnavailableError: The ledger cannot be reached.
        """
        if not 0 < amount_nano_usd < UNLIMITED:
            raise ValueError(f"a grant of {amount_nano_usd} nano-USD is outside 1..{UNLIMITED - 1}")
        row = {
            **grant_key(tenant_id, reference),
            "amt": integer(amount_nano_usd),
            "at": integer(now_ms),
        }
        portions = [portion(amount_nano_usd, lane=lane, lanes=lanes) for lane in _lanes(lanes)]
        updates = [
            self._added(tenant_id, lane, amount) for lane, amount in enumerate(portions) if amount
        ]
        try:
            self._transact([_put(self._control, row, GRANT_IS_NEW), *updates])
        except ConditionFailedError as failed:
            if failed.is_unmet(0):
                return _repeated(failed, amount_nano_usd)
            raise NotFoundError(f"The tenant {tenant_id} has no such account to credit.") from None
        return True

    def set_status(self, account_id: AccountId, *, status: AccountStatus, lane: int = 0) -> bool:
        """Suspend an account lane or make it active again; False when there is none.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        payload = {
            "TableName": self._accounts,
            "Key": account_key(account_id, lane=lane),
            "UpdateExpression": SET_STATUS,
            "ConditionExpression": ACCOUNT_EXISTS,
            "ExpressionAttributeValues": {":status": text(status)},
        }
        return applied(self._db, "UpdateItem", payload)

    def _added(self, tenant_id: TenantId, lane: int, amount: int) -> Item:
        update = {
            "TableName": self._accounts,
            "Key": account_key(tenant_account(tenant_id), lane=lane),
            "UpdateExpression": GRANT,
            "ConditionExpression": ACCOUNT_EXISTS,
            "ExpressionAttributeValues": {":amount": integer(amount)},
        }
        return {"Update": update}

    def _transact(self, writes: Sequence[Item]) -> None:
        self._db.call("TransactWriteItems", {"TransactItems": list(writes)})


def _put(table: str, item: Item, condition: str) -> Item:
    put = {
        "TableName": table,
        "Item": item,
        "ConditionExpression": condition,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    return {"Put": put}


def _repeated(failed: ConditionFailedError, amount_nano_usd: int) -> bool:
    """Answer False to a repeated payment.

    Raises:
        ConflictError: The payment of that reference was another.
    """
    amount = number(failed.item, "amt")
    if amount != amount_nano_usd:
        raise ConflictError(
            f"This payment reference was used before, for {amount} nano-USD; "
            f"{amount_nano_usd} nano-USD needs a reference of its own."
        )
    return False


def _lanes(lanes: int) -> range:
    if not 1 <= lanes <= MAX_LANES:
        raise ValueError(f"an account of {lanes} lanes is outside 1..{MAX_LANES}")
    return range(lanes)


def _check_shares(limits: AccountLimits, lanes: int) -> None:
    """Refuse limits that do not leave every lane something; 0 closes them all, as it is meant to.

    Raises:
        ValueError: One is too small.
    """
    for name in ("in_flight", "requests_per_minute", "tokens_per_minute"):
        if 0 < getattr(limits, name) < lanes:
            raise ValueError(f"{name} of {getattr(limits, name)} does not reach for {lanes} lanes")
