"""The write of usage records: the immutable rows of the ledger."""

from weir.adapters.dynamodb.usage_items import decode_record, encode_record
from weir.adapters.dynamodb.wire import ConditionFailedError, DynamoDB
from weir.domain.usage import UsageRecord

# One row per request: the first writer wins, and the loser is told what the winner wrote.
RECORD_IS_NEW = "attribute_not_exists(pk)"


def put_record(db: DynamoDB, *, table: str, record: UsageRecord) -> UsageRecord:
    """Store a usage record unless there is one, and return the stored one.

    Raises:
        StoreUnavailableError: The table cannot be reached.
    """
    payload = {
        "TableName": table,
        "Item": encode_record(record),
        "ConditionExpression": RECORD_IS_NEW,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    try:
        db.call("PutItem", payload)
    except ConditionFailedError as failed:
        return decode_record(failed.item)
    return record
