"""The ledger's invariants: what must be true of all accounts and records at any quiet moment.

Numbered as in the design; each function yields one sentence per violation. Pure, so that tests,
`make audit` and a sample in production ask the same questions.

I1 nothing lost, nothing twice · I2 requests in flight · I3 conservation of credit · I4 spent is
what the records say, in total and per day · I6 upstream's own ledger · I7 overspend is bounded
· I9 nothing is left after a sweep · I10 integers only
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from weir.domain import generations, periods
from weir.domain.accounts import Account, AccountId
from weir.domain.money import NanoUsd
from weir.domain.usage import RecordStatus, UsageRecord

Lane = tuple[AccountId, int]


def violations(
    accounts: Sequence[Account],
    records: Sequence[UsageRecord],
    *,
    upstream: Mapping[str, NanoUsd] | None = None,
    swept: bool = False,
) -> list[str]:
    """Check every invariant.

    Args:
        accounts: All account lanes.
        records: All usage records.
        upstream: Upstream's own ledger, generation id → cost; None leaves I6 out.
        swept: Whether a sweep has just run after the last hold's life.

    Returns:
        One sentence per violation, beginning with the invariant's number; empty when all hold.
    """
    by_lane: defaultdict[Lane, list[UsageRecord]] = defaultdict(list)
    for record in records:
        by_lane[_lane(record)].append(record)
    found = [*_repeated(records), *_orphans(accounts, by_lane)]
    for account in accounts:
        mine = by_lane[account.account_id, account.lane]
        settled = [record for record in mine if record.generation_id not in account.holds]
        found += _balance(account, settled)
        found += _days(account, settled)
        found += _left_over(account, swept=swept)
    found += _not_whole(accounts, records)
    if upstream is not None:
        found += _against_upstream(accounts, records, upstream)
    return found


def _repeated(records: Iterable[UsageRecord]) -> Iterator[str]:
    counted = Counter(record.generation_id for record in records)
    for generation_id, count in counted.items():
        if count > 1:
            yield f"I1 {generation_id} has {count} usage records"


def _orphans(accounts: Iterable[Account], by_lane: Mapping[Lane, object]) -> Iterator[str]:
    known = {(account.account_id, account.lane) for account in accounts}
    for account_id, lane in by_lane.keys() - known:
        yield f"I1 there are usage records of {account_id}#{lane}, which is no account"


def _balance(account: Account, settled: Sequence[UsageRecord]) -> Iterator[str]:
    name, held = _name(account), sum(h.estimate_nano_usd for h in account.holds.values())
    spent, cost = account.spent_nano_usd, _cost(settled)
    if account.sequence != len(settled) + len(account.holds):
        yield (
            f"I1 {name} took {account.sequence} holds, but {len(settled)} are settled "
            f"and {len(account.holds)} are open"
        )
    if account.in_flight != len(account.holds):
        yield f"I2 {name} counts {account.in_flight} in flight, but {len(account.holds)} are held"
    if account.available_nano_usd + held + spent != account.credit_nano_usd:
        yield (
            f"I3 {name}: available {account.available_nano_usd} + held {held} + spent {spent} "
            f"is not the credit {account.credit_nano_usd}"
        )
    if spent != cost:
        yield f"I4 {name} spent {spent}, but its records cost {cost}"
    excess = sum(max(0, r.usage.cost_nano_usd - r.estimate_nano_usd) for r in settled)
    if -account.available_nano_usd > excess:
        yield f"I7 {name} is overspent by {-account.available_nano_usd}, of which {excess} is due"


def _days(account: Account, settled: Sequence[UsageRecord]) -> Iterator[str]:
    name = _name(account)
    costs: Counter[str] = Counter()
    requests: Counter[str] = Counter(periods.day(held) for held in account.holds)
    for record in settled:
        costs[periods.day(record.generation_id)] += record.usage.cost_nano_usd
        requests[periods.day(record.generation_id)] += 1
    for day in sorted({*costs, *requests, *account.spent_by_day, *account.requests_by_day}):
        spent, count = account.spent_by_day.get(day, 0), account.requests_by_day.get(day, 0)
        if spent != costs[day]:
            yield f"I4 {name} spent {spent} on {day}, but its records cost {costs[day]}"
        if count != requests[day]:
            yield f"I1 {name} counts {count} requests on {day}, but there are {requests[day]}"


def _left_over(account: Account, *, swept: bool) -> Iterator[str]:
    if swept:
        for generation_id in account.holds:
            yield f"I9 {_name(account)} still holds {generation_id} after the sweep"


def _not_whole(accounts: Iterable[Account], records: Iterable[UsageRecord]) -> Iterator[str]:
    for account in accounts:
        balance = account.credit_nano_usd, account.available_nano_usd, account.spent_nano_usd
        held = (hold.estimate_nano_usd for hold in account.holds.values())
        if any(type(amount) is not int for amount in (*balance, *held)):
            yield f"I10 {_name(account)} has an amount that is no integer"
    for record in records:
        if type(record.usage.cost_nano_usd) is not int:
            yield f"I10 {record.generation_id} has a cost that is no integer"


def _against_upstream(
    accounts: Iterable[Account], records: Sequence[UsageRecord], upstream: Mapping[str, NanoUsd]
) -> Iterator[str]:
    named = Counter(r.upstream_generation_id for r in records if r.upstream_generation_id)
    for upstream_id, count in named.items():
        if count > 1:
            yield f"I6 {count} usage records name upstream's {upstream_id}"
    for record in records:
        yield from _compared(record, upstream)
    # What upstream billed without a record naming it belongs to a record that does not know
    # upstream's id, or to a request still in flight.
    unnamed = [key for key, cost in upstream.items() if cost and key not in named]
    nameless = sum(record.upstream_generation_id is None for record in records)
    open_holds = sum(len(account.holds) for account in accounts)
    if len(unnamed) > nameless + open_holds:
        yield (
            f"I6 upstream billed {len(unnamed)} generations that no record names, but only "
            f"{nameless} records know no id and {open_holds} requests are in flight"
        )
    unknown = open_holds + sum(record.status is RecordStatus.UNKNOWN for record in records)
    if not unknown and _cost(records) != sum(upstream.values()):
        yield f"I6 all records cost {_cost(records)}, upstream billed {sum(upstream.values())}"


def _compared(record: UsageRecord, upstream: Mapping[str, NanoUsd]) -> Iterator[str]:
    """Compare a record with the generation it names; an unknown cost can be compared to none."""
    name, cost = record.upstream_generation_id, record.usage.cost_nano_usd
    if name is None or record.status is RecordStatus.UNKNOWN:
        return
    billed = upstream.get(name, 0)
    if billed != cost:
        yield f"I6 {record.generation_id} costs {cost}, but upstream billed {billed} for {name}"


def _lane(record: UsageRecord) -> Lane:
    return AccountId(record.tenant_id), generations.lane(record.generation_id)


def _name(account: Account) -> str:
    return f"{account.account_id}#{account.lane}"


def _cost(records: Iterable[UsageRecord]) -> int:
    return sum(record.usage.cost_nano_usd for record in records)
