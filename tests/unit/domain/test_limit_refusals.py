"""What a client is told when the spending limit of one of its accounts refuses."""

from decimal import Decimal

import pytest

from tests.support.ledger_values import NOON_MS, make_hold, make_reservation
from tests.support.refused_accounts import (
    KEY,
    TENANT,
    USD,
    USER,
    holding,
    limited,
    make_account,
    metadata,
    refused,
)
from weir.domain.accounts import AccountId
from weir.domain.periods import LimitPeriod
from weir.domain.refusals import refusal


@pytest.mark.parametrize(
    ("account_id", "scope", "source", "name"),
    [
        pytest.param(
            TENANT, "workspace", "openrouter_workspace_budget", "Account limit", id="tenant"
        ),
        pytest.param(KEY, "key_limit", "openrouter_key_limit", "Key limit", id="key"),
        pytest.param(
            USER, "member", "openrouter_guardrail_budget", "End-user limit", id="end user"
        ),
    ],
)
def test_client_learns_every_figure_when_a_spending_limit_is_exhausted(
    account_id: AccountId, scope: str, source: str, name: str
) -> None:
    account = make_account(
        account_id=account_id,
        limits=limited(2),
        remaining_by_period={"m2611": USD // 2},
        **holding(make_hold(estimate=USD // 4), make_hold(estimate=USD // 8)),
    )

    error = refused(account, estimate=USD)

    assert error.status == 403
    assert error.message == (
        f"{name} exceeded (monthly limit): this request may cost up to $1, and $0.5 of $2 is left "
        "until 2026-12-01T00:00:00Z. Raise the limit, or lower max_tokens."
    )
    assert metadata(error) == {
        "error_type": "permission_denied",
        "limit_source": source,
        "scope": scope,
        "limit_usd": Decimal(2),
        "spend_usd": Decimal("1.125"),
        "held_usd": Decimal("0.375"),
        "required_usd": Decimal(1),
        "reset_interval": "monthly",
        "resets_at": "2026-12-01T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("period", "interval", "resets_at", "retry_after_s"),
    [
        (LimitPeriod.DAILY, "daily", "2026-11-19T00:00:00Z", 12 * 3600),
        (LimitPeriod.WEEKLY, "weekly", "2026-11-23T00:00:00Z", (4 * 24 + 12) * 3600),
        (LimitPeriod.MONTHLY, "monthly", "2026-12-01T00:00:00Z", (12 * 24 + 12) * 3600),
        (LimitPeriod.TOTAL, None, None, None),
    ],
)
def test_client_learns_when_its_limit_starts_anew_when_it_does(
    period: LimitPeriod, interval: str | None, resets_at: str | None, retry_after_s: int | None
) -> None:
    keys = {"t": 0, "d261118": 0, "w261116": 0, "m2611": 0}
    account = make_account(limits=limited(2, period), remaining_by_period=keys)

    error = refused(account, estimate=USD)

    assert metadata(error)["reset_interval"] == interval
    assert metadata(error)["resets_at"] == resets_at
    assert error.retry_after_s == retry_after_s
    assert (" until " in error.message) == (resets_at is not None)


def test_retry_is_counted_from_now_when_the_period_is_about_to_end() -> None:
    account = make_account(limits=limited(2, LimitPeriod.DAILY), remaining_by_period={"d261118": 0})
    late = make_hold(estimate=USD, now_ms=NOON_MS)

    soon = refused(account, hold=late, now_ms=NOON_MS + 12 * 3_600_000 - 1)
    after = refused(account, hold=late, now_ms=NOON_MS + 12 * 3_600_000 + 5)

    assert (soon.retry_after_s, after.retry_after_s) == (1, 1)


def test_limit_counts_whole_when_its_period_has_just_begun() -> None:
    account = make_account(limits=limited(1), remaining_by_period={"m2610": 0})

    error = refused(account, estimate=USD + 1)

    assert metadata(error)["limit_source"] == "openrouter_workspace_budget"
    assert metadata(error)["spend_usd"] == 0
    assert refusal(account, reservation=make_reservation(estimate=USD)) is None


def test_client_may_retry_soon_when_requests_in_flight_hold_the_limit() -> None:
    account = make_account(
        limits=limited(2),
        remaining_by_period={"m2611": 0},
        **holding(make_hold(estimate=USD)),
    )

    assert refused(account, estimate=USD).retry_after_s == 1
    assert refused(account, estimate=USD + 1).retry_after_s == (12 * 24 + 12) * 3600


def test_client_is_not_told_to_retry_when_the_request_exceeds_the_whole_limit() -> None:
    account = make_account(limits=limited(2), remaining_by_period={"m2611": USD})

    assert refused(account, estimate=2 * USD).retry_after_s == (12 * 24 + 12) * 3600
    assert refused(account, estimate=2 * USD + 1).retry_after_s is None


def test_holds_of_another_period_are_left_out_when_a_limit_is_explained() -> None:
    yesterday = make_hold(estimate=USD, now_ms=NOON_MS - 86_400_000, period=LimitPeriod.DAILY)
    changed = make_hold(estimate=USD, period=LimitPeriod.MONTHLY)
    account = make_account(
        limits=limited(2, LimitPeriod.DAILY),
        remaining_by_period={"d261118": 0},
        **holding(yesterday, changed),
    )

    error = refused(account, estimate=USD)

    assert (metadata(error)["held_usd"], metadata(error)["spend_usd"]) == (0, 2)


def test_nothing_is_left_when_a_limit_was_overspent() -> None:
    account = make_account(limits=limited(2), remaining_by_period={"m2611": -USD})

    error = refused(account, estimate=USD)

    assert "and $0 of $2 is left" in error.message
    assert metadata(error)["spend_usd"] == 3
