"""What a client is told when its account refuses."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_values import ACME, NOON_MS, make_reservation
from weir.domain.accounts import Account, AccountLimits, AccountStatus
from weir.domain.errors import WeirError
from weir.domain.money import NanoUsd
from weir.domain.refusals import refusal

MINUTE = NOON_MS // 60_000
USD = 10**9


def make_account(**changes: object) -> Account:
    ledger = FakeLedger()
    ledger.open_account(ACME, credit_nano_usd=5 * USD)
    return replace(ledger.account(ACME), **changes)  # type: ignore[arg-type]  # a builder's changes


def refused(account: Account | None, **changes: object) -> WeirError:
    error = refusal(account, reservation=make_reservation(**changes))  # type: ignore[arg-type]  # as above
    assert error is not None
    return error


def test_nothing_is_refused_when_every_limit_is_just_met() -> None:
    account = make_account(
        limits=AccountLimits(
            requests_per_minute=2,
            tokens_per_minute=2,
            in_flight=2,
            monthly_nano_usd=NanoUsd(5 * USD),
        ),
        in_flight=1,
        requests_by_minute={MINUTE: 1, MINUTE - 1: 9},
        tokens_by_minute={MINUTE: 1, MINUTE - 1: 9},
        remaining_by_month={"2611": 5 * USD, "2610": 0},
    )

    assert refusal(account, reservation=make_reservation(estimate=5 * USD)) is None


@pytest.mark.parametrize(
    ("account", "message"),
    [
        (None, "There is no account to charge this request to."),
        (make_account(status=AccountStatus.SUSPENDED), "This account is suspended."),
    ],
    ids=["absent", "suspended"],
)
def test_request_is_forbidden_when_the_account_may_not_be_charged(
    account: Account | None, message: str
) -> None:
    error = refused(account)

    assert (error.status, error.message) == (403, message)
    assert error.metadata == {"error_type": "permission_denied"}
    assert error.retry_after_s is None


def test_client_may_retry_soon_when_too_many_requests_are_in_flight() -> None:
    error = refused(make_account(limits=AccountLimits(in_flight=3), in_flight=3))

    assert (error.status, error.retry_after_s) == (429, 1)
    assert error.message == "Rate limit exceeded: 3 requests in flight."
    assert error.metadata == {
        "error_type": "rate_limit_exceeded",
        "limit_source": "openrouter_admission_control",
        "headers": {"X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "0"},
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {
                "limits": AccountLimits(requests_per_minute=60),
                "requests_by_minute": {MINUTE: 60},
            },
            "Rate limit exceeded: 60 requests per minute.",
        ),
        (
            {"limits": AccountLimits(tokens_per_minute=60), "tokens_by_minute": {MINUTE: 75}},
            "Rate limit exceeded: 60 tokens per minute.",
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
    assert error.metadata is not None
    assert error.metadata["headers"] == {
        "X-RateLimit-Limit": "60",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(NOON_MS + 60_000),
    }


@pytest.mark.parametrize(
    ("changes", "reason", "available"),
    [
        ({"available_nano_usd": NanoUsd(USD // 4)}, "credits", "0.25"),
        ({"available_nano_usd": NanoUsd(-USD)}, "credits", "0"),
        ({"remaining_by_month": {"2611": 1}}, "monthly_limit", "0.000000001"),
        ({"limits": AccountLimits(monthly_nano_usd=NanoUsd(USD))}, "monthly_limit", "1"),
    ],
    ids=["credit", "overspent", "month", "first of a month"],
)
def test_client_learns_what_it_can_afford_when_the_estimate_is_not_covered(
    changes: dict[str, object], reason: str, available: str
) -> None:
    error = refused(make_account(**changes), estimate=1_500_000_001)

    assert (error.status, error.retry_after_s) == (402, None)
    assert error.metadata == {
        "error_type": "payment_required",
        "limit_source": "openrouter_credits",
        "reason": reason,
        "available_usd": Decimal(available),
        "required_usd": Decimal("1.500000001"),
    }
    assert error.message.startswith(
        "This request requires more credits, or fewer max_tokens: it may cost up to $1.500000001"
    )
    assert error.message.endswith(f"cover ${available}.")
