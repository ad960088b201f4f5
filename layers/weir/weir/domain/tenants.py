"""Tenants: the customers of the operator, and the policy each one's requests are held under."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NewType

from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.policies import ANYTHING, Policy
from weir.domain.price_plans import AT_COST, PricePlan

TenantId = NewType("TenantId", str)

TENANT_ID = r"[a-z0-9][a-z0-9-]{0,62}"
"""What the operator may call a tenant."""
DEFAULT_MAX_TOKENS = 4096

_ID = re.compile(TENANT_ID)


class TenantStatus(StrEnum):
    """Whether a tenant may do anything. The stored letters.

    A suspended tenant's keys are good, but its accounts take no hold. A closed one's keys are
    refused everywhere, for ever: its id is not given again, its books stay.
    """

    ACTIVE = "A"
    SUSPENDED = "S"
    CLOSED = "C"


class PromptBound(StrEnum):
    """How the tokens of a prompt are bounded before the call (ledger: the estimate)."""

    STRICT = "strict"
    TYPICAL = "typical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A tenant's profile.

    Attributes:
        tenant_id: Not empty, and without `/`: the accounts below it are named by what follows one.
        namespace_key: Secret bytes; keys the HMAC that separates `user`, `session_id` and
            `prompt_cache_key` of one tenant from another's before they go upstream.
        default_max_tokens: Sent upstream when the client sets no `max_tokens`, because a request
            without a bound cannot be held.
        unpriced_hold_nano_usd: Flat hold for a model or feature without a known price; None
            refuses it.
        lanes: Number of items the tenant's account is split into.
        limit_period: Of the spending limit of the tenant's account.
        end_user_limits: Limits of each end user that a request names; such an account is opened
            with its first request. None gives end users no accounts.
        plan: What the tenant pays for what upstream charges.
        policy: What the tenant's requests may reach.
        name: What the operator calls it; empty: its id.
        created_ms: Epoch milliseconds.
        updated_ms: Epoch milliseconds of the last change; None when there was none.
    """

    tenant_id: TenantId
    namespace_key: bytes
    default_max_tokens: int = DEFAULT_MAX_TOKENS
    prompt_bound: PromptBound = PromptBound.STRICT
    unpriced_hold_nano_usd: NanoUsd | None = None
    lanes: int = 1
    limit_period: LimitPeriod = LimitPeriod.MONTHLY
    end_user_limits: AccountLimits | None = None
    plan: PricePlan = AT_COST
    policy: Policy = ANYTHING
    name: str = ""
    status: TenantStatus = TenantStatus.ACTIVE
    created_ms: int = 0
    updated_ms: int | None = None

    def __post_init__(self) -> None:
        """Refuse an id that could be taken for an account of another tenant.

        Raises:
            ValueError: The id is empty or holds `/`.
        """
        if not self.tenant_id or "/" in self.tenant_id:
            raise ValueError(f"{self.tenant_id!r} is no tenant's id")

    @property
    def is_closed(self) -> bool:
        """Tell whether the tenant is gone for good."""
        return self.status is TenantStatus.CLOSED

    def touched(self, now_ms: int) -> "Tenant":
        """Return the tenant with a later time of change than it has."""
        return replace(self, updated_ms=max(now_ms, (self.updated_ms or 0) + 1))


def is_tenant_id(text: str) -> bool:
    """Tell whether the operator may call a tenant so."""
    return _ID.fullmatch(text) is not None
