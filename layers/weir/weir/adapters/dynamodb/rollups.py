"""The rollups table: cells, closes, marks of published alerts. Items are in `rollup_items`."""

from collections.abc import Iterator
from itertools import groupby

from weir.adapters.dynamodb import rollup_items as items
from weir.adapters.dynamodb.schema import integer, text
from weir.adapters.dynamodb.wire import DynamoDB, Item, applied
from weir.domain.alerts import Alert
from weir.domain.closes import Close
from weir.domain.rollups import Bucket, BucketFigure, Cell, DayFigure, Family, Sums, days_between
from weir.domain.tenants import TenantId

# Rows of the usage table are only ever added, so sums of fewer rows are those of an earlier reading
# that arrived late.
CELL_IS_NOT_OLDER = "attribute_not_exists(pk) OR n <= :n"

# The first close stands: a day that is closed does not change.
CLOSE_IS_NEW = "attribute_not_exists(pk)"

ROWS_BETWEEN = "pk = :pk AND sk BETWEEN :first AND :last"


class DynamoDBRollups:
    """`Rollups`, `RollupReader` and `AlertMarks` on DynamoDB.

    Args:
        db: The transport.
        table: Name of the rollups table.
    """

    def __init__(self, db: DynamoDB, *, table: str) -> None:
        self._db = db
        self._table = table

    def put_bucket(self, bucket: Bucket, *, cell: Cell, sums: Sums) -> bool:
        """Store a cell of a bucket; see `Rollups`."""
        return self._put_cell(items.bucket_key(bucket, cell), cell, sums)

    def put_day(self, tenant_id: TenantId, *, figure: DayFigure) -> bool:
        """Store a cell of a day; see `Rollups`."""
        return self._put_cell(items.day_key(tenant_id, figure), figure.cell, figure.sums)

    def put_close(self, close: Close) -> bool:
        """Store the close of a day; see `Rollups`."""
        payload = {
            "TableName": self._table,
            "Item": items.encode_close(close),
            "ConditionExpression": CLOSE_IS_NEW,
        }
        return applied(self._db, "PutItem", payload)

    def is_closed(self, tenant_id: TenantId, *, day: str) -> bool:
        """Tell whether a day is closed; see `Rollups`."""
        return self._exists(items.close_key(tenant_id, day))

    def is_marked(self, alert: Alert) -> bool:
        """Tell whether an alert has been published; see `AlertMarks`."""
        return self._exists(items.alert_key(alert))

    def mark(self, alert: Alert) -> None:
        """Remember that an alert has been published; see `AlertMarks`."""
        self._db.call("PutItem", {"TableName": self._table, "Item": items.alert_key(alert)})

    def closes(self, tenant_id: TenantId, *, first: str, last: str) -> Iterator[Close]:
        """Yield the closes of days; see `RollupReader`.

        Raises:
            MalformedItemError: An item is not what the schema writes.
        """
        for start, end in _months(first, last):
            between = items.close_range(first=start, last=end)
            for item in self._rows(items.month_key(tenant_id, start), between):
                yield items.decode_close(item)

    def days(
        self, tenant_id: TenantId, *, family: Family, first: str, last: str
    ) -> Iterator[DayFigure]:
        """Yield the cells of days; see `RollupReader`.

        Raises:
            MalformedItemError: An item is not what the schema writes.
        """
        for start, end in _months(first, last):
            between = items.day_range(family, first=start, last=end)
            for item in self._rows(items.month_key(tenant_id, start), between):
                yield items.decode_day(item)

    def buckets(
        self, tenant_id: TenantId, *, family: Family, first: str, last: str
    ) -> Iterator[BucketFigure]:
        """Yield the cells of buckets; see `RollupReader`.

        Raises:
            MalformedItemError: An item is not what the schema writes.
        """
        for start, end in _months(first, last):
            between = items.bucket_range(family, first=start, last=end)
            for item in self._rows(items.month_key(tenant_id, start), between):
                yield items.decode_bucket(item)

    def _put_cell(self, key: Item, cell: Cell, sums: Sums) -> bool:
        payload = {
            "TableName": self._table,
            "Item": {**key, **items.encode_cell(cell, sums)},
            "ConditionExpression": CELL_IS_NOT_OLDER,
            "ExpressionAttributeValues": {":n": integer(sums.rows)},
        }
        return applied(self._db, "PutItem", payload)

    def _exists(self, key: Item) -> bool:
        payload = {"TableName": self._table, "Key": key, "ConsistentRead": True}
        return "Item" in self._db.call("GetItem", payload)

    def _rows(self, partition: str, between: tuple[str, str]) -> Iterator[Item]:
        payload = {
            "TableName": self._table,
            "KeyConditionExpression": ROWS_BETWEEN,
            "ExpressionAttributeValues": {
                ":pk": text(partition),
                ":first": text(between[0]),
                ":last": text(between[1]),
            },
            "ConsistentRead": True,
        }
        for page in self._db.pages("Query", payload):
            yield from page["Items"]


def _months(first: str, last: str) -> Iterator[tuple[str, str]]:
    """Cut a range of days at the ends of months: each one is a partition."""
    for _month, days in groupby(days_between(first, last), key=lambda day: day[:7]):
        run = list(days)
        yield run[0], run[-1]
