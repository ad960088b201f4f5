"""The one row the reconciliation keeps: where the comparison with upstream began.

In the rollups table, pk `RECONCILIATION`, sk `BASELINE` (a tenant's keys end in a month, so none is
like it): `sd` day of the first comparison, `fd` day from which on our costs count, `ours` what to
take off their sum, `up` upstream's total in the beginning; nano-USD.
"""

from weir.adapters.dynamodb.schema import integer, number, string, text
from weir.adapters.dynamodb.wire import DynamoDB, Item, applied
from weir.domain.money import NanoUsd
from weir.domain.reconciliation import Baseline

_KEY = {"pk": text("RECONCILIATION"), "sk": text("BASELINE")}

# Of two runs at once, the first to finish sets the beginning, or moves it on.
ROW_IS_NEW = "attribute_not_exists(pk)"
ROW_IS_AS_READ = "fd = :fd AND ours = :ours"


class DynamoDBBaselines:
    """Implements `Baselines`.

    Args:
        db: The transport.
        rollups_table: Name of the rollups table.
    """

    def __init__(self, db: DynamoDB, *, rollups_table: str) -> None:
        self._db = db
        self._table = rollups_table

    def load(self) -> Baseline | None:
        """Return the baseline, None before the first comparison.

        Raises:
            StoreUnavailableError: The table cannot be reached.
        """
        payload = {"TableName": self._table, "Key": _KEY, "ConsistentRead": True}
        item: Item = self._db.call("GetItem", payload).get("Item", {})
        return _decode(item) if item else None

    def store(self, baseline: Baseline, *, previous: Baseline | None) -> bool:
        """Replace the previous baseline; False when somebody else has replaced it.

        Raises:
            StoreUnavailableError: The table cannot be reached.
        """
        payload: Item = {"TableName": self._table, "Item": _encode(baseline)}
        if previous is None:
            payload["ConditionExpression"] = ROW_IS_NEW
        else:
            payload["ConditionExpression"] = ROW_IS_AS_READ
            payload["ExpressionAttributeValues"] = {
                ":fd": text(previous.first_day),
                ":ours": integer(previous.ours_nano_usd),
            }
        return applied(self._db, "PutItem", payload)


def _encode(baseline: Baseline) -> Item:
    return {
        **_KEY,
        "sd": text(baseline.started_day),
        "fd": text(baseline.first_day),
        "ours": integer(baseline.ours_nano_usd),
        "up": integer(baseline.upstream_nano_usd),
    }


def _decode(item: Item) -> Baseline:
    return Baseline(
        started_day=string(item, "sd"),
        first_day=string(item, "fd"),
        ours_nano_usd=number(item, "ours"),
        upstream_nano_usd=NanoUsd(number(item, "up")),
    )
