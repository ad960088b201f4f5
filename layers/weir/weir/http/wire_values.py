"""Values as OpenRouter writes them: times, and the ids of what this gateway has but one of."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid5

from weir.domain.money import NanoUsd, usd
from weir.domain.periods import LimitPeriod
from weir.domain.tenants import TenantId

# Names the gateway's own ids apart from any other use of version 5; made once, at random.
_OURS = UUID("6b1a7c1e-2f0d-4b7e-9d53-0f6f4c6f9a31")
_MS_PER_S = 1_000

RESETS = {
    LimitPeriod.DAILY: "daily",
    LimitPeriod.WEEKLY: "weekly",
    LimitPeriod.MONTHLY: "monthly",
}
"""OpenRouter's words for how often a limit starts anew; null stands for never."""


def workspace_id(tenant_id: TenantId) -> str:
    """Return the id of a tenant's one workspace."""
    return str(uuid5(_OURS, f"workspace {tenant_id}"))


def endpoint_id(*, provider: str, model: str) -> str:
    """Return an id of a model at a provider, which upstream does not tell."""
    return str(uuid5(_OURS, f"endpoint {provider} {model}"))


def timestamp(epoch_ms: int) -> str:
    """Write a moment in whole seconds of UTC."""
    return datetime.fromtimestamp(epoch_ms // _MS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def timestamp_or_none(epoch_ms: int | None) -> str | None:
    """Write a moment that there may be."""
    return None if epoch_ms is None else timestamp(epoch_ms)


def dollars(amount: NanoUsd) -> Decimal:
    """Return an amount as the shortest exact number of USD."""
    exact = usd(amount)
    return Decimal(f"{exact.normalize():f}")


def dollars_or_none(amount: NanoUsd | None) -> Decimal | None:
    """Return an amount that there may be."""
    return None if amount is None else dollars(amount)
