"""API keys on the wire. The fields, their order and what is null are OpenRouter's."""

from decimal import Decimal
from typing import TypedDict

from weir.domain.api_keys import KeyKind
from weir.domain.key_standings import KeyStanding
from weir.domain.money import NanoUsd
from weir.http.wire_values import (
    RESETS,
    dollars,
    dollars_or_none,
    timestamp,
    timestamp_or_none,
    workspace_id,
)

_NOTHING = Decimal(0)


class RateLimit(TypedDict):
    """A field without meaning that every SDK still wants."""

    requests: int
    interval: str
    note: str


class FreeRequests(TypedDict):
    """Requests to models that cost nobody anything: here every model has its price."""

    limit: int
    remaining: int
    used: int


class Budget(TypedDict):
    """OpenRouter's KeyBudget."""

    budget_id: str | None
    guardrail_id: str | None
    include_byok: bool
    limit_usd: Decimal
    remaining_usd: Decimal
    reset_interval: str | None
    resets_at: str | None
    scope: str
    spend_usd: Decimal


class KeyBody(TypedDict):
    """A key among the keys of its tenant."""

    hash: str
    name: str
    label: str
    disabled: bool
    limit: Decimal | None
    limit_remaining: Decimal | None
    limit_reset: str | None
    include_byok_in_limit: bool
    usage: Decimal
    usage_daily: Decimal
    usage_weekly: Decimal
    usage_monthly: Decimal
    byok_usage: Decimal
    byok_usage_daily: Decimal
    byok_usage_weekly: Decimal
    byok_usage_monthly: Decimal
    created_at: str
    updated_at: str | None
    last_used_at: str | None
    external_user: str | None
    creator_user_id: str | None
    workspace_id: str
    expires_at: str | None


class OwnKeyBody(TypedDict):
    """A key as its own holder sees it."""

    label: str
    limit: Decimal | None
    usage: Decimal
    usage_daily: Decimal
    usage_weekly: Decimal
    usage_monthly: Decimal
    byok_usage: Decimal
    byok_usage_daily: Decimal
    byok_usage_weekly: Decimal
    byok_usage_monthly: Decimal
    is_free_tier: bool
    is_management_key: bool
    is_provisioning_key: bool
    limit_remaining: Decimal | None
    limit_reset: str | None
    include_byok_in_limit: bool
    creator_user_id: str | None
    organization_id: str | None
    workspace_id: str
    expires_at: str | None
    rate_limit: RateLimit
    allowed_data_regions: list[str]
    budgets: list[Budget]
    effective_budget: Budget | None
    free_model_daily_requests: FreeRequests


def key_body(standing: KeyStanding) -> KeyBody:
    """Write a key for whoever manages it."""
    key, spending = standing.key, standing.spending
    return {
        "hash": key.key_hash,
        "name": key.name or key.label,
        "label": key.label,
        "disabled": key.disabled,
        "limit": dollars_or_none(standing.limit_nano_usd),
        "limit_remaining": dollars_or_none(standing.remaining_nano_usd),
        "limit_reset": RESETS.get(standing.period),
        "include_byok_in_limit": key.includes_byok,
        "usage": dollars(spending.total),
        "usage_daily": dollars(spending.daily),
        "usage_weekly": dollars(spending.weekly),
        "usage_monthly": dollars(spending.monthly),
        "byok_usage": _NOTHING,
        "byok_usage_daily": _NOTHING,
        "byok_usage_weekly": _NOTHING,
        "byok_usage_monthly": _NOTHING,
        "created_at": timestamp(key.created_ms),
        "updated_at": timestamp_or_none(key.updated_ms),
        "last_used_at": None,
        "external_user": key.external_user,
        "creator_user_id": key.creator,
        "workspace_id": workspace_id(key.tenant.tenant_id),
        "expires_at": timestamp_or_none(key.expires_at_ms),
    }


def own_key_body(standing: KeyStanding) -> OwnKeyBody:
    """Write a key for whoever holds it."""
    key, spending = standing.key, standing.spending
    budget = _budget(standing)
    is_management = key.kind is KeyKind.MANAGEMENT
    return {
        "label": key.label,
        "limit": dollars_or_none(standing.limit_nano_usd),
        "usage": dollars(spending.total),
        "usage_daily": dollars(spending.daily),
        "usage_weekly": dollars(spending.weekly),
        "usage_monthly": dollars(spending.monthly),
        "byok_usage": _NOTHING,
        "byok_usage_daily": _NOTHING,
        "byok_usage_weekly": _NOTHING,
        "byok_usage_monthly": _NOTHING,
        "is_free_tier": False,
        "is_management_key": is_management,
        "is_provisioning_key": is_management,
        "limit_remaining": dollars_or_none(standing.remaining_nano_usd),
        "limit_reset": RESETS.get(standing.period),
        "include_byok_in_limit": key.includes_byok,
        "creator_user_id": key.creator,
        "organization_id": None,
        "workspace_id": workspace_id(key.tenant.tenant_id),
        "expires_at": timestamp_or_none(key.expires_at_ms),
        "rate_limit": {
            "requests": -1,
            "interval": "10s",
            "note": "This field is deprecated and safe to ignore.",
        },
        "allowed_data_regions": ["global"],
        "budgets": [] if budget is None else [budget],
        "effective_budget": budget,
        "free_model_daily_requests": {"limit": 0, "remaining": 0, "used": 0},
    }


def _budget(standing: KeyStanding) -> Budget | None:
    limit, remaining = standing.limit_nano_usd, standing.remaining_nano_usd
    if limit is None or remaining is None:
        return None
    return {
        "budget_id": None,
        "guardrail_id": None,
        "include_byok": standing.key.includes_byok,
        "limit_usd": dollars(limit),
        "remaining_usd": dollars(remaining),
        "reset_interval": RESETS.get(standing.period),
        "resets_at": timestamp_or_none(standing.resets_at_ms),
        "scope": "key_limit",
        "spend_usd": dollars(NanoUsd(limit - remaining)),
    }
