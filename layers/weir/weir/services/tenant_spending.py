"""Tenant spending: what a tenant's requests have cost it in the current period of a limit."""

from collections import defaultdict
from collections.abc import Sequence

from weir.domain.accounts import Account
from weir.domain.closes import counter_name
from weir.domain.metering import RollupReader
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.rollups import Family, days_between
from weir.domain.spending import current_days, spending, utc_day
from weir.domain.tenants import TenantId
from weir.services.day_figures import day_figures


def spent_within(
    tenant_id: TenantId,
    *,
    lanes: Sequence[Account],
    rollups: RollupReader,
    period: LimitPeriod,
    now_ms: int,
) -> NanoUsd:
    """Return what was settled in the current period, over all lanes.

    Args:
        tenant_id: Whose.
        lanes: Of the tenant's account; their counters are exact at once, and gone once a day is
            closed.
        rollups: Know the closed days.
        period: Which.
        now_ms: Epoch milliseconds.

    Raises:
        StoreUnavailableError: The rollups cannot be read.
    """
    if period is LimitPeriod.TOTAL:
        return NanoUsd(sum(lane.spent_nano_usd for lane in lanes))
    today = utc_day(now_ms)
    first = current_days(today)
    summed: defaultdict[str, int] = defaultdict(int)
    for figure in day_figures(rollups, tenant_id, family=Family.KEY, first=first, last=today):
        summed[figure.day] += figure.sums.price_nano_usd
    by_day = {
        day: max(summed[day], sum(lane.spent_by_day.get(counter_name(day), 0) for lane in lanes))
        for day in days_between(first, today)
    }
    return spending(by_day, before=0, today=today).within(period)
