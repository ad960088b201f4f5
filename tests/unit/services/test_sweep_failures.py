"""The sweep goes on when something fails, and leaves the rest to the next one."""

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_values import ACME, NOON_MS
from tests.support.sweeping import (
    GENERATION,
    LIFE_MS,
    Archive,
    Plans,
    abandon,
    run,
)
from weir.domain.errors import ProviderError, UpstreamTimeoutError
from weir.services.audit import audit
from weir.services.sweep import GIVE_UP_MS, MAX_FAILURES_IN_A_ROW, Sweeping


@pytest.fixture
def ledger() -> FakeLedger:
    made = FakeLedger()
    made.open_tenant_account(ACME, credit_nano_usd=10_000)
    return made


@pytest.mark.parametrize("method", ["record", "settle"])
def test_next_sweep_goes_on_when_the_ledger_fails_midway(ledger: FakeLedger, method: str) -> None:
    for _ in range(3):
        abandon(ledger)
    ledger.fail_next(method)

    first = run(ledger, Archive(GENERATION))
    run(ledger, Archive(GENERATION))

    assert (first.settled, first.failed) == (2, 1)
    assert ledger.account(ACME).spent_nano_usd == 1_200
    assert audit(ledger, swept=True).violations == ()


@pytest.mark.parametrize("method", ["tenants", "lanes"])
def test_sweep_counts_a_failure_when_accounts_cannot_be_read(
    ledger: FakeLedger, method: str
) -> None:
    abandon(ledger)
    ledger.fail_next(method)

    first = run(ledger, Archive(GENERATION))
    second = run(ledger, Archive(GENERATION))

    assert (first.settled, first.failed) == (0, 1)
    assert (second.settled, second.failed) == (1, 0)


def test_the_rest_is_postponed_when_time_is_up(ledger: FakeLedger) -> None:
    for _ in range(3):
        abandon(ledger)
    calls = iter([False, True, True])
    sweeping = Sweeping(
        ledger=ledger,
        tenants=ledger,
        archive=Archive(GENERATION),
        plans=Plans(),
        hold_life_ms=LIFE_MS,
    )

    report = sweeping.sweep(now_ms=NOON_MS + LIFE_MS, is_out_of_time=lambda: next(calls))

    assert (report.settled, report.postponed) == (1, 2)


def test_a_cost_that_upstream_never_tells_is_given_up_after_a_day(ledger: FakeLedger) -> None:
    abandon(ledger)
    silent = Archive(error=ProviderError("no cost", cost_is_zero=False))

    report = run(ledger, silent, now_ms=NOON_MS + GIVE_UP_MS + LIFE_MS)

    assert (report.settled, report.unknown, report.postponed) == (1, 1, 0)


def test_an_archive_that_is_down_is_not_asked_for_every_hold(ledger: FakeLedger) -> None:
    for _ in range(5):
        abandon(ledger)
    down = Archive(error=UpstreamTimeoutError("down", cost_is_zero=False))

    report = run(ledger, down)

    assert report.postponed == 5
    assert len(down.asked) == MAX_FAILURES_IN_A_ROW
