"""Changing the limits of an account while requests are in flight.

What is left of a spending limit is stored as a remaining amount, so a new limit moves it by the
difference. A limit of another period, or one whose period has not begun on this account, starts
from what was spent so far: the caller knows that from the usage records.
"""

from weir.adapters.dynamodb import schema
from weir.adapters.dynamodb.account_items import encode_limits
from weir.adapters.dynamodb.accounts import read_account
from weir.adapters.dynamodb.schema import account_key, integer, text
from weir.adapters.dynamodb.wire import DynamoDB, Item, applied, unavailable
from weir.domain import periods
from weir.domain.accounts import Account, AccountId
from weir.domain.generations import RANDOM_BYTES, GenerationId, new_generation_id
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.tenant_changes import LaneChange

# Another change of the same limits came between; reading again finds it.
LIMITS_ARE_AS_READ = "lim = :old_limit AND per = :old_period"
# The period's first request may have come between.
REMAINDER_IS_OPEN = "attribute_exists(#p)"
REMAINDER_IS_NEW = "attribute_not_exists(#p)"

SET_LIMITS = "SET rpm = :rpm, tpm = :tpm, maxc = :maxc, lim = :lim, per = :per"
MOVE_REMAINDER = f"{SET_LIMITS}, #p = #p + :remainder"
SET_REMAINDER = f"{SET_LIMITS}, #p = :remainder"
AND_STATUS = ", st = :status"

_ATTEMPTS = 5


class DynamoDBLimits:
    """Changes limits.

    Args:
        db: The transport.
        accounts_table: Name of the accounts table.
    """

    def __init__(self, db: DynamoDB, *, accounts_table: str) -> None:
        self._db = db
        self._table = accounts_table

    def set_limits(
        self,
        account_id: AccountId,
        *,
        limits: AccountLimits,
        now_ms: int,
        spent_nano_usd: NanoUsd = NanoUsd(0),
        lane: int = 0,
    ) -> bool:
        """Give an account lane other limits; the next request is measured against them.

        A spending limit of the same period goes on counting. One of another period counts
        `spent_nano_usd` and the holds that are open, whole: what such a hold gives back when it is
        settled belongs to the period it was taken in. A request admitted in the very moment of the
        change may count in the old period alone.

        Args:
            account_id: Whose limits.
            limits: Of this lane.
            now_ms: Epoch milliseconds.
            spent_nano_usd: Settled so far in the current period of the new limit.
            lane: Of a tenant's account.

        Returns:
            False when there is no such account.

        Raises:
            StoreUnavailableError: The ledger cannot be reached, or others change the same limits.
        """
        for _ in range(_ATTEMPTS):
            account = read_account(self._db, table=self._table, account_id=account_id, lane=lane)
            if account is None:
                return False
            update = limit_update(
                account, limits=limits, spent_nano_usd=spent_nano_usd, now_ms=now_ms
            )
            if applied(self._db, "UpdateItem", {"TableName": self._table, **update}):
                return True
        failure = unavailable()
        raise failure


def limit_update(
    account: Account, *, limits: AccountLimits, spent_nano_usd: NanoUsd, now_ms: int
) -> Item:
    """Return the update that gives an account lane other limits; see `DynamoDBLimits.set_limits`.

    Its condition is that limits and period are as they were read.

    Args:
        account: As it was read.
        limits: Of this lane.
        spent_nano_usd: Settled so far in the current period of the new limit.
        now_ms: Epoch milliseconds.
    """
    old, now = account.limits, _arriving(now_ms)
    key = periods.period_key(limits.period, now)
    same_period = limits.period is old.period
    if same_period and key in account.remaining_by_period:
        update, guard = MOVE_REMAINDER, REMAINDER_IS_OPEN
        remainder = limits.spend_nano_usd - old.spend_nano_usd
    else:
        update = SET_REMAINDER
        guard = REMAINDER_IS_NEW if same_period else ""
        remainder = limits.spend_nano_usd - spent_nano_usd - _held(account, limits, key)
    return {
        "Key": account_key(account.account_id, lane=account.lane),
        "UpdateExpression": update,
        "ConditionExpression": " AND ".join(filter(None, (LIMITS_ARE_AS_READ, guard))),
        "ExpressionAttributeNames": {"#p": schema.period_remainder(key)},
        "ExpressionAttributeValues": {
            **{f":{name}": value for name, value in encode_limits(limits).items()},
            ":old_limit": integer(old.spend_nano_usd),
            ":old_period": text(old.period),
            ":remainder": integer(remainder),
        },
    }


def lane_update(change: LaneChange, *, now_ms: int) -> Item:
    """Return the update that gives a lane of a tenant's account its limits and its status."""
    update = limit_update(
        change.account,
        limits=change.limits,
        spent_nano_usd=change.spent_nano_usd,
        now_ms=now_ms,
    )
    values = {**update["ExpressionAttributeValues"], ":status": text(change.status)}
    return {
        **update,
        "UpdateExpression": update["UpdateExpression"] + AND_STATUS,
        "ExpressionAttributeValues": values,
    }


def _held(account: Account, limits: AccountLimits, key: str) -> int:
    """Sum the open holds of requests that arrived in a period."""
    return sum(
        hold.estimate_nano_usd
        for hold in account.holds.values()
        if periods.period_key(limits.period, hold.generation_id) == key
    )


def _arriving(now_ms: int) -> GenerationId:
    """Name a request that would arrive now: periods follow from requests' ids."""
    return new_generation_id(now_ms=now_ms, lane=0, random=bytes(RANDOM_BYTES))
