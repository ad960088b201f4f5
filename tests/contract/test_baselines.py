"""Where the comparison with upstream began, kept in the rollups table."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.ledger_tables import tables
from tests.support.rollup_fakes import new_rollups, rollups_name
from weir.adapters.dynamodb.reconciliations import DynamoDBBaselines
from weir.domain.money import NanoUsd
from weir.domain.reconciliation import Baseline

BEGINNING = Baseline(
    started_day="2026-11-18",
    first_day="2026-11-18",
    ours_nano_usd=1_000,
    upstream_nano_usd=NanoUsd(10**18),
)
LATER = replace(BEGINNING, first_day="2026-12-01", ours_nano_usd=-7)


@pytest.fixture
def baselines() -> Iterator[DynamoDBBaselines]:
    with tables() as made:
        new_rollups(made)
        yield DynamoDBBaselines(made.db, rollups_table=rollups_name(made))


def test_there_is_no_baseline_before_the_first_comparison(baselines: DynamoDBBaselines) -> None:
    assert baselines.load() is None


def test_baseline_is_kept_and_moves_on(baselines: DynamoDBBaselines) -> None:
    assert baselines.store(BEGINNING, previous=None)
    assert baselines.load() == BEGINNING

    assert baselines.store(LATER, previous=BEGINNING)
    assert baselines.load() == LATER


def test_first_of_two_runs_sets_the_beginning(baselines: DynamoDBBaselines) -> None:
    assert baselines.store(BEGINNING, previous=None)

    assert not baselines.store(replace(BEGINNING, ours_nano_usd=2), previous=None)
    assert baselines.load() == BEGINNING


def test_baseline_moves_on_once_when_two_runs_move_it(baselines: DynamoDBBaselines) -> None:
    baselines.store(BEGINNING, previous=None)
    baselines.store(LATER, previous=BEGINNING)

    assert not baselines.store(replace(LATER, ours_nano_usd=9), previous=BEGINNING)
    assert baselines.load() == LATER
