"""Usage: what a request cost, and the immutable record of it."""

from dataclasses import dataclass
from enum import StrEnum

from weir.domain.generations import GenerationId
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId


class RecordStatus(StrEnum):
    """How a request ended, as its usage record says.

    COMPLETED: upstream reported usage. FAILED: upstream certainly charged nothing.
    INTERRUPTED: broken off; cost read from upstream's ledger. UNKNOWN: nobody knows the cost (0 is
    stored, an alarm is raised, reconciliation looks again).
    """

    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"


class RecordSource(StrEnum):
    """Who wrote a usage record."""

    REQUEST = "request"
    SWEEP = "sweep"


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
class UsageRecord:
    """One row of the ledger: exactly one per hold, never changed after it is written.

    `latency_ms` is from arrival to upstream's first byte, `generation_ms` from there to the end;
    None when the writer does not know (the sweeper).
    """

    tenant_id: TenantId
    generation_id: GenerationId
    status: RecordStatus
    source: RecordSource
    usage: Usage
    estimate_nano_usd: NanoUsd
    key_id: str
    model: str
    upstream_generation_id: str | None = None
    provider: str | None = None
    finish_reason: str | None = None
    streamed: bool | None = None
    http_status: int | None = None
    latency_ms: int | None = None
    generation_ms: int | None = None
