"""Spending: what API keys have cost their tenant, from the rollups and from their own accounts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby

from weir.domain.accounts import Account
from weir.domain.api_keys import ApiKey
from weir.domain.closes import counter_name
from weir.domain.metering import RollupReader
from weir.domain.rollups import Family, days_between
from weir.domain.spending import Spending, current_days, days_before, spending, utc_day
from weir.domain.tenants import TenantId
from weir.services.day_figures import day_figures, stretches

MAX_REMEMBERED = 10_000

_MONTH_CHARS = 7
# Records of a day may arrive that long after it.
_LATE_DAYS = 2


class SpendingBook:
    """Sums up what keys have spent. Months that are closed for good are remembered.

    Args:
        rollups: Sums of the usage records; seconds behind them.
    """

    def __init__(self, rollups: RollupReader) -> None:
        self._rollups = rollups
        self._remembered: dict[tuple[TenantId, str], Mapping[str, int]] = {}

    def of(
        self, keys: Sequence[ApiKey], *, accounts: Mapping[str, Account], now_ms: int
    ) -> Mapping[str, Spending]:
        """Return the spending of keys of one tenant, by key id.

        Args:
            keys: At least one.
            accounts: The keys' own accounts, by key id; their counters are exact at once.
            now_ms: Epoch milliseconds.

        Raises:
            StoreUnavailableError: The rollups cannot be read.
        """
        tenant_id, today = keys[0].tenant.tenant_id, utc_day(now_ms)
        recent = current_days(today)
        created = utc_day(min(key.created_ms for key in keys))
        before = self._before(tenant_id, created, recent=recent, today=today)
        by_day = self._by_day(tenant_id, first=recent, last=today)
        found = {}
        for key in keys:
            counted: Mapping[str, int] = by_day.get(key.key_id, {})
            if key.key_id in accounts:
                counted = _brought_up_to_date(counted, accounts[key.key_id], recent, today)
            found[key.key_id] = spending(counted, before=before.get(key.key_id, 0), today=today)
        return found

    def _by_day(
        self, tenant_id: TenantId, *, first: str, last: str
    ) -> Mapping[str, Mapping[str, int]]:
        found: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        for figure in day_figures(
            self._rollups, tenant_id, family=Family.KEY, first=first, last=last
        ):
            found[figure.cell.key_id][figure.day] += figure.sums.price_nano_usd
        return found

    def _before(
        self, tenant_id: TenantId, created: str, *, recent: str, today: str
    ) -> Mapping[str, int]:
        """Sum up the days before the recent ones, from the first of the month of creation on."""
        found: defaultdict[str, int] = defaultdict(int)
        every = days_between(f"{created[:_MONTH_CHARS]}-01", days_before(recent, 1))
        for _, run in groupby(every, key=lambda day: day[:_MONTH_CHARS]):
            days = list(run)
            is_past = _is_month_end(days[-1]) and days[-1] < days_before(today, _LATE_DAYS)
            for key_id, price in self._month(tenant_id, days, is_past=is_past).items():
                found[key_id] += price
        return found

    def _month(
        self, tenant_id: TenantId, days: Sequence[str], *, is_past: bool
    ) -> Mapping[str, int]:
        place = (tenant_id, days[0])
        if is_past and place in self._remembered:
            return self._remembered[place]
        found: defaultdict[str, int] = defaultdict(int)
        is_final = is_past
        for stretch in stretches(
            self._rollups, tenant_id, family=Family.KEY, first=days[0], last=days[-1]
        ):
            for figure in stretch.figures:
                is_final = is_final and stretch.is_closed
                found[figure.cell.key_id] += figure.sums.price_nano_usd
        if is_final and len(self._remembered) < MAX_REMEMBERED:
            self._remembered[place] = found
        return found


def _is_month_end(day: str) -> bool:
    return days_before(day, -1)[:_MONTH_CHARS] != day[:_MONTH_CHARS]


def _brought_up_to_date(
    counted: Mapping[str, int], account: Account, first: str, last: str
) -> Mapping[str, int]:
    """Take the account's counter of a day where it is ahead of the rollups.

    It is behind them on the day it was opened, and gone once the day is closed.
    """
    counters = account.spent_by_day
    found = {
        day: max(counted.get(day, 0), counters.get(counter_name(day), 0))
        for day in days_between(first, last)
    }
    return {**counted, **found}
