"""The operator's writes of account items: opening one, adding credit, suspending."""

from weir.adapters.dynamodb.schema import grant_name, integer, text
from weir.adapters.dynamodb.wire import DynamoDB, Item, applied
from weir.domain.accounts import AccountStatus

# Opening twice must not reset a balance.
ACCOUNT_IS_NEW = "attribute_not_exists(pk)"
ACCOUNT_EXISTS = "attribute_exists(pk)"
# A payment that is announced twice, or whose first answer was lost, counts once.
GRANT_IS_NEW = "attribute_exists(pk) AND attribute_not_exists(grants.#reference)"

GRANT = "SET avail = avail + :amount, credit = credit + :amount, grants.#reference = :amount"


def put_account(db: DynamoDB, *, table: str, item: Item) -> bool:
    """Create an account lane; False when it exists, and then nothing changes."""
    payload = {"TableName": table, "Item": item, "ConditionExpression": ACCOUNT_IS_NEW}
    return applied(db, "PutItem", payload)


def add_credit(
    db: DynamoDB, *, table: str, key: Item, amount_nano_usd: int, reference: str
) -> bool:
    """Add credit once per reference; False when it was added before or there is no account."""
    payload = {
        "TableName": table,
        "Key": key,
        "UpdateExpression": GRANT,
        "ConditionExpression": GRANT_IS_NEW,
        "ExpressionAttributeNames": {"#reference": grant_name(reference)},
        "ExpressionAttributeValues": {":amount": integer(amount_nano_usd)},
    }
    return applied(db, "UpdateItem", payload)


def put_status(db: DynamoDB, *, table: str, key: Item, status: AccountStatus) -> bool:
    """Suspend an account lane or make it active again; False when there is none."""
    payload = {
        "TableName": table,
        "Key": key,
        "UpdateExpression": "SET st = :status",
        "ConditionExpression": ACCOUNT_EXISTS,
        "ExpressionAttributeValues": {":status": text(status)},
    }
    return applied(db, "UpdateItem", payload)
