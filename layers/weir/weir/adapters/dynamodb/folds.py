"""Folding a closed day: its counters leave the account item, their sums stay.

What else has had its time goes with them: remainders of periods that are over, minute counters. So
an account item stays within one write unit for as long as it lives.
"""

from collections.abc import Mapping

from weir.adapters.dynamodb import schema
from weir.adapters.dynamodb.schema import account_key, integer
from weir.adapters.dynamodb.wire import DynamoDB, Item, applied
from weir.domain import periods
from weir.domain.accounts import Account

FOLD = "SET f = f + :price, fn = fn + :requests"

# Clocks differ, and a request may be named in one period and held in the next.
MARGIN_MS = 60 * 60 * 1_000


class DynamoDBFolds:
    """Folds closed days.

    Args:
        db: The transport.
        accounts_table: Name of the accounts table.
    """

    def __init__(self, db: DynamoDB, *, accounts_table: str) -> None:
        self._db = db
        self._table = accounts_table

    def fold(self, account: Account, *, day: str, now_ms: int) -> bool:
        """Add a day's counters to the account's sums of closed days, and remove them.

        Args:
            account: As it was read when the day was compared with its records.
            day: `yymmdd`; over, and no request of it can be alive.
            now_ms: Epoch milliseconds.

        Returns:
            False when one of the day's requests is open, or the item is no more as it was read in
            what would go; then nothing changes, and the day can be compared again.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        counted = _counters(account, day)
        if not counted or any(periods.day(held) == day for held in account.holds):
            return False
        payload = _payload(account, day, {**counted, **_remainders_over(account, now_ms)}, now_ms)
        return applied(self._db, "UpdateItem", {"TableName": self._table, **payload})


def _payload(account: Account, day: str, gone: Mapping[str, int], now_ms: int) -> Item:
    """Build the write that removes attributes IF their values are those given."""
    as_read = {f"#g{place}": name for place, name in enumerate(gone)}
    absent = {
        f"#a{place}": name
        for place, name in enumerate((schema.day_requests(day), schema.day_cost(day)))
        if name not in gone
    }
    # Minutes so long over count for nobody; whatever their value is.
    blind = {f"#b{place}": name for place, name in enumerate(_minutes_over(account, now_ms))}
    conditions = [f"{name} = {name.replace('#', ':')}" for name in as_read]
    conditions += [f"attribute_not_exists({name})" for name in absent]
    return {
        "Key": account_key(account.account_id, lane=account.lane),
        "UpdateExpression": f"{FOLD} REMOVE {', '.join((*as_read, *blind))}",
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": {**as_read, **absent, **blind},
        "ExpressionAttributeValues": {
            **{f":g{place}": integer(value) for place, value in enumerate(gone.values())},
            ":price": integer(account.spent_by_day.get(day, 0)),
            ":requests": integer(account.requests_by_day.get(day, 0)),
        },
    }


def _counters(account: Account, day: str) -> dict[str, int]:
    found = {}
    if day in account.requests_by_day:
        found[schema.day_requests(day)] = account.requests_by_day[day]
    if day in account.spent_by_day:
        found[schema.day_cost(day)] = account.spent_by_day[day]
    return found


def _remainders_over(account: Account, now_ms: int) -> dict[str, int]:
    """Find the remainders that no request, open or still to come, can touch any more."""
    held = {periods.period_key(hold.period, name) for name, hold in account.holds.items()}
    return {
        schema.period_remainder(key): left
        for key, left in account.remaining_by_period.items()
        if key not in held and periods.is_over(key, now_ms=now_ms - MARGIN_MS)
    }


def _minutes_over(account: Account, now_ms: int) -> list[str]:
    oldest = periods.minute(now_ms - MARGIN_MS)
    requests = [schema.minute_requests(m) for m in account.requests_by_minute if m < oldest]
    tokens = [schema.minute_tokens(m) for m in account.tokens_by_minute if m < oldest]
    return requests + tokens
