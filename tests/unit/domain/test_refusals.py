"""What a client is told when one of its accounts refuses, but for spending limits."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.support.ledger_values import NOON_MS, make_hold, make_reservation
from tests.support.refused_accounts import (
    KEY,
    MINUTE,
    TENANT,
    USD,
    USER,
    holding,
    limited,
    make_account,
    metadata,
    refused,
)
from weir.domain.accounts import AccountId, AccountStatus
from weir.domain.errors import MissingAccountError
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.refusals import refusal

SCOPES = [
    pytest.param(TENANT, "workspace", "account", id="tenant"),
    pytest.param(KEY, "key_limit", "key", id="key"),
    pytest.param(USER, "member", "end-user", id="end user"),
]


def test_nothing_is_refused_when_every_limit_is_just_met() -> None:
    account = make_account(
        limits=AccountLimits(
            requests_per_minute=2,
            tokens_per_minute=2,
            in_flight=2,
            spend_nano_usd=NanoUsd(5 * USD),
        ),
        in_flight=1,
        requests_by_minute={MINUTE: 1, MINUTE - 1: 9},
        tokens_by_minute={MINUTE: 1, MINUTE - 1: 9},
        remaining_by_period={"m2611": 5 * USD, "m2610": 0, "d261118": 0},
    )

    assert refusal(account, reservation=make_reservation(estimate=5 * USD)) is None


def test_request_is_forbidden_when_there_is_no_account() -> None:
    error = refused(None)

    assert isinstance(error, MissingAccountError)
    assert (error.status, error.message, error.retry_after_s) == (
        403,
        "There is no account to charge this request to.",
        None,
    )
    assert metadata(error) == {"error_type": "permission_denied"}


@pytest.mark.parametrize(("account_id", "scope", "name"), SCOPES)
def test_request_is_forbidden_when_an_account_is_suspended(
    account_id: AccountId, scope: str, name: str
) -> None:
    error = refused(make_account(account_id=account_id, status=AccountStatus.SUSPENDED))

    assert (error.status, error.message) == (403, f"This {name} is suspended.")
    assert metadata(error) == {"error_type": "permission_denied", "scope": scope}
    assert (error.retry_after_s, error.headers) == (None, {})


@pytest.mark.parametrize(("account_id", "scope", "name"), SCOPES)
def test_client_may_retry_soon_when_too_many_requests_are_in_flight(
    account_id: AccountId, scope: str, name: str
) -> None:
    limits = AccountLimits(in_flight=3)

    error = refused(make_account(account_id=account_id, limits=limits, in_flight=3))

    assert (error.status, error.retry_after_s) == (429, 1)
    assert error.message == f"Rate limit exceeded: {name} has 3 requests in flight."
    assert error.headers == {"X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "0"}
    assert metadata(error) == {
        "error_type": "rate_limit_exceeded",
        "limit_source": "openrouter_admission_control",
        "scope": scope,
        "headers": error.headers,
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {
                "limits": AccountLimits(requests_per_minute=60),
                "requests_by_minute": {MINUTE: 60},
            },
            "Rate limit exceeded: account has 60 requests per minute.",
        ),
        (
            {"limits": AccountLimits(tokens_per_minute=60), "tokens_by_minute": {MINUTE: 75}},
            "Rate limit exceeded: account has 60 tokens per minute.",
        ),
    ],
    ids=["requests", "tokens"],
)
@pytest.mark.parametrize(
    ("passed_ms", "retry_after_s"), [(0, 60), (1, 60), (58_500, 2), (59_999, 1)]
)
def test_client_is_sent_to_the_next_minute_when_its_rate_is_reached(
    changes: dict[str, object], message: str, passed_ms: int, retry_after_s: int
) -> None:
    error = refused(make_account(**changes), now_ms=NOON_MS + passed_ms)

    assert (error.status, error.message) == (429, message)
    assert error.retry_after_s == retry_after_s
    assert error.headers == {
        "X-RateLimit-Limit": "60",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(NOON_MS + 60_000),
    }
    assert metadata(error)["headers"] == error.headers


@pytest.mark.parametrize(
    ("available", "left"),
    [(USD // 4, "0.25"), (-USD, "0")],
    ids=["too little", "overspent"],
)
def test_client_learns_what_it_can_afford_when_the_credit_does_not_cover(
    available: int, left: str
) -> None:
    account = make_account(
        available_nano_usd=NanoUsd(available), spent_nano_usd=NanoUsd(5 * USD - available)
    )

    error = refused(account, estimate=1_500_000_001)

    assert (error.status, error.retry_after_s) == (402, None)
    assert error.message == (
        "This request requires more credits, or fewer max_tokens: it may cost up to $1.500000001, "
        f"and this account's credits cover ${left}."
    )
    assert metadata(error) == {
        "error_type": "payment_required",
        "limit_source": "openrouter_credits",
        "reason": "credits",
        "scope": "workspace",
        "limit_usd": Decimal(5),
        "spend_usd": Decimal(5 * USD - available) / USD,
        "held_usd": Decimal(0),
        "available_usd": Decimal(left),
        "required_usd": Decimal("1.500000001"),
    }


def test_client_may_retry_soon_when_requests_in_flight_hold_the_credit() -> None:
    account = make_account(available_nano_usd=NanoUsd(USD), **holding(make_hold(estimate=4 * USD)))

    error = refused(account, estimate=5 * USD)

    assert (error.status, error.retry_after_s) == (402, 1)
    assert error.message.endswith("cover $1; $4 is held by requests in flight.")
    assert metadata(error)["limit_source"] == "openrouter_in_flight_budget"
    assert metadata(error)["reason"] == "in_flight_budget_exhausted"
    assert metadata(error)["held_usd"] == 4
    dearer = refused(account, estimate=5 * USD + 1)
    assert (dearer.retry_after_s, metadata(dearer)["reason"]) == (None, "credits")


def test_first_wall_is_named_when_several_refuse() -> None:
    walls: list[tuple[int, dict[str, object]]] = [
        (402, {"available_nano_usd": NanoUsd(0)}),
        (403, {"remaining_by_period": {"m2611": 0}, "limits": limited(1)}),
        (429, {"in_flight": 1, "limits": replace(limited(1), in_flight=1)}),
        (403, {"status": AccountStatus.SUSPENDED}),
    ]
    changes: dict[str, object] = {}

    for status, more in walls:
        changes |= more
        assert refused(make_account(**changes)).status == status
