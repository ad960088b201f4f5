"""Accounts: one budget holder with limits, open holds and counters, as one ledger item."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from weir.domain.generations import GenerationId
from weir.domain.holds import Hold
from weir.domain.money import NanoUsd

AccountId = NewType("AccountId", str)

UNLIMITED = 10**15


class AccountStatus(StrEnum):
    """Whether an account may be charged. The stored strings."""

    ACTIVE = "A"
    SUSPENDED = "S"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """Ceilings of one account lane; `UNLIMITED` switches one off.

    `monthly_nano_usd` bounds what may be held and spent in a UTC calendar month.
    """

    requests_per_minute: int = UNLIMITED
    tokens_per_minute: int = UNLIMITED
    in_flight: int = UNLIMITED
    monthly_nano_usd: NanoUsd = NanoUsd(UNLIMITED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The state of one account lane.

    `available` is what is left to hold: credit - spent - open holds. Counters are keyed by their
    period, so that no reset job exists: minutes are epoch minutes, days `yymmdd`, months `yymm`.
    """

    account_id: AccountId
    lane: int
    status: AccountStatus
    credit_nano_usd: NanoUsd
    available_nano_usd: NanoUsd
    spent_nano_usd: NanoUsd
    in_flight: int
    sequence: int
    limits: AccountLimits
    holds: Mapping[GenerationId, Hold]
    requests_by_minute: Mapping[int, int] = field(default_factory=dict)
    tokens_by_minute: Mapping[int, int] = field(default_factory=dict)
    remaining_by_month: Mapping[str, int] = field(default_factory=dict)
    requests_by_day: Mapping[str, int] = field(default_factory=dict)
    spent_by_day: Mapping[str, int] = field(default_factory=dict)
