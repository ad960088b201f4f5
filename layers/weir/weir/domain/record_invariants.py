"""The invariants between one account lane and the usage records that are charged to it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from weir.domain import periods
from weir.domain.account_invariants import name
from weir.domain.accounts import Account
from weir.domain.generations import GenerationId
from weir.domain.usage import UsageRecord

_FOLDED = "its closed days"


def record_violations(account: Account, settled: Sequence[UsageRecord]) -> list[str]:
    """Check I1, I4 and I7 between an account lane and its records.

    Args:
        account: The account lane.
        settled: The records that are charged to it, without those whose hold is still open.

    Returns:
        One sentence per violation, beginning with the invariant's number.
    """
    return [*_totals(account, settled), *_days(account, settled)]


def limit_violations(account: Account, settled: Sequence[UsageRecord]) -> list[str]:
    """Check I8 of an account lane whose limits have never changed; arguments as above."""
    return [*_limits(account), *_remainders(account, settled)]


def _totals(account: Account, settled: Sequence[UsageRecord]) -> Iterator[str]:
    requests, held = sum(not record.is_adjustment for record in settled), len(account.holds)
    if account.sequence != requests + held:
        yield (
            f"I1 {name(account)} took {account.sequence} holds, but {requests} are settled "
            f"and {held} are open"
        )
    spent, price = account.spent_nano_usd, sum(record.price_nano_usd for record in settled)
    if spent != price:
        yield f"I4 {name(account)} spent {spent}, but the price of its records is {price}"
    excess = sum(_excess(record) for record in settled)
    if -account.available_nano_usd > excess:
        yield (
            f"I7 {name(account)} is overspent by {-account.available_nano_usd}, "
            f"of which {excess} is due"
        )


def _excess(record: UsageRecord) -> int:
    """Return by how much a record may overspend; nothing is held for an adjustment."""
    if record.is_adjustment:
        return record.price_nano_usd
    return max(0, record.price_nano_usd - record.estimate_nano_usd)


def _days(account: Account, settled: Sequence[UsageRecord]) -> Iterator[str]:
    """Compare day by day; what is of no day that the account still counts must be folded."""
    open_days = {*account.spent_by_day, *account.requests_by_day}

    def day(generation_id: GenerationId) -> str:
        found = periods.day(generation_id)
        return found if found in open_days else _FOLDED

    prices: Counter[str] = Counter()
    requests: Counter[str] = Counter(day(held) for held in account.holds)
    for record in settled:
        of = day(record.generation_id)
        prices[of] += record.price_nano_usd
        requests[of] += not record.is_adjustment
    spent = {_FOLDED: account.folded_nano_usd, **account.spent_by_day}
    counts = {_FOLDED: account.folded_requests, **account.requests_by_day}
    for of in sorted({*spent, *counts}):
        if spent.get(of, 0) != prices[of]:
            yield (
                f"I4 {name(account)} spent {spent.get(of, 0)} on {of}, "
                f"but the price of its records is {prices[of]}"
            )
        if counts.get(of, 0) != requests[of]:
            yield (
                f"I1 {name(account)} counts {counts.get(of, 0)} requests on {of}, "
                f"but there are {requests[of]}"
            )


def _limits(account: Account) -> Iterator[str]:
    limits = account.limits
    if account.in_flight > limits.in_flight:
        yield (
            f"I8 {name(account)} has {account.in_flight} in flight, but its limit is "
            f"{limits.in_flight}"
        )
    for minute, count in account.requests_by_minute.items():
        if count > limits.requests_per_minute:
            yield (
                f"I8 {name(account)} admitted {count} requests in minute {minute}, but its limit "
                f"is {limits.requests_per_minute}"
            )


def _remainders(account: Account, settled: Iterable[UsageRecord]) -> Iterator[str]:
    """Compare what is left of each period of the present kind with what was taken from it."""
    limits = account.limits
    taken: Counter[str] = Counter()
    for record in settled:
        taken[periods.period_key(limits.period, record.generation_id)] += record.price_nano_usd
    for hold in account.holds.values():
        taken[periods.period_key(limits.period, hold.generation_id)] += hold.estimate_nano_usd
    for key, remaining in account.remaining_by_period.items():
        if key[0] == limits.period and remaining != limits.spend_nano_usd - taken[key]:
            yield (
                f"I8 {name(account)} may still spend {remaining} in {key}, but its limit leaves "
                f"{limits.spend_nano_usd - taken[key]}"
            )
