"""Rollups: which cells a record counts in, and what they add up to."""

from typing import Any

import pytest

from tests.support.honest_books import make_row
from tests.support.ledger_values import ACME, NOON_MS
from weir.domain.rollups import (
    Bucket,
    Cell,
    Family,
    Sums,
    bucket_of,
    cells_of,
    days_between,
    summed,
)
from weir.domain.usage import RecordStatus, Usage, UsageRecord

NOON_S = NOON_MS // 1_000
TOKENS = Usage(
    cost_nano_usd=7,  # type: ignore[arg-type]  # a literal
    prompt_tokens=1,
    completion_tokens=2,
    reasoning_tokens=3,
    cached_tokens=4,
)


def test_record_counts_by_key_when_it_names_no_end_user() -> None:
    row = make_row(provider="Maker")

    assert cells_of(row) == (
        Cell(family=Family.KEY, key_id="0123abcd", model="maker/model-1", provider="Maker"),
    )


def test_record_counts_in_both_families_when_it_names_an_end_user() -> None:
    by_key, by_end_user = cells_of(make_row(end_user="ann"))

    assert (by_key.family, by_key.end_user) == (Family.KEY, None)
    assert (by_end_user.family, by_end_user.end_user) == (Family.END_USER, "ann")


@pytest.mark.parametrize("field", ["model", "provider", "end_user"])
def test_long_text_is_cut_and_stays_distinct(field: str) -> None:
    long, other = (cells_of(_named(field, "é" * 300 + end))[-1] for end in "ab")

    assert long != other
    assert len(getattr(long, field).encode()) <= 201
    assert long == cells_of(_named(field, "é" * 300 + "a"))[-1]


def _named(field: str, text: str) -> UsageRecord:
    changes: dict[str, Any] = {"end_user": "ann", field: text}
    return make_row(**changes)


def test_sums_are_of_all_records_of_a_cell() -> None:
    rows = [make_row(price=9, usage=TOKENS) for _ in range(3)]

    (sums,) = summed(rows).values()

    assert sums == Sums(
        rows=3,
        requests=3,
        cost_nano_usd=21,  # type: ignore[arg-type]  # a literal
        price_nano_usd=27,  # type: ignore[arg-type]  # a literal
        prompt_tokens=3,
        completion_tokens=6,
        reasoning_tokens=9,
        cached_tokens=12,
    )


def test_adjustment_is_a_row_but_no_request() -> None:
    (sums,) = summed([make_row(), make_row(cost=50, status=RecordStatus.ADJUSTMENT)]).values()

    assert (sums.rows, sums.requests, sums.cost_nano_usd) == (2, 1, 450)


@pytest.mark.parametrize(("offset_s", "start_s"), [(0, 0), (599, 0), (600, 600), (-1, -600)])
def test_bucket_is_ten_minutes_from_its_start(offset_s: int, start_s: int) -> None:
    row = make_row(now_ms=NOON_MS + offset_s * 1_000, lane=3)

    assert bucket_of(row) == Bucket(tenant_id=ACME, lane=3, start_s=NOON_S + start_s)


def test_bucket_belongs_to_one_day() -> None:
    assert Bucket(tenant_id=ACME, lane=0, start_s=NOON_S).day == "2026-11-18"


def test_days_cross_the_end_of_a_month() -> None:
    assert days_between("2026-11-29", "2026-12-01") == ["2026-11-29", "2026-11-30", "2026-12-01"]
    assert days_between("2026-12-01", "2026-11-30") == []
