"""Tenant standings: a tenant with its limits and its credit, and how the API tells all of it."""

from dataclasses import dataclass
from decimal import Decimal

from weir.domain.api_keys import ApiKey
from weir.domain.audit_log import Facts
from weir.domain.limits import UNLIMITED, AccountLimits
from weir.domain.money import NanoUsd, PicoUsd, usd
from weir.domain.periods import LimitPeriod
from weir.domain.policies import Policy
from weir.domain.price_plans import UNIT_PPM, PricePlan, Rate, TokenPrices
from weir.domain.tenants import Tenant

_PICO_PER_USD = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantStanding:
    """A tenant with what its account says, all lanes together.

    Attributes:
        limits: Of its account.
        granted_nano_usd: Credit in all.
        used_nano_usd: Settled in all.
    """

    tenant: Tenant
    limits: AccountLimits
    granted_nano_usd: NanoUsd = NanoUsd(0)
    used_nano_usd: NanoUsd = NanoUsd(0)


def tenant_facts(tenant: Tenant, *, limits: AccountLimits) -> Facts:
    """Tell what a tenant is: everything that the operator can set."""
    hold, end_user_limits = tenant.unpriced_hold_nano_usd, tenant.end_user_limits
    return {
        "name": tenant.name or tenant.tenant_id,
        "status": tenant.status.name.lower(),
        "default_max_tokens": tenant.default_max_tokens,
        "prompt_bound": tenant.prompt_bound.value,
        "unpriced_hold": None if hold is None else _usd(hold),
        "lanes": tenant.lanes,
        "limits": _limit_facts(limits),
        "end_user_limits": None if end_user_limits is None else _limit_facts(end_user_limits),
        "price_plan": _plan_facts(tenant.plan),
        "policy": _policy_facts(tenant.policy),
    }


def key_facts(key: ApiKey, *, limits: AccountLimits | None) -> Facts:
    """Tell what an API key is, without what it has spent.

    Args:
        key: Which.
        limits: Of its own account; None when it has none.
    """
    spend = UNLIMITED if limits is None else limits.spend_nano_usd
    return {
        "name": key.name,
        "label": key.label,
        "kind": key.kind.value,
        "disabled": key.disabled,
        "limit": None if spend >= UNLIMITED else _usd(NanoUsd(spend)),
        "limit_reset": None if limits is None else _reset(limits.period),
        "include_byok_in_limit": key.includes_byok,
        "expires_at_ms": key.expires_at_ms,
        "creator_user_id": key.creator,
        "external_user": key.external_user,
    }


def grant_facts(amount_nano_usd: int) -> Facts:
    """Tell what a grant is."""
    return {"amount": _usd(NanoUsd(amount_nano_usd))}


def _limit_facts(limits: AccountLimits) -> Facts:
    spend = limits.spend_nano_usd
    return {
        "requests_per_minute": _limit(limits.requests_per_minute),
        "tokens_per_minute": _limit(limits.tokens_per_minute),
        "in_flight": _limit(limits.in_flight),
        "spend": None if spend >= UNLIMITED else _usd(spend),
        "reset": _reset(limits.period),
    }


def _plan_facts(plan: PricePlan) -> Facts:
    return {
        "version": plan.version,
        "multiplier": _multiplier(plan.multiplier_ppm),
        "models": {model: _rate_facts(rate) for model, rate in plan.models.items()},
    }


def _rate_facts(rate: Rate) -> object:
    if not isinstance(rate, TokenPrices):
        return _multiplier(rate)
    return {
        "prompt": _price(rate.prompt_pico_usd),
        "completion": _price(rate.completion_pico_usd),
        "request": _price(rate.request_pico_usd),
    }


def _policy_facts(policy: Policy) -> Facts:
    collection = policy.data_collection
    return {
        "models": None if policy.models is None else list(policy.models),
        "providers": None if policy.providers is None else list(policy.providers),
        "data_collection": None if collection is None else collection.value,
        "zdr": policy.zdr,
        "max_tokens": policy.max_tokens,
    }


def _limit(amount: int) -> int | None:
    return None if amount >= UNLIMITED else amount


def _reset(period: LimitPeriod) -> str | None:
    return None if period is LimitPeriod.TOTAL else period.name.lower()


def _multiplier(ppm: int) -> Decimal:
    return _shortest(Decimal(ppm) / UNIT_PPM)


def _price(amount: PicoUsd) -> Decimal:
    return _shortest(Decimal(amount) / _PICO_PER_USD)


def _usd(amount: NanoUsd) -> Decimal:
    return _shortest(usd(amount))


def _shortest(exact: Decimal) -> Decimal:
    return Decimal(f"{exact.normalize():f}")
