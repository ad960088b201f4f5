"""Tenants on the wire, as the operator sees them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal, TypedDict, cast

from weir.domain.audit_log import AuditEntry
from weir.domain.key_standings import KeyStanding
from weir.domain.money import NanoUsd
from weir.domain.tenant_registers import Grant
from weir.domain.tenant_standings import TenantStanding, tenant_facts
from weir.http.key_bodies import KeyBody, key_body
from weir.http.wire_values import dollars, timestamp, timestamp_or_none


class LimitsBody(TypedDict):
    """Limits, of a tenant or of each of its end users; null is none, 0 admits nothing."""

    requests_per_minute: int | None
    tokens_per_minute: int | None
    in_flight: int | None
    spend: Decimal | None
    reset: str | None


class PricePlanBody(TypedDict):
    """What the tenant pays for what upstream charges.

    `models` has a multiplier for each name, or an object of prices in USD.
    """

    version: int
    multiplier: Decimal
    models: dict[str, Any]


class PolicyBody(TypedDict):
    """What the tenant's requests may reach; null is everything."""

    models: list[str] | None
    providers: list[str] | None
    data_collection: str | None
    zdr: bool
    max_tokens: int | None


class CreditsBody(TypedDict):
    """Credit in all, what is settled of it, and the rest."""

    total: Decimal
    used: Decimal
    remaining: Decimal


class TenantBody(TypedDict):
    """A tenant."""

    id: str
    name: str
    status: Literal["active", "suspended", "closed"]
    created_at: str
    updated_at: str | None
    default_max_tokens: int
    prompt_bound: str
    unpriced_hold: Decimal | None
    lanes: int
    limits: LimitsBody
    end_user_limits: LimitsBody | None
    price_plan: PricePlanBody
    policy: PolicyBody
    credits: CreditsBody


class GrantBody(TypedDict):
    """Credit that was added."""

    amount: Decimal
    reference: str
    created_at: str


class GrantsBody(TypedDict):
    """A tenant's credit, and what was added to it."""

    total: Decimal
    used: Decimal
    remaining: Decimal
    grants: list[GrantBody]


class AddedBody(TypedDict):
    """Credit that was added by this request or before, and what the tenant then has."""

    amount: Decimal
    reference: str
    credits: CreditsBody


class IssuedKeyBody(KeyBody):
    """A key among the keys of a tenant, of either kind."""

    kind: Literal["inference", "management"]


class EntryBody(TypedDict):
    """An entry of the audit log; `before` and `after` have what is not the same in both."""

    id: str
    at: str
    who: str
    request_id: str
    action: str
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]


def tenant_body(standing: TenantStanding) -> TenantBody:
    """Write a tenant."""
    tenant = standing.tenant
    facts = dict(tenant_facts(tenant, limits=standing.limits))
    body = {
        "id": tenant.tenant_id,
        "name": facts.pop("name"),
        "status": facts.pop("status"),
        "created_at": timestamp(tenant.created_ms),
        "updated_at": timestamp_or_none(tenant.updated_ms),
        **facts,
        "credits": credits_body(standing),
    }
    return cast("TenantBody", body)


def credits_body(standing: TenantStanding) -> CreditsBody:
    """Write a tenant's credit."""
    total, used = standing.granted_nano_usd, standing.used_nano_usd
    return {
        "total": dollars(total),
        "used": dollars(used),
        "remaining": dollars(NanoUsd(total - used)),
    }


def grants_body(standing: TenantStanding, grants: Sequence[Grant]) -> GrantsBody:
    """Write a tenant's credit with what was added to it."""
    listed: list[GrantBody] = [
        {
            "amount": dollars(grant.amount_nano_usd),
            "reference": grant.reference,
            "created_at": timestamp(grant.at_ms),
        }
        for grant in grants
    ]
    return {**credits_body(standing), "grants": listed}


def issued_key_body(standing: KeyStanding) -> IssuedKeyBody:
    """Write a key for the operator."""
    return {**key_body(standing), "kind": standing.key.kind.value}


def entry_body(entry: AuditEntry) -> EntryBody:
    """Write an entry of the audit log."""
    return {
        "id": entry.entry_id,
        "at": timestamp(entry.at_ms),
        "who": entry.actor.who,
        "request_id": entry.actor.request_id,
        "action": entry.deed.action.value,
        "subject": entry.deed.subject,
        "before": dict(entry.deed.before),
        "after": dict(entry.deed.after),
    }
