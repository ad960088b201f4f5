"""Tenant changes: what the operator wishes of a tenant, applied to what it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from weir.domain.accounts import Account, AccountStatus
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.price_plans import PricePlan
from weir.domain.tenants import Tenant

Fields = Mapping[str, Any]
"""New values by the names of a dataclass's fields; what is absent stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantChange:
    """What shall change; a new tenant is a change of one with nothing set.

    Attributes:
        profile: Fields of `Tenant` that stand by themselves.
        limits: Fields of `AccountLimits`, of the tenant's account, all lanes together.
        end_user_limits: The same of each end user, who then has an account; None leaves them.
        drops_end_user_limits: Takes end users their accounts.
        plan: Fields of `PricePlan` but its version, which follows.
        policy: Fields of `Policy`.
    """

    profile: Fields = field(default_factory=dict)
    limits: Fields = field(default_factory=dict)
    end_user_limits: Fields | None = None
    drops_end_user_limits: bool = False
    plan: Fields = field(default_factory=dict)
    policy: Fields = field(default_factory=dict)

    def applied(self, tenant: Tenant, *, limits: AccountLimits) -> tuple[Tenant, AccountLimits]:
        """Return the tenant as it shall be, and the limits of its account."""
        wished = replace(limits, **self.limits)
        changed = replace(
            tenant,
            **self.profile,
            limit_period=wished.period,
            end_user_limits=self._end_user_limits(tenant),
            plan=self._plan(tenant),
            policy=replace(tenant.policy, **self.policy),
        )
        return changed, wished

    def _end_user_limits(self, tenant: Tenant) -> AccountLimits | None:
        if self.drops_end_user_limits:
            return None
        if self.end_user_limits is None:
            return tenant.end_user_limits
        return replace(tenant.end_user_limits or AccountLimits(), **self.end_user_limits)

    def _plan(self, tenant: Tenant) -> PricePlan:
        """Return the current plan, or the next version when its prices differ."""
        plan = tenant.plan
        wished = {"multiplier_ppm": plan.multiplier_ppm, "models": plan.models, **self.plan}
        if (wished["multiplier_ppm"], wished["models"]) == (plan.multiplier_ppm, plan.models):
            return plan
        return PricePlan(version=plan.version + 1, **wished)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneChange:
    """What one lane of a tenant's account shall be.

    Attributes:
        account: As it was read.
        limits: Its share.
        spent_nano_usd: Its share of what was settled in the current period of the new limit; counts
            only when that period is another than before.
    """

    account: Account
    status: AccountStatus
    limits: AccountLimits
    spent_nano_usd: NanoUsd = NanoUsd(0)
