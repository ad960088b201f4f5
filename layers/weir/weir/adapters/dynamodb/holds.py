"""The conditional writes of an open hold: note upstream's id, settle it, or undo it.

The hold is the token of the right to change the balance: who removes it has settled, once.
"""

from collections.abc import Callable

from weir.adapters.dynamodb import schema
from weir.adapters.dynamodb.account_items import decode_account, encode_hold
from weir.adapters.dynamodb.accounts import key_of
from weir.adapters.dynamodb.counters import StaleCounters
from weir.adapters.dynamodb.schema import integer, text
from weir.adapters.dynamodb.wire import ConditionFailedError, DynamoDB, Item, applied
from weir.domain import periods
from weir.domain.accounts import AccountId, lane_of
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold, Reservation
from weir.domain.money import NanoUsd

HOLD_IS_OPEN = "attribute_exists(holds.#id)"
# A hold's text begins with the period of the limit it counts in; what is given back goes there.
HOLD_IS_OPEN_IN_PERIOD = "begins_with(holds.#id, :period)"

CHECKPOINT = "SET holds.#id = :hold"
# A remainder is only ever gone when its period is over; then its value decides nothing any more.
SETTLE = (
    "SET avail = avail + :back, infl = infl - :one, spent = spent + :price, "
    "#p = if_not_exists(#p, lim) + :back, #c = if_not_exists(#c, :zero) + :price "
    "REMOVE holds.#id"
)
# The minute's counters may have been removed since; undoing leaves a zero then.
RELEASE = (
    "SET avail = avail + :estimate, infl = infl - :one, seq = seq - :one, "
    "#w = if_not_exists(#w, :one) - :one, #t = if_not_exists(#t, :tokens) - :tokens, "
    "#p = if_not_exists(#p, :zero) + :estimate, #n = if_not_exists(#n, :one) - :one "
    "REMOVE holds.#id"
)


class HoldItems:
    """Writes the open holds of account items.

    Args:
        db: The transport.
        table: Name of the accounts table.
        stale: Remembers which minute counters may be removed; see `StaleCounters`.
    """

    def __init__(self, db: DynamoDB, *, table: str, stale: StaleCounters) -> None:
        self._db = db
        self._table = table
        self._stale = stale

    def checkpoint(self, account_id: AccountId, *, hold: Hold) -> bool:
        """Overwrite an open hold by one that knows upstream's id; False when it is gone.

        Raises:
            StoreUnavailableError: The table cannot be reached.
        """
        payload = {
            "TableName": self._table,
            "Key": key_of(account_id, hold.generation_id),
            "UpdateExpression": CHECKPOINT,
            "ConditionExpression": HOLD_IS_OPEN,
            "ExpressionAttributeNames": {"#id": schema.hold_name(hold.generation_id)},
            "ExpressionAttributeValues": {":hold": text(encode_hold(hold))},
        }
        return applied(self._db, "UpdateItem", payload)

    def settle(
        self, account_id: AccountId, *, hold: Hold, price_nano_usd: NanoUsd, now_ms: int
    ) -> bool:
        """Replace an open hold by the price; False when it is gone: it was settled before.

        Raises:
            StoreUnavailableError: The table cannot be reached.
        """
        lane = lane_of(account_id, hold.generation_id)
        stale = self._stale.names(account_id, lane=lane, now_ms=now_ms)
        return self._closed(
            account_id, hold, lambda stored: _settlement(stored, price_nano_usd, stale)
        )

    def release(self, account_id: AccountId, *, hold: Hold, reservation: Reservation) -> bool:
        """Undo a reservation whole; False when its hold is gone.

        Raises:
            StoreUnavailableError: The table cannot be reached.
        """
        return self._closed(account_id, hold, lambda stored: _undoing(stored, reservation))

    def _closed(self, account_id: AccountId, hold: Hold, payload: Callable[[Hold], Item]) -> bool:
        """Remove an open hold; the caller may know it with a wrong guess of its period."""
        write = {
            "TableName": self._table,
            "Key": key_of(account_id, hold.generation_id),
            "ConditionExpression": HOLD_IS_OPEN_IN_PERIOD,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **payload(hold),
        }
        try:
            self._db.call("UpdateItem", write)
        except ConditionFailedError as failed:
            stored = _stored(failed.item, hold.generation_id)
            if stored is None or stored.period is hold.period:
                return False
            return self._closed(account_id, stored, payload)
        return True


def _settlement(hold: Hold, price_nano_usd: NanoUsd, stale: tuple[str, ...]) -> Item:
    removed = {f"#x{place}": name for place, name in enumerate(stale)}
    return {
        "UpdateExpression": ", ".join((SETTLE, *removed)),
        "ExpressionAttributeNames": {
            **_names(hold),
            "#c": schema.day_cost(periods.day(hold.generation_id)),
            **removed,
        },
        "ExpressionAttributeValues": {
            ":period": text(hold.period),
            ":back": integer(hold.estimate_nano_usd - price_nano_usd),
            ":price": integer(price_nano_usd),
            ":one": integer(1),
            ":zero": integer(0),
        },
    }


def _undoing(hold: Hold, reservation: Reservation) -> Item:
    minute = periods.minute(reservation.now_ms)
    return {
        "UpdateExpression": RELEASE,
        "ExpressionAttributeNames": {
            **_names(hold),
            "#n": schema.day_requests(periods.day(hold.generation_id)),
            "#w": schema.minute_requests(minute),
            "#t": schema.minute_tokens(minute),
        },
        "ExpressionAttributeValues": {
            ":period": text(hold.period),
            ":estimate": integer(hold.estimate_nano_usd),
            ":tokens": integer(reservation.tokens),
            ":one": integer(1),
            ":zero": integer(0),
        },
    }


def _names(hold: Hold) -> dict[str, str]:
    key = periods.period_key(hold.period, hold.generation_id)
    return {"#id": schema.hold_name(hold.generation_id), "#p": schema.period_remainder(key)}


def _stored(item: Item, generation_id: GenerationId) -> Hold | None:
    return decode_account(item).holds.get(generation_id) if item else None
