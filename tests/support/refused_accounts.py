"""Accounts in the state that a refusal explains, and how to get the refusal."""

from dataclasses import replace

from tests.support.ledger_values import ACME, NOON_MS, make_reservation
from weir.domain.accounts import (
    Account,
    AccountStatus,
    end_user_account,
    key_account,
    tenant_account,
)
from weir.domain.errors import WeirError
from weir.domain.holds import Hold
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.refusals import refusal

MINUTE = NOON_MS // 60_000
USD = 10**9
TENANT = tenant_account(ACME)
KEY = key_account(ACME, "0123abcd")
USER = end_user_account(ACME, "alice")


def make_account(**changes: object) -> Account:
    account = Account(
        account_id=TENANT,
        lane=0,
        status=AccountStatus.ACTIVE,
        credit_nano_usd=NanoUsd(5 * USD),
        available_nano_usd=NanoUsd(5 * USD),
        spent_nano_usd=NanoUsd(0),
        in_flight=0,
        sequence=0,
        limits=AccountLimits(),
        holds={},
    )
    return replace(account, **changes)  # type: ignore[arg-type]  # a builder's changes


def limited(spend_usd: float, period: LimitPeriod = LimitPeriod.MONTHLY) -> AccountLimits:
    return AccountLimits(spend_nano_usd=NanoUsd(int(spend_usd * USD)), period=period)


def holding(*holds: Hold) -> dict[str, object]:
    return {"holds": {hold.generation_id: hold for hold in holds}, "in_flight": len(holds)}


def refused(account: Account | None, **changes: object) -> WeirError:
    error = refusal(account, reservation=make_reservation(**changes))  # type: ignore[arg-type]  # as above
    assert error is not None
    return error


def metadata(error: WeirError) -> dict[str, object]:
    assert error.metadata is not None
    return dict(error.metadata)
