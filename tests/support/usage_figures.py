"""Rollups of a few days: closed ones as day cells, open ones as buckets."""

import calendar
import time
from typing import Any

from tests.support.ledger_values import ACME
from tests.support.rollup_fakes import FakeRollups
from weir.domain.closes import Close
from weir.domain.money import NanoUsd
from weir.domain.rollups import Bucket, Cell, DayFigure, Family, Sums
from weir.domain.tenants import TenantId


def cell(**changes: Any) -> Cell:
    """A cell of the key 0123abcd."""
    values: dict[str, Any] = {
        "family": Family.KEY,
        "key_id": "0123abcd",
        "model": "maker/model-1",
        "provider": "Maker",
    }
    return Cell(**{**values, **changes})


def sums(price: int, *, requests: int = 1) -> Sums:
    """Sums at a price that is not upstream's cost."""
    return Sums(
        rows=requests,
        requests=requests,
        cost_nano_usd=NanoUsd(1),
        price_nano_usd=NanoUsd(price),
        prompt_tokens=3,
        completion_tokens=5,
        reasoning_tokens=2,
        cached_tokens=1,
    )


def close(rollups: FakeRollups, day: str, *, tenant_id: TenantId = ACME) -> None:
    """Close a day, with or without figures."""
    rollups.put_close(Close(tenant_id=tenant_id, day=day, total=Sums()))


def put_closed(
    rollups: FakeRollups, day: str, of: Cell, price: int, *, tenant_id: TenantId = ACME
) -> None:
    """Store a cell of a closed day, and a bucket that must not be counted beside it."""
    rollups.put_day(tenant_id, figure=DayFigure(day=day, cell=of, sums=sums(price)))
    put_open(rollups, day, of, price, tenant_id=tenant_id)
    close(rollups, day, tenant_id=tenant_id)


def put_open(
    rollups: FakeRollups,
    day: str,
    of: Cell,
    price: int,
    *,
    minute: int = 0,
    tenant_id: TenantId = ACME,
) -> None:
    """Store a cell of a bucket of a day that is not closed."""
    start_s = calendar.timegm(time.strptime(day, "%Y-%m-%d")) + minute * 60
    place = Bucket(tenant_id=tenant_id, lane=0, start_s=start_s)
    rollups.put_bucket(place, cell=of, sums=sums(price))
