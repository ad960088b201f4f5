"""Days are read from their own rows when they are closed, else from their buckets; never both."""

from tests.support.ledger_values import ACME
from tests.support.rollup_fakes import FakeRollups
from tests.support.usage_figures import cell, put_closed, put_open
from weir.domain.rollups import DayFigure, Family
from weir.domain.tenants import TenantId
from weir.services.day_figures import day_figures

OTHER = TenantId("other")


def read(rollups: FakeRollups, first: str, last: str) -> list[tuple[str, int]]:
    figures: list[DayFigure] = [
        *day_figures(rollups, ACME, family=Family.KEY, first=first, last=last)
    ]
    return [(figure.day, figure.sums.price_nano_usd) for figure in figures]


def test_every_day_counts_once_when_some_are_closed() -> None:
    rollups = FakeRollups()
    put_closed(rollups, "2026-10-31", cell(), 1)
    put_closed(rollups, "2026-11-01", cell(), 10)
    put_open(rollups, "2026-11-02", cell(), 100)
    put_open(rollups, "2026-11-02", cell(), 1_000, minute=10)
    put_closed(rollups, "2026-11-03", cell(), 10_000)

    assert read(rollups, "2026-10-31", "2026-11-03") == [
        ("2026-10-31", 1),
        ("2026-11-01", 10),
        ("2026-11-02", 100),
        ("2026-11-02", 1_000),
        ("2026-11-03", 10_000),
    ]
    assert read(rollups, "2026-11-01", "2026-11-01") == [("2026-11-01", 10)]


def test_nothing_is_read_of_others_and_of_other_families() -> None:
    rollups = FakeRollups()
    put_open(rollups, "2026-11-02", cell(), 1, tenant_id=OTHER)
    put_closed(rollups, "2026-11-03", cell(), 1, tenant_id=OTHER)
    put_open(rollups, "2026-11-02", cell(family=Family.END_USER, end_user="ann"), 1)

    assert read(rollups, "2026-11-01", "2026-11-05") == []


def test_nothing_is_read_when_the_days_are_none() -> None:
    assert read(FakeRollups(), "2026-11-02", "2026-11-01") == []
