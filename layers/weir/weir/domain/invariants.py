"""The ledger's invariants: what must be true of all accounts and records at any quiet moment.

Numbered as in the design; each function yields one sentence per violation. Pure, so that tests,
`make audit` and a sample in production ask the same questions. A usage record belongs to every
account it is charged to, and accounts are never removed.

Of limits, a ledger proves less than of money, because they change and it keeps no history of them:
I8 can be asked only of accounts whose limits have stayed the same. Tokens per minute are not in it;
the last request that a minute admits may pass that limit by its own size.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from weir.domain.account_invariants import account_violations, name
from weir.domain.accounts import (
    Account,
    AccountId,
    charged_accounts,
    is_tenant_account,
    lane_of,
)
from weir.domain.generations import GenerationId
from weir.domain.money import NanoUsd
from weir.domain.record_invariants import limit_violations, record_violations
from weir.domain.upstream_invariants import upstream_violations
from weir.domain.usage import RecordStatus, UsageRecord

INVARIANTS: Mapping[str, str] = {
    "I1": "every request has its record and its count, once",
    "I2": "requests in flight are the open holds",
    "I3": "available + held + spent is the credit",
    "I4": "spent is the price of the records, in all and per day",
    "I5": "rollups are the sums of the records",
    "I6": "records are what upstream billed",
    "I7": "overspend is no more than prices above their estimates",
    "I8": "no limit is passed, remainders are exact",
    "I9": "no hold outlives its request and a sweep",
    "I10": "amounts are integers",
}
"""What each number means."""

Lane = tuple[AccountId, int]


def violations(
    accounts: Sequence[Account],
    records: Sequence[UsageRecord],
    *,
    upstream: Mapping[str, NanoUsd] | None = None,
    swept: bool = False,
    limits_unchanged: bool = False,
) -> list[str]:
    """Check every invariant but I5, which `rollup_violations` checks.

    Args:
        accounts: All account lanes.
        records: All usage records.
        upstream: Upstream's own ledger, generation id → cost; None leaves I6 out.
        swept: Whether a sweep has just run after the last hold's life.
        limits_unchanged: Whether every account has had its limits since before its first request;
            False leaves I8 out.

    Returns:
        One sentence per violation, beginning with the invariant's number; empty when all hold.
    """
    by_lane: defaultdict[Lane, list[UsageRecord]] = defaultdict(list)
    for record in records:
        for account_id in charged_accounts(record.tenant_id, record):
            by_lane[account_id, lane_of(account_id, record.generation_id)].append(record)
    found = [*_repeated(records), *_adjusted(records), *_orphans(accounts, by_lane)]
    for account in accounts:
        mine = by_lane[account.account_id, account.lane]
        settled = [record for record in mine if record.generation_id not in account.holds]
        found += account_violations(account)
        found += record_violations(account, settled)
        if limits_unchanged:
            found += limit_violations(account, settled)
    found += _left_over(accounts, swept=swept)
    found += _not_whole(records)
    if upstream is not None:
        found += upstream_violations(accounts, records, billed=upstream)
    return found


def rollup_violations(
    computed: Mapping[str, object], stored: Mapping[str, object]
) -> Iterator[str]:
    """Check I5: every stored rollup is what its records add up to.

    Args:
        computed: Rollup's name → its sums, computed from all usage records.
        stored: The same, as read.
    """
    for cell in sorted({*computed, *stored}):
        expected, found = computed.get(cell), stored.get(cell)
        if expected != found:
            yield f"I5 {cell} holds {found}, but its records add up to {expected}"


def _repeated(records: Iterable[UsageRecord]) -> Iterator[str]:
    counted = Counter(record.generation_id for record in records)
    for generation_id, count in counted.items():
        if count > 1:
            yield f"I1 {generation_id} has {count} usage records"


def _adjusted(records: Iterable[UsageRecord]) -> Iterator[str]:
    """An unknown request and its adjustment name each other."""
    by_id = {record.generation_id: record for record in records}
    for row in by_id.values():
        if row.is_adjustment and not _names(row.adjusts, row.generation_id, by_id):
            yield f"I1 {row.generation_id} adjusts {row.adjusts}, which does not name it"
        if row.adjusted_by is not None and row.adjusted_by not in by_id:
            yield f"I1 {row.generation_id} is adjusted by {row.adjusted_by}, which does not exist"


def _names(
    original: GenerationId | None,
    adjustment: GenerationId,
    by_id: Mapping[GenerationId, UsageRecord],
) -> bool:
    row = None if original is None else by_id.get(original)
    return row is not None and (row.status, row.adjusted_by) == (RecordStatus.UNKNOWN, adjustment)


def _orphans(accounts: Iterable[Account], by_lane: Mapping[Lane, object]) -> Iterator[str]:
    known = {(account.account_id, account.lane) for account in accounts}
    for account_id, lane in sorted(by_lane.keys() - known):
        yield f"I1 there are usage records of {account_id}#{lane}, which is no account"


def _left_over(accounts: Sequence[Account], *, swept: bool) -> Iterator[str]:
    """The sweeper goes by the holds of the tenants' own accounts: a hold below needs one above."""
    in_sight = {
        generation_id
        for account in accounts
        if is_tenant_account(account.account_id)
        for generation_id in account.holds
    }
    for account in accounts:
        for generation_id in account.holds:
            if swept:
                yield f"I9 {name(account)} still holds {generation_id} after the sweep"
            elif generation_id not in in_sight:
                yield f"I9 {name(account)} holds {generation_id}, its tenant's account does not"


def _not_whole(records: Iterable[UsageRecord]) -> Iterator[str]:
    for record in records:
        amounts = record.usage.cost_nano_usd, record.price_nano_usd, record.estimate_nano_usd
        if any(type(amount) is not int for amount in amounts):
            yield f"I10 {record.generation_id} has an amount that is no integer"
