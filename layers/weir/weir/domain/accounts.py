"""Accounts: one budget holder with limits, open holds and counters, as one ledger item.

Accounts form a tree: the tenant's own account, below it that of an API key or of an end user which
has limits of its own. A request is held on the tenant's account first and released from it last.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType, Protocol

from weir.domain import generations, periods
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold, Level
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId

AccountId = NewType("AccountId", str)

_BELOW = "/"
_END_USER_DIGITS = 20


class AccountStatus(StrEnum):
    """Whether an account may be charged. The stored strings."""

    ACTIVE = "A"
    SUSPENDED = "S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The state of one account lane.

    `available` is what is left to hold: credit - spent - open holds. Counters are keyed by their
    period, so that no reset job exists: minutes are epoch minutes, days `yymmdd`, limit periods as
    `periods.period_key` names them. `folded` is what the closed days, whose counters are gone, have
    cost; `folded_requests` counts their requests.
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
    remaining_by_period: Mapping[str, int] = field(default_factory=dict)
    requests_by_day: Mapping[str, int] = field(default_factory=dict)
    spent_by_day: Mapping[str, int] = field(default_factory=dict)
    folded_nano_usd: NanoUsd = NanoUsd(0)
    folded_requests: int = 0

    @property
    def held_nano_usd(self) -> NanoUsd:
        """Return the sum of all open holds."""
        return NanoUsd(sum(hold.estimate_nano_usd for hold in self.holds.values()))

    def held_within(self, period: str) -> NanoUsd:
        """Return the sum of the open holds of a limit period (`periods.period_key`)."""
        return NanoUsd(
            sum(
                hold.estimate_nano_usd
                for hold in self.holds.values()
                if periods.period_key(hold.period, hold.generation_id) == period
            )
        )


def tenant_account(tenant_id: TenantId) -> AccountId:
    """Return the id of a tenant's own account: the tenant's id."""
    return AccountId(tenant_id)


def key_account(tenant_id: TenantId, key_id: str) -> AccountId:
    """Return the id of the account of an API key with limits of its own."""
    return AccountId(f"{tenant_id}{_BELOW}key{_BELOW}{key_id}")


def end_user_account(tenant_id: TenantId, end_user: str) -> AccountId:
    """Return the id of an end user's account; a digest, because the name is the tenant's text."""
    digest = hashlib.sha256(end_user.encode()).hexdigest()[:_END_USER_DIGITS]
    return AccountId(f"{tenant_id}{_BELOW}user{_BELOW}{digest}")


def tenant_of(account_id: AccountId) -> TenantId:
    """Return the tenant an account belongs to."""
    return TenantId(account_id.partition(_BELOW)[0])


def is_tenant_account(account_id: AccountId) -> bool:
    """Tell whether an account is a tenant's own. Only such accounts have lanes and credit."""
    return _BELOW not in account_id


def is_end_user_account(account_id: AccountId) -> bool:
    """Tell whether an account is that of an end user."""
    return f"{_BELOW}user{_BELOW}" in account_id


class Charged(Protocol):
    """What tells the accounts of a request: its hold, or its usage record."""

    @property
    def key_id(self) -> str:
        """The API key that asked."""
        ...

    @property
    def end_user(self) -> str | None:
        """The end user that asked."""
        ...

    @property
    def levels(self) -> frozenset[Level]:
        """The accounts below the tenant's."""
        ...


def charged_accounts(tenant_id: TenantId, request: Charged) -> tuple[AccountId, ...]:
    """Return every account a request is held on and charged to, the tenant's first."""
    return tenant_account(tenant_id), *accounts_below(tenant_id, request).values()


def accounts_below(tenant_id: TenantId, request: Charged) -> Mapping[Level, AccountId]:
    """Return the accounts below the tenant's that a request is held on and charged to."""
    found = {}
    if Level.KEY in request.levels:
        found[Level.KEY] = key_account(tenant_id, request.key_id)
    if Level.END_USER in request.levels and request.end_user is not None:
        found[Level.END_USER] = end_user_account(tenant_id, request.end_user)
    return found


def lane_of(account_id: AccountId, generation_id: GenerationId) -> int:
    """Return the lane of an account that carries a request; only a tenant's account has several."""
    return generations.lane(generation_id) if is_tenant_account(account_id) else 0
