"""Readings of parts of the usage table, consistent; and of the stream of its new rows."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from weir.adapters.dynamodb.schema import MalformedItemError, string, text, usage_key
from weir.adapters.dynamodb.usage_items import decode_record
from weir.adapters.dynamodb.wire import DynamoDB, Item
from weir.domain.rollups import BUCKET_S, Bucket
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord

# Sort keys begin with the second; the key without its random part is before all of that second.
RECORDS_BETWEEN = "pk = :pk AND sk BETWEEN :first AND :end"
RECORDS_OF_DAY = "pk = :pk"

logger = logging.getLogger(__name__)


class UsageQueries:
    """`UsagePartitions` on DynamoDB.

    Args:
        db: The transport.
        table: Name of the usage table.
    """

    def __init__(self, db: DynamoDB, *, table: str) -> None:
        self._db = db
        self._table = table

    def bucket(self, bucket: Bucket) -> Iterator[UsageRecord]:
        """Yield the records of a bucket; see `UsagePartitions`."""
        values = {
            ":pk": text(f"{bucket.tenant_id}#{bucket.day}#{bucket.lane}"),
            ":first": text(f"gen-{bucket.start_s:010d}-"),
            ":end": text(f"gen-{bucket.start_s + BUCKET_S:010d}-"),
        }
        return self._records(RECORDS_BETWEEN, values)

    def day(self, tenant_id: TenantId, *, day: str, lane: int) -> Iterator[UsageRecord]:
        """Yield the records of a lane's day; see `UsagePartitions`."""
        return self._records(RECORDS_OF_DAY, {":pk": text(f"{tenant_id}#{day}#{lane}")})

    def _records(self, condition: str, values: Item) -> Iterator[UsageRecord]:
        payload = {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ConsistentRead": True,
        }
        for page in self._db.pages("Query", payload):
            for item in page["Items"]:
                record = _read(item)
                if record is not None:
                    yield record


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One record of the stream.

    Attributes:
        sequence_number: Its place in the stream.
        record: The new row; None when it cannot be read.
    """

    sequence_number: str
    record: UsageRecord | None


def arrivals(event: dict[str, Any]) -> list[Arrival]:
    """Return the new rows of a batch of the usage table's stream, in order.

    Anything but an insertion is left out: that a row is given its `adjusted_by`, or expires,
    changes no sum.
    """
    return [
        Arrival(
            sequence_number=change["dynamodb"]["SequenceNumber"],
            record=_read(change["dynamodb"].get("NewImage", {})),
        )
        for change in event["Records"]
        if change["eventName"] == "INSERT"
    ]


def _read(item: Item) -> UsageRecord | None:
    """Return the record of a row; a row that is none is told to the log, and missed in the sums."""
    try:
        return _checked(item)
    except (ValueError, IndexError):
        # A bad row is somebody's mistake; the stack trace names the attribute.
        logger.exception("a row of the usage table is no usage record: %s", item.get("sk"))
        return None


def _checked(item: Item) -> UsageRecord:
    record = decode_record(item)
    if usage_key(record.tenant_id, record.generation_id)["pk"] != {"S": string(item, "pk")}:
        raise MalformedItemError(f"{record.generation_id} is in the partition of another day")
    return record
