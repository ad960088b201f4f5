"""Usage: what a request cost, and the immutable record of it."""

from dataclasses import dataclass, replace
from enum import StrEnum

from weir.domain.generations import GenerationId
from weir.domain.holds import Level
from weir.domain.money import NanoUsd
from weir.domain.price_plans import PricePlan
from weir.domain.tenants import TenantId


class RecordStatus(StrEnum):
    """How a request ended, as its usage record says.

    COMPLETED: upstream reported usage. FAILED: upstream certainly charged nothing.
    INTERRUPTED: broken off; cost read from upstream's ledger. CANCELLED: the same, at the tenant's
    own wish. UNKNOWN: nobody knows the cost (0 is stored, an alarm is raised, reconciliation looks
    again). ADJUSTMENT: what was found out later about an UNKNOWN one.
    """

    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    ADJUSTMENT = "adjustment"


class RecordSource(StrEnum):
    """Who wrote a usage record."""

    REQUEST = "request"
    SWEEP = "sweep"
    RECONCILIATION = "reconciliation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What upstream says a generation used. Tokens are of the model's own tokenizer."""

    cost_nano_usd: NanoUsd
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0


NO_USAGE = Usage(cost_nano_usd=NanoUsd(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedGeneration:
    """A generation as upstream's own ledger tells it, after its end."""

    usage: Usage
    model: str | None = None
    provider: str | None = None
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecord:
    """One row of the ledger: exactly one per hold, never changed after it is written.

    A request that ended UNKNOWN may get a second row, its ADJUSTMENT.

    Attributes:
        usage: What upstream charged the operator.
        price_nano_usd: What the tenant owes for it, by its price plan; what accounts are charged.
        plan_version: Of that price plan.
        levels: The accounts below the tenant's that are charged as well.
        adjusts: The request an ADJUSTMENT corrects, on the day it was found out; None otherwise.
        adjusted_by: The id of its adjustment, once there is one: all that is ever added to a row.
        latency_ms: From arrival to upstream's first byte; None when the writer does not know.
        generation_ms: From there to the end; None when the writer does not know.
    """

    tenant_id: TenantId
    generation_id: GenerationId
    status: RecordStatus
    source: RecordSource
    usage: Usage
    price_nano_usd: NanoUsd
    estimate_nano_usd: NanoUsd
    key_id: str
    model: str
    plan_version: int = 0
    end_user: str | None = None
    levels: frozenset[Level] = frozenset()
    adjusts: GenerationId | None = None
    adjusted_by: GenerationId | None = None
    upstream_generation_id: str | None = None
    provider: str | None = None
    finish_reason: str | None = None
    streamed: bool | None = None
    http_status: int | None = None
    latency_ms: int | None = None
    generation_ms: int | None = None

    @property
    def is_adjustment(self) -> bool:
        """Tell whether this row corrects another one and counts no request of its own."""
        return self.status is RecordStatus.ADJUSTMENT


def price(usage: Usage, *, model: str, plan: PricePlan) -> NanoUsd:
    """Return what a tenant owes for a generation; nothing when nothing was used."""
    if usage == NO_USAGE:
        return NanoUsd(0)
    return plan.price(
        model,
        cost_nano_usd=usage.cost_nano_usd,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
    )


def adjusted(record: UsageRecord, *, by: UsageRecord) -> UsageRecord:
    """Return what is known of a request once its adjustment is."""
    return replace(
        record,
        usage=by.usage,
        price_nano_usd=by.price_nano_usd,
        provider=record.provider or by.provider,
        finish_reason=record.finish_reason or by.finish_reason,
        model=by.model,
    )
