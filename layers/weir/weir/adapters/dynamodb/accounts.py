"""The conditional writes of account items: every change of a balance is one of them.

A condition compares stored values only, because DynamoDB's conditions cannot calculate: what is
available, and what is left of a month, are therefore stored as remaining amounts.
"""

from weir.adapters.dynamodb import schema
from weir.adapters.dynamodb.account_items import decode_account, encode_hold
from weir.adapters.dynamodb.counters import StaleCounters
from weir.adapters.dynamodb.schema import integer, text
from weir.adapters.dynamodb.wire import ConditionFailedError, DynamoDB, Item, applied, unavailable
from weir.domain import generations, periods
from weir.domain.accounts import Account, AccountId, AccountStatus
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold, Reservation
from weir.domain.money import NanoUsd
from weir.domain.refusals import refusal

# A suspended account takes no new hold; open ones settle as ever.
IS_ACTIVE = "st = :active"
# Holds, not requests, are counted: a crashed request occupies its place until it is swept.
IN_FLIGHT_BELOW_LIMIT = "infl < maxc"
# The first request of a minute has no counter yet; a limit of nothing refuses it as well.
REQUESTS_BELOW_LIMIT = "((attribute_not_exists(#w) AND rpm > :zero) OR #w < rpm)"
# Compares what was counted before, so one request may pass the limit: its size is not refused.
TOKENS_BELOW_LIMIT = "((attribute_not_exists(#t) AND tpm > :zero) OR #t < tpm)"
# The first request of a month has no remainder yet and is measured against the limit itself.
MONTH_COVERS_ESTIMATE = "((attribute_not_exists(#m) AND mlim >= :estimate) OR #m >= :estimate)"
CREDIT_COVERS_ESTIMATE = "avail >= :estimate"
# A retry whose first attempt was applied finds its own hold here and must not take a second.
HOLD_IS_NEW = "attribute_not_exists(holds.#id)"
# The hold is the token of the right to settle: who removes it has settled, once.
HOLD_IS_OPEN = "attribute_exists(holds.#id)"
ADMITTED = (
    f"{IS_ACTIVE} AND {IN_FLIGHT_BELOW_LIMIT} AND {REQUESTS_BELOW_LIMIT} AND {TOKENS_BELOW_LIMIT}"
    f" AND {MONTH_COVERS_ESTIMATE} AND {CREDIT_COVERS_ESTIMATE} AND {HOLD_IS_NEW}"
)

RESERVE = (
    "SET avail = avail - :estimate, infl = infl + :one, seq = seq + :one, "
    "#w = if_not_exists(#w, :zero) + :one, #t = if_not_exists(#t, :zero) + :tokens, "
    "#m = if_not_exists(#m, mlim) - :estimate, #n = if_not_exists(#n, :zero) + :one, "
    "holds.#id = :hold"
)
CHECKPOINT = "SET holds.#id = :hold"
SETTLE = (
    "SET avail = avail + :back, infl = infl - :one, spent = spent + :cost, #m = #m + :back, "
    "#c = if_not_exists(#c, :zero) + :cost REMOVE holds.#id"
)


class AccountItems:
    """Writes the items of the accounts table.

    Args:
        db: The transport.
        table: Name of the accounts table.
        stale: Remembers which minute counters may be removed; see `StaleCounters`.
    """

    def __init__(self, db: DynamoDB, *, table: str, stale: StaleCounters) -> None:
        self._db = db
        self._table = table
        self._stale = stale

    def reserve(self, account_id: AccountId, *, reservation: Reservation) -> Account:
        """Check every limit and take the hold in one write.

        Raises:
            WeirError: The account refuses; see `weir.domain.refusals`.
            StoreUnavailableError: The table cannot be reached.
        """
        payload = _reserve_payload(account_id, reservation)
        try:
            answer = self._db.call("UpdateItem", {"TableName": self._table, **payload})
        except ConditionFailedError as failed:
            return _explained(failed.item, reservation)
        account = decode_account(answer["Attributes"])
        self._stale.note(account)
        return account

    def checkpoint(self, account_id: AccountId, *, hold: Hold) -> bool:
        """Overwrite an open hold by one that knows upstream's id; False when it is gone."""
        return applied(
            self._db,
            "UpdateItem",
            {
                "TableName": self._table,
                "Key": _key_of(account_id, hold.generation_id),
                "UpdateExpression": CHECKPOINT,
                "ConditionExpression": HOLD_IS_OPEN,
                "ExpressionAttributeNames": {"#id": schema.hold_name(hold.generation_id)},
                "ExpressionAttributeValues": {":hold": text(encode_hold(hold))},
            },
        )

    def settle(
        self, account_id: AccountId, *, hold: Hold, cost_nano_usd: NanoUsd, now_ms: int
    ) -> bool:
        """Replace an open hold by the cost; False when it is gone: it was settled before."""
        lane = generations.lane(hold.generation_id)
        stale = self._stale.names(account_id, lane=lane, now_ms=now_ms)
        payload = _settle_payload(account_id, hold, cost_nano_usd, stale)
        return applied(self._db, "UpdateItem", {"TableName": self._table, **payload})


def _reserve_payload(account_id: AccountId, reservation: Reservation) -> Item:
    hold, minute = reservation.hold, periods.minute(reservation.now_ms)
    generation_id = hold.generation_id
    return {
        "Key": _key_of(account_id, generation_id),
        "UpdateExpression": RESERVE,
        "ConditionExpression": ADMITTED,
        "ExpressionAttributeNames": {
            "#w": schema.minute_requests(minute),
            "#t": schema.minute_tokens(minute),
            "#m": schema.month_remainder(periods.month(generation_id)),
            "#n": schema.day_requests(periods.day(generation_id)),
            "#id": schema.hold_name(generation_id),
        },
        "ExpressionAttributeValues": {
            ":active": text(AccountStatus.ACTIVE),
            ":estimate": integer(hold.estimate_nano_usd),
            ":tokens": integer(reservation.tokens),
            ":hold": text(encode_hold(hold)),
            ":one": integer(1),
            ":zero": integer(0),
        },
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _settle_payload(
    account_id: AccountId, hold: Hold, cost_nano_usd: NanoUsd, stale: tuple[str, ...]
) -> Item:
    generation_id = hold.generation_id
    removed = {f"#x{place}": name for place, name in enumerate(stale)}
    return {
        "Key": _key_of(account_id, generation_id),
        "UpdateExpression": ", ".join((SETTLE, *removed)),
        "ConditionExpression": HOLD_IS_OPEN,
        "ExpressionAttributeNames": {
            "#m": schema.month_remainder(periods.month(generation_id)),
            "#c": schema.day_cost(periods.day(generation_id)),
            "#id": schema.hold_name(generation_id),
            **removed,
        },
        "ExpressionAttributeValues": {
            ":back": integer(hold.estimate_nano_usd - cost_nano_usd),
            ":cost": integer(cost_nano_usd),
            ":one": integer(1),
            ":zero": integer(0),
        },
    }


def _explained(item: Item, reservation: Reservation) -> Account:
    """Tell from the item why the reserve write failed: a refusal, or our own earlier attempt."""
    account = decode_account(item) if item else None
    if account and reservation.hold.generation_id in account.holds:
        return account
    # An item that nothing here speaks against was refused by a rule this version does not know.
    error = refusal(account, reservation=reservation) or unavailable()
    raise error


def _key_of(account_id: AccountId, generation_id: GenerationId) -> Item:
    return schema.account_key(account_id, lane=generations.lane(generation_id))
