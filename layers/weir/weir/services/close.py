"""The daily close: each finished day is compared with the accounts, summed up, and folded away.

Every step may be repeated, and a run that breaks off anywhere is finished by the next: the day's
cells are the same whoever computes them, the close is stored after all of them, and a lane's
counters go only after that, each lane by a write of its own that finds them as they were read.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from weir.domain.account_invariants import account_violations
from weir.domain.accounts import Account, is_tenant_account, tenant_of
from weir.domain.closes import (
    CloseMismatch,
    DayBook,
    counter_name,
    finished_days,
    is_open,
)
from weir.domain.ledgers import LedgerReader
from weir.domain.metering import Folds, Rollups, UsagePartitions
from weir.domain.tenants import TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseReport:
    """What a run of the close did.

    Attributes:
        closed: Tenants' days that were closed now.
        folded: Account lanes' days whose counters were folded now.
        waiting: Account lanes' days with a request still in flight; the sweep comes first.
        mismatches: Account lanes' days that do not agree with their records; they stay as they are.
        violations: What an account lane by itself shows to be wrong, one sentence each.
        accounts: Number of account lanes that were read.
    """

    closed: int
    folded: int
    waiting: int
    mismatches: tuple[CloseMismatch, ...]
    violations: tuple[str, ...]
    accounts: int


@dataclass(slots=True, kw_only=True)
class _Tenant:
    """What was read of a tenant: its lanes, and the accounts that count each finished day."""

    lanes: list[Account] = field(default_factory=list)
    counting: defaultdict[str, list[Account]] = field(default_factory=lambda: defaultdict(list))


def close_days(
    ledger: LedgerReader,
    *,
    folds: Folds,
    usage: UsagePartitions,
    rollups: Rollups,
    now_ms: int,
    hold_life_ms: int,
) -> CloseReport:
    """Close every finished day of every tenant that agrees with its records.

    Args:
        ledger: Its accounts are read in full, and checked on the way.
        folds: Takes what is closed out of them.
        usage: The usage table.
        rollups: Where the closed days are stored.
        now_ms: Epoch milliseconds.
        hold_life_ms: The longest a request can live, and a margin; a day is finished that long
            after its midnight.

    Raises:
        StoreUnavailableError: A table cannot be reached; what is done is done, and the next run
            goes on.
    """
    reading = _Reading()
    for account in ledger.accounts():
        reading.add(account, now_ms=now_ms, hold_life_ms=hold_life_ms)
    closing = _Closing(folds, usage=usage, rollups=rollups, now_ms=now_ms)
    for tenant_id, tenant in reading.tenants.items():
        for day in sorted(tenant.counting):
            closing.day(DayBook(tenant_id, day), tenant)
    return CloseReport(
        closed=closing.closed,
        folded=closing.folded,
        waiting=closing.waiting,
        mismatches=tuple(closing.mismatches),
        violations=tuple(reading.violations),
        accounts=reading.count,
    )


class _Reading:
    """What the accounts say; of those without a finished day nothing is kept but the lanes."""

    def __init__(self) -> None:
        self.tenants: defaultdict[TenantId, _Tenant] = defaultdict(_Tenant)
        self.violations: list[str] = []
        self.count = 0

    def add(self, account: Account, *, now_ms: int, hold_life_ms: int) -> None:
        """Take an account lane in, and check it."""
        self.count += 1
        self.violations += account_violations(account)
        tenant = self.tenants[tenant_of(account.account_id)]
        if is_tenant_account(account.account_id):
            tenant.lanes.append(account)
        for day in finished_days(account, now_ms=now_ms, hold_life_ms=hold_life_ms):
            tenant.counting[day].append(account)


class _Closing:
    """One run."""

    def __init__(
        self, folds: Folds, *, usage: UsagePartitions, rollups: Rollups, now_ms: int
    ) -> None:
        self.closed = self.folded = self.waiting = 0
        self.mismatches: list[CloseMismatch] = []
        self._folds = folds
        self._usage = usage
        self._rollups = rollups
        self._now_ms = now_ms

    def day(self, book: DayBook, tenant: _Tenant) -> None:
        """Close one day of one tenant, and fold it in the accounts that agree with the records."""
        for lane in tenant.lanes:
            book.add(self._usage.day(book.tenant_id, day=book.day, lane=lane.lane))
        counting = tenant.counting[book.day]
        own = [account for account in counting if is_tenant_account(account.account_id)]
        below = [account for account in counting if not is_tenant_account(account.account_id)]
        if own:
            self._tenant_day(book, own, lanes=tenant.lanes)
        self._fold(book, self._agreeing(book, below))

    def _tenant_day(
        self, book: DayBook, counting: Sequence[Account], *, lanes: Sequence[Account]
    ) -> None:
        if self._rollups.is_closed(book.tenant_id, day=book.day):
            self._fold(book, self._agreeing(book, counting))
            return
        # A lane without counters must have no records either.
        agreeing = self._agreeing(book, lanes)
        if len(agreeing) < len(lanes):
            return
        for figure in book.figures():
            self._rollups.put_day(book.tenant_id, figure=figure)
        self.closed += self._rollups.put_close(book.close())
        self._fold(book, counting)

    def _agreeing(self, book: DayBook, accounts: Iterable[Account]) -> list[Account]:
        agreeing: list[Account] = []
        for account in accounts:
            if is_open(account, book.day):
                self.waiting += 1
            elif mismatch := book.mismatch(account):
                self.mismatches.append(mismatch)
            else:
                agreeing.append(account)
        return agreeing

    def _fold(self, book: DayBook, accounts: Iterable[Account]) -> None:
        for account in accounts:
            self.folded += self._folds.fold(
                account, day=counter_name(book.day), now_ms=self._now_ms
            )
