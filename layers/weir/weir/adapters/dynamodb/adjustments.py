"""Charging what was found out after a request was settled as unknown: one transaction."""

from weir.adapters.dynamodb import schema
from weir.adapters.dynamodb.accounts import read_account
from weir.adapters.dynamodb.schema import account_key, integer, text, usage_key
from weir.adapters.dynamodb.usage import RECORD_IS_NEW
from weir.adapters.dynamodb.usage_items import encode_record
from weir.adapters.dynamodb.wire import ConditionFailedError, DynamoDB, Item, unavailable
from weir.domain import periods
from weir.domain.accounts import (
    Account,
    AccountId,
    charged_accounts,
    is_tenant_account,
    lane_of,
)
from weir.domain.generations import GenerationId
from weir.domain.usage import RecordStatus, UsageRecord

# The one thing that is ever added to a row, and the proof that it was adjusted once.
IS_UNKNOWN_AND_UNADJUSTED = "st = :unknown AND attribute_not_exists(aj)"
# The limit's period names the remainder to charge; it was read a moment before.
PERIOD_IS_AS_READ = "per = :period"

NAME_ADJUSTMENT = "SET aj = :adjustment"
CHARGE = (
    "SET avail = avail - :price, spent = spent + :price, "
    "#c = if_not_exists(#c, :zero) + :price, #p = if_not_exists(#p, lim) - :price"
)

_ATTEMPTS = 5


class DynamoDBAdjustments:
    """`Adjustments` on DynamoDB.

    Args:
        db: The transport.
        accounts_table: Name of the accounts table.
        usage_table: Name of the usage table.
    """

    def __init__(self, db: DynamoDB, *, accounts_table: str, usage_table: str) -> None:
        self._db = db
        self._accounts = accounts_table
        self._usage = usage_table

    def adjust(self, adjustment: UsageRecord) -> bool:
        """Store an adjustment and charge its accounts, all or nothing; see `Adjustments`.

        The price counts on the adjustment's own day and in its own period. An account below the
        tenant's that is gone by now is left out.

        Returns:
            False when the request has been adjusted before, or did not end unknown.

        Raises:
            ValueError: The record does not say which request it adjusts.
            StoreUnavailableError: The ledger cannot be reached.
        """
        if adjustment.adjusts is None or not adjustment.is_adjustment:
            raise ValueError(f"{adjustment.generation_id} is no adjustment")
        records = [self._named(adjustment, adjustment.adjusts), self._stored(adjustment)]
        for _ in range(_ATTEMPTS):
            writes = [*records, *self._charges(adjustment)]
            try:
                self._db.call("TransactWriteItems", {"TransactItems": writes})
            except ConditionFailedError as failed:
                if failed.is_unmet(0):
                    return False
            else:
                return True
        failure = unavailable()
        raise failure

    def _named(self, adjustment: UsageRecord, adjusts: GenerationId) -> Item:
        update = {
            "TableName": self._usage,
            "Key": usage_key(adjustment.tenant_id, adjusts),
            "UpdateExpression": NAME_ADJUSTMENT,
            "ConditionExpression": IS_UNKNOWN_AND_UNADJUSTED,
            "ExpressionAttributeValues": {
                ":adjustment": text(adjustment.generation_id),
                ":unknown": text(RecordStatus.UNKNOWN),
            },
        }
        return {"Update": update}

    def _stored(self, adjustment: UsageRecord) -> Item:
        put = {
            "TableName": self._usage,
            "Item": encode_record(adjustment),
            "ConditionExpression": RECORD_IS_NEW,
        }
        return {"Put": put}

    def _charges(self, adjustment: UsageRecord) -> list[Item]:
        charges = []
        for account_id in charged_accounts(adjustment.tenant_id, adjustment):
            account = self._read(account_id, adjustment.generation_id)
            if account is not None:
                charges.append({"Update": self._charge(account, adjustment)})
            elif is_tenant_account(account_id):
                raise unavailable()
        return charges

    def _read(self, account_id: AccountId, generation_id: GenerationId) -> Account | None:
        lane = lane_of(account_id, generation_id)
        return read_account(self._db, table=self._accounts, account_id=account_id, lane=lane)

    def _charge(self, account: Account, adjustment: UsageRecord) -> Item:
        generation_id, period = adjustment.generation_id, account.limits.period
        return {
            "TableName": self._accounts,
            "Key": account_key(account.account_id, lane=account.lane),
            "UpdateExpression": CHARGE,
            "ConditionExpression": PERIOD_IS_AS_READ,
            "ExpressionAttributeNames": {
                "#c": schema.day_cost(periods.day(generation_id)),
                "#p": schema.period_remainder(periods.period_key(period, generation_id)),
            },
            "ExpressionAttributeValues": {
                ":price": integer(adjustment.price_nano_usd),
                ":period": text(period),
                ":zero": integer(0),
            },
        }
