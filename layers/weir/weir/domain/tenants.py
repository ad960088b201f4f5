"""Tenants: the customers of the operator, and the policy each one's requests are held under."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.policies import ANYTHING, Policy
from weir.domain.price_plans import AT_COST, PricePlan

TenantId = NewType("TenantId", str)


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
    """

    tenant_id: TenantId
    namespace_key: bytes
    default_max_tokens: int = 4096
    prompt_bound: PromptBound = PromptBound.STRICT
    unpriced_hold_nano_usd: NanoUsd | None = None
    lanes: int = 1
    limit_period: LimitPeriod = LimitPeriod.MONTHLY
    end_user_limits: AccountLimits | None = None
    plan: PricePlan = AT_COST
    policy: Policy = ANYTHING

    def __post_init__(self) -> None:
        """Refuse an id that could be taken for an account of another tenant.

        Raises:
            ValueError: The id is empty or holds `/`.
        """
        if not self.tenant_id or "/" in self.tenant_id:
            raise ValueError(f"{self.tenant_id!r} is no tenant's id")
