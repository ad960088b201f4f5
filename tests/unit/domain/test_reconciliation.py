import pytest

from weir.domain.money import NanoUsd
from weir.domain.reconciliation import Baseline, Pair, day_before, read_pairs, utc_day

OURS = "gen-1795003200-00abcdefghijklmnopqr"
BASELINE = Baseline(
    started_day="2026-11-18",
    first_day="2026-11-18",
    ours_nano_usd=100,
    upstream_nano_usd=NanoUsd(5_000),
)
COSTS = {"2026-11-17": 7, "2026-11-18": 130, "2026-11-19": 40, "2026-11-20": 2}


def test_pairs_are_read_when_an_operator_gives_them() -> None:
    values = [{"generation_id": OURS, "upstream_generation_id": "gen-1-x"}]

    assert read_pairs(values) == (Pair(generation_id=OURS, upstream_generation_id="gen-1-x"),)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [None, []])
def test_there_are_no_pairs_when_none_are_given(values: object) -> None:
    assert read_pairs(values) == ()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "list of pairs"),
        ("gen", "list of pairs"),
        ([7], "needs the generation_id"),
        ([{}], "needs the generation_id"),
        ([{"generation_id": "gen-1-x", "upstream_generation_id": "up"}], "needs the generation_id"),
        ([{"generation_id": OURS + "\n", "upstream_generation_id": "up"}], "needs the generation"),
        ([{"generation_id": OURS}], "needs an upstream_generation_id"),
        ([{"generation_id": OURS, "upstream_generation_id": ""}], "needs an upstream_generation"),
        ([{"generation_id": OURS, "upstream_generation_id": 7}], "needs an upstream_generation"),
    ],
)
def test_pairs_are_refused_when_they_are_malformed(values: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_pairs(values)


def test_only_what_came_after_the_beginning_drifts() -> None:
    assert BASELINE.drift_nano_usd(COSTS, upstream_nano_usd=NanoUsd(5_072)) == 0
    assert BASELINE.drift_nano_usd(COSTS, upstream_nano_usd=NanoUsd(5_000)) == -72
    assert BASELINE.drift_nano_usd(COSTS, upstream_nano_usd=NanoUsd(5_073)) == 1


def test_drift_is_the_same_when_the_baseline_has_moved_on() -> None:
    moved = BASELINE.moved_on(COSTS, first_day="2026-11-20")

    assert (moved.first_day, moved.ours_nano_usd) == ("2026-11-20", -70)
    assert moved.drift_nano_usd(COSTS, upstream_nano_usd=NanoUsd(5_073)) == 1
    assert moved.drift_nano_usd({"2026-11-20": 2}, upstream_nano_usd=NanoUsd(5_073)) == 1


@pytest.mark.parametrize("first_day", ["2026-11-18", "2026-11-01"])
def test_baseline_never_moves_back(first_day: str) -> None:
    assert BASELINE.moved_on(COSTS, first_day=first_day) == BASELINE


@pytest.mark.parametrize(
    ("now_ms", "day"),
    [(1_794_959_999_999, "2026-11-17"), (1_794_960_000_000, "2026-11-18")],
)
def test_day_ends_at_midnight_utc(now_ms: int, day: str) -> None:
    assert utc_day(now_ms) == day


def test_days_are_counted_over_the_ends_of_months() -> None:
    assert day_before("2026-03-01", 1) == "2026-02-28"
    assert day_before("2027-01-03", 30) == "2026-12-04"
