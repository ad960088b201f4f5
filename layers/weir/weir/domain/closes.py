"""Closes: a tenant's day that is over, summed up from its records and compared with its accounts.

A day is closed when no request of it is in flight any more and every lane of the tenant's account
counts exactly what the records say. From then on it does not change: what is found out later is an
adjustment, which counts on its own day.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from weir.domain import accounts, periods
from weir.domain.accounts import Account, AccountId
from weir.domain.generations import GenerationId
from weir.domain.money import NanoUsd
from weir.domain.rollups import Cell, DayFigure, Sums, cells_of, sums_of
from weir.domain.tenants import TenantId
from weir.domain.usage import RecordStatus, UsageRecord

MAX_UNKNOWN = 2_000
"""Ids that a close names; its row must stay far below DynamoDB's 400 KB."""

_MS_PER_S = 1_000

Lane = tuple[AccountId, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """A closed day.

    Attributes:
        day: UTC, `yyyy-mm-dd`.
        total: Of all records of the day.
        unknown: Requests whose cost nobody knew then, the first `MAX_UNKNOWN` by id.
        unknown_requests: Number of all of them.
    """

    tenant_id: TenantId
    day: str
    total: Sums
    unknown: tuple[GenerationId, ...] = ()
    unknown_requests: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseMismatch:
    """A lane of an account whose counters of a day are not what its records add up to."""

    account_id: AccountId
    lane: int
    day: str
    counted_requests: int
    recorded_requests: int
    counted_nano_usd: NanoUsd
    recorded_nano_usd: NanoUsd


class DayBook:
    """The sums over one tenant's day, gathered record by record.

    Args:
        tenant_id: Whose day.
        day: UTC, `yyyy-mm-dd`.
    """

    def __init__(self, tenant_id: TenantId, day: str) -> None:
        self.tenant_id = tenant_id
        self.day = day
        self._cells: defaultdict[Cell, Sums] = defaultdict(Sums)
        self._lanes: defaultdict[Lane, Sums] = defaultdict(Sums)
        self._total = Sums()
        self._unknown: list[GenerationId] = []

    def add(self, records: Iterable[UsageRecord]) -> None:
        """Count records."""
        for record in records:
            sums = sums_of(record)
            self._total += sums
            for cell in cells_of(record):
                self._cells[cell] += sums
            for account_id in accounts.charged_accounts(record.tenant_id, record):
                lane = accounts.lane_of(account_id, record.generation_id)
                self._lanes[account_id, lane] += sums
            if record.status is RecordStatus.UNKNOWN:
                self._unknown.append(record.generation_id)

    def figures(self) -> Iterable[DayFigure]:
        """Return the cells of the day."""
        return [DayFigure(day=self.day, cell=cell, sums=s) for cell, s in self._cells.items()]

    def close(self) -> Close:
        """Return the close of the day."""
        return Close(
            tenant_id=self.tenant_id,
            day=self.day,
            total=self._total,
            unknown=tuple(sorted(self._unknown)[:MAX_UNKNOWN]),
            unknown_requests=len(self._unknown),
        )

    def mismatch(self, account: Account) -> CloseMismatch | None:
        """Compare an account lane's counters of the day with its records; None when they agree."""
        name = counter_name(self.day)
        recorded = self._lanes.get((account.account_id, account.lane), Sums())
        requests = account.requests_by_day.get(name, 0)
        price = NanoUsd(account.spent_by_day.get(name, 0))
        if (requests, price) == (recorded.requests, recorded.price_nano_usd):
            return None
        return CloseMismatch(
            account_id=account.account_id,
            lane=account.lane,
            day=self.day,
            counted_requests=requests,
            recorded_requests=recorded.requests,
            counted_nano_usd=price,
            recorded_nano_usd=recorded.price_nano_usd,
        )


def counter_name(day: str) -> str:
    """Return what an account calls a day `yyyy-mm-dd`: `yymmdd`."""
    return day[2:].replace("-", "")


def finished_days(account: Account, *, now_ms: int, hold_life_ms: int) -> list[str]:
    """Return the days, `yyyy-mm-dd`, that an account counts and that get no new requests.

    Args:
        account: One lane.
        now_ms: Epoch milliseconds.
        hold_life_ms: The longest a request can live, and a margin.
    """
    counted = {*account.requests_by_day, *account.spent_by_day}
    days = sorted(f"20{name[:2]}-{name[2:4]}-{name[4:]}" for name in counted)
    return [day for day in days if _end_ms(day) + hold_life_ms <= now_ms]


def is_open(account: Account, day: str) -> bool:
    """Tell whether an account lane still holds a request of a day."""
    name = counter_name(day)
    return any(periods.day(generation_id) == name for generation_id in account.holds)


def _end_ms(day: str) -> int:
    end = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1)
    return int(end.timestamp()) * _MS_PER_S
