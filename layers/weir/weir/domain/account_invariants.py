"""The invariants that one account lane must keep by itself, whatever the usage records say.

They need one item and no quiet moment, because every write of an item keeps them: a scheduled
sample in production can ask them of a ledger under load. The others are in `invariants`.
"""

from collections.abc import Iterator

from weir.domain.accounts import Account


def account_violations(account: Account) -> list[str]:
    """Check I1 to I4 and I10 within one account lane.

    Returns:
        One sentence per violation, beginning with the invariant's number; empty when all hold.
    """
    return [*_requests(account), *_balance(account), *_days(account), *_not_whole(account)]


def name(account: Account) -> str:
    """Return what findings call an account lane."""
    return f"{account.account_id}#{account.lane}"


def _requests(account: Account) -> Iterator[str]:
    counted = account.folded_requests + sum(account.requests_by_day.values())
    if account.sequence != counted:
        yield (
            f"I1 {name(account)} took {account.sequence} holds, "
            f"but its days count {counted} requests"
        )
    if account.in_flight != len(account.holds):
        yield (
            f"I2 {name(account)} counts {account.in_flight} in flight, "
            f"but {len(account.holds)} are held"
        )


def _balance(account: Account) -> Iterator[str]:
    available, held, spent = (
        account.available_nano_usd,
        account.held_nano_usd,
        account.spent_nano_usd,
    )
    if available + held + spent != account.credit_nano_usd:
        yield (
            f"I3 {name(account)}: available {available} + held {held} + spent {spent} "
            f"is not the credit {account.credit_nano_usd}"
        )


def _days(account: Account) -> Iterator[str]:
    counted = account.folded_nano_usd + sum(account.spent_by_day.values())
    if account.spent_nano_usd != counted:
        yield (f"I4 {name(account)} spent {account.spent_nano_usd}, but its days count {counted}")


def _not_whole(account: Account) -> Iterator[str]:
    amounts = (
        account.credit_nano_usd,
        account.available_nano_usd,
        account.spent_nano_usd,
        account.folded_nano_usd,
        *(hold.estimate_nano_usd for hold in account.holds.values()),
        *account.spent_by_day.values(),
        *account.remaining_by_period.values(),
    )
    if any(type(amount) is not int for amount in amounts):
        yield f"I10 {name(account)} has an amount that is no integer"
