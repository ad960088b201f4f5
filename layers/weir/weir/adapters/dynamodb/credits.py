"""Writes of tenants' accounts: opening one, adding credit, suspending.

A tenant's account may have several lanes; what is written to all of them is one transaction.
"""

from collections.abc import Sequence

from weir.adapters.dynamodb.account_items import new_account
from weir.adapters.dynamodb.audit_items import encode_entry
from weir.adapters.dynamodb.control import ControlTable
from weir.adapters.dynamodb.control_items import tenant_rows
from weir.adapters.dynamodb.schema import (
    GRANTS,
    account_key,
    grant_key,
    integer,
    number,
    string,
    text,
)
from weir.adapters.dynamodb.wire import (
    ConditionFailedError,
    DynamoDB,
    Item,
    applied,
)
from weir.domain.accounts import AccountId, AccountStatus, tenant_account
from weir.domain.audit_log import AuditEntry
from weir.domain.errors import ConflictError, NotFoundError
from weir.domain.limits import MAX_LANES, UNLIMITED, AccountLimits, portion, share, short_limit
from weir.domain.money import NanoUsd, usd_text
from weir.domain.tenant_registers import Grant
from weir.domain.tenants import Tenant, TenantId

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

    def grant(
        self, tenant: Tenant, *, amount_nano_usd: int, reference: str, entry: AuditEntry
    ) -> bool:
        """Add credit to all lanes, once per payment reference; see `Grants`.

        Raises:
            ValueError: The amount or the number of lanes is out of range.
            ConflictError: The reference belongs to a payment of another amount.
            NotFoundError: The tenant has no account, or fewer lanes.
            StoreUnavailableError: The ledger cannot be reached.
        """
        if not 0 < amount_nano_usd < UNLIMITED:
            raise ValueError(f"a grant of {amount_nano_usd} nano-USD is outside 1..{UNLIMITED - 1}")
        tenant_id, lanes = tenant.tenant_id, tenant.lanes
        row = {
            **grant_key(tenant_id, reference),
            "ref": text(reference),
            "amt": integer(amount_nano_usd),
            "at": integer(entry.at_ms),
        }
        portions = [portion(amount_nano_usd, lane=lane, lanes=lanes) for lane in _lanes(lanes)]
        updates = [
            self._added(tenant_id, lane, amount) for lane, amount in enumerate(portions) if amount
        ]
        rows = row, encode_entry(entry)
        try:
            self._transact([*(_put(self._control, new, GRANT_IS_NEW) for new in rows), *updates])
        except ConditionFailedError as failed:
            if failed.is_unmet(0):
                return _repeated(failed, amount_nano_usd)
            raise NotFoundError(f"The tenant {tenant_id} has no such account to credit.") from None
        return True

    def grants(self, tenant_id: TenantId) -> Sequence[Grant]:
        """Return what was added to a tenant's account, the newest first; see `Grants`.

        Raises:
            MalformedItemError: A row is not what the schema writes.
        """
        rows = ControlTable(self._db, name=self._control).rows(
            tenant_rows(tenant_id), prefix=GRANTS
        )
        return sorted(map(_decode_grant, rows), key=lambda grant: grant.at_ms, reverse=True)

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


def opened_lanes(
    tenant_id: TenantId, *, table: str, credit_nano_usd: int, limits: AccountLimits, lanes: int
) -> list[Item]:
    """Return the parts of a transaction that open every lane of a tenant's account.

    Args:
        tenant_id: Whose account.
        table: Name of the accounts table.
        credit_nano_usd: Of all lanes together.
        limits: The same.
        lanes: 1 to `MAX_LANES`.

    Raises:
        ValueError: The number of lanes is out of range, or a limit would leave a lane with nothing.
    """
    short = short_limit(limits, lanes=lanes)
    if short is not None:
        raise ValueError(f"{short} of {getattr(limits, short)} does not reach for {lanes} lanes")
    items = (
        new_account(
            tenant_account(tenant_id),
            lane=lane,
            credit_nano_usd=portion(credit_nano_usd, lane=lane, lanes=lanes),
            limits=share(limits, lane=lane, lanes=lanes),
        )
        for lane in _lanes(lanes)
    )
    return [_put(table, item, ACCOUNT_IS_NEW) for item in items]


def _put(table: str, item: Item, condition: str) -> Item:
    put = {
        "TableName": table,
        "Item": item,
        "ConditionExpression": condition,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    return {"Put": put}


def _decode_grant(item: Item) -> Grant:
    return Grant(
        reference=string(item, "ref"),
        amount_nano_usd=NanoUsd(number(item, "amt")),
        at_ms=number(item, "at"),
    )


def _repeated(failed: ConditionFailedError, amount_nano_usd: int) -> bool:
    """Answer False to a repeated payment.

    Raises:
        ConflictError: The payment of that reference was another.
    """
    amount = number(failed.item, "amt")
    if amount != amount_nano_usd:
        raise ConflictError(
            f"This payment reference was used before, for {usd_text(NanoUsd(amount))} USD; "
            f"{usd_text(NanoUsd(amount_nano_usd))} USD needs a reference of its own."
        )
    return False


def _lanes(lanes: int) -> range:
    if not 1 <= lanes <= MAX_LANES:
        raise ValueError(f"an account of {lanes} lanes is outside 1..{MAX_LANES}")
    return range(lanes)
