"""The conditional write that takes a hold: no budget is escaped, because nothing else takes one.

A condition compares stored values only, because DynamoDB's conditions cannot calculate: what is
available, and what is left of a spending limit, are therefore stored as remaining amounts.
"""

from dataclasses import replace

from weir.adapters.dynamodb import schema
from weir.adapters.dynamodb.account_items import decode_account, decode_hold, encode_hold
from weir.adapters.dynamodb.counters import StaleCounters
from weir.adapters.dynamodb.schema import integer, text
from weir.adapters.dynamodb.wire import ConditionFailedError, DynamoDB, Item, unavailable
from weir.domain import periods
from weir.domain.accounts import Account, AccountId, AccountStatus, lane_of
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold, Reservation
from weir.domain.refusals import refusal

# A suspended account takes no new hold; open ones settle as ever.
IS_ACTIVE = "st = :active"
# Holds, not requests, are counted: a crashed request occupies its place until it is swept.
IN_FLIGHT_BELOW_LIMIT = "infl < maxc"
# The first request of a minute has no counter yet; a limit of nothing refuses it as well.
REQUESTS_BELOW_LIMIT = "((attribute_not_exists(#w) AND rpm > :zero) OR #w < rpm)"
# Compares what was counted before, so one request may pass the limit: its size is not refused.
TOKENS_BELOW_LIMIT = "((attribute_not_exists(#t) AND tpm > :zero) OR #t < tpm)"
# The name of the remainder follows from the limit's period, which the caller can only guess.
PERIOD_IS_AS_GUESSED = "per = :period"
# The first request of a period has no remainder yet and is measured against the limit itself.
LIMIT_COVERS_ESTIMATE = "((attribute_not_exists(#p) AND lim >= :estimate) OR #p >= :estimate)"
CREDIT_COVERS_ESTIMATE = "avail >= :estimate"
# A retry whose first attempt was applied finds its own hold here and must not take a second.
HOLD_IS_NEW = "attribute_not_exists(holds.#id)"
ADMITTED = (
    f"{IS_ACTIVE} AND {IN_FLIGHT_BELOW_LIMIT} AND {REQUESTS_BELOW_LIMIT} AND {TOKENS_BELOW_LIMIT}"
    f" AND {PERIOD_IS_AS_GUESSED} AND {LIMIT_COVERS_ESTIMATE} AND {CREDIT_COVERS_ESTIMATE}"
    f" AND {HOLD_IS_NEW}"
)

RESERVE = (
    "SET avail = avail - :estimate, infl = infl + :one, seq = seq + :one, "
    "#w = if_not_exists(#w, :zero) + :one, #t = if_not_exists(#t, :zero) + :tokens, "
    "#p = if_not_exists(#p, lim) - :estimate, #n = if_not_exists(#n, :zero) + :one, "
    "holds.#id = :hold"
)

# The caller's guess of the period, then what the item says; it changes when an operator changes it.
_GUESSES = 2


class AccountItems:
    """Takes holds on the items of the accounts table, and reads them.

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
        """Check every limit and take the hold: one write, two when the period was guessed wrong.

        Raises:
            WeirError: The account refuses; see `weir.domain.refusals`.
            StoreUnavailableError: The table cannot be reached.
        """
        for _ in range(_GUESSES):
            try:
                return self._reserved(account_id, reservation)
            except ConditionFailedError as failed:
                account = _explained(failed.item, reservation)
            if reservation.hold.generation_id in account.holds:
                return account
            hold = replace(reservation.hold, period=account.limits.period)
            reservation = replace(reservation, hold=hold)
        failure = unavailable()
        raise failure

    def read(self, account_id: AccountId, *, lane: int = 0) -> Account | None:
        """Return an account lane, consistently read, or None when there is none.

        Raises:
            StoreUnavailableError: The table cannot be reached.
        """
        return read_account(self._db, table=self._table, account_id=account_id, lane=lane)

    def held(self, account_id: AccountId, generation_id: GenerationId) -> Hold | None:
        """Return a request's open hold, consistently read, or None when there is none.

        Raises:
            StoreUnavailableError: The table cannot be reached.
        """
        name = schema.hold_name(generation_id)
        payload = {
            "TableName": self._table,
            "Key": key_of(account_id, generation_id),
            "ConsistentRead": True,
            "ProjectionExpression": "holds.#id",
            "ExpressionAttributeNames": {"#id": name},
        }
        holds = self._db.call("GetItem", payload).get("Item", {}).get("holds", {"M": {}})["M"]
        return decode_hold(generation_id, schema.string(holds, name)) if holds else None

    def _reserved(self, account_id: AccountId, reservation: Reservation) -> Account:
        payload = _reserve_payload(account_id, reservation)
        answer = self._db.call("UpdateItem", {"TableName": self._table, **payload})
        account = decode_account(answer["Attributes"])
        self._stale.note(account)
        return account


def read_account(
    db: DynamoDB, *, table: str, account_id: AccountId, lane: int = 0
) -> Account | None:
    """Return an account lane, consistently read, or None when there is none.

    Raises:
        StoreUnavailableError: The table cannot be reached.
    """
    key = schema.account_key(account_id, lane=lane)
    payload = {"TableName": table, "Key": key, "ConsistentRead": True}
    item = db.call("GetItem", payload).get("Item")
    return decode_account(item) if item else None


def key_of(account_id: AccountId, generation_id: GenerationId) -> Item:
    """Return the key of the account lane that carries a request."""
    return schema.account_key(account_id, lane=lane_of(account_id, generation_id))


def _reserve_payload(account_id: AccountId, reservation: Reservation) -> Item:
    hold, minute = reservation.hold, periods.minute(reservation.now_ms)
    generation_id = hold.generation_id
    return {
        "Key": key_of(account_id, generation_id),
        "UpdateExpression": RESERVE,
        "ConditionExpression": ADMITTED,
        "ExpressionAttributeNames": {
            "#w": schema.minute_requests(minute),
            "#t": schema.minute_tokens(minute),
            "#p": schema.period_remainder(periods.period_key(hold.period, generation_id)),
            "#n": schema.day_requests(periods.day(generation_id)),
            "#id": schema.hold_name(generation_id),
        },
        "ExpressionAttributeValues": {
            ":active": text(AccountStatus.ACTIVE),
            ":estimate": integer(hold.estimate_nano_usd),
            ":tokens": integer(reservation.tokens),
            ":period": text(hold.period),
            ":hold": text(encode_hold(hold)),
            ":one": integer(1),
            ":zero": integer(0),
        },
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _explained(item: Item, reservation: Reservation) -> Account:
    """Tell from the item why the write failed.

    Returns:
        The account, when it holds the request already (an earlier attempt whose answer was lost) or
        when the wrong guess of its period is all that speaks against the request.

    Raises:
        WeirError: The account refuses.
        StoreUnavailableError: It was refused by a rule this version does not know.
    """
    account, hold = (decode_account(item) if item else None), reservation.hold
    if account and hold.generation_id in account.holds:
        return account
    error = refusal(account, reservation=reservation)
    if error is None and account is not None and account.limits.period is not hold.period:
        return account
    error = error or unavailable()
    raise error
