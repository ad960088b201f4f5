"""Builders of ledger values with sensible defaults."""

import itertools
from dataclasses import replace
from typing import Any

from weir.domain import generations
from weir.domain.generations import GenerationId, new_generation_id
from weir.domain.holds import Hold, Reservation
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId
from weir.domain.usage import RecordSource, RecordStatus, Usage, UsageRecord

ACME = TenantId("acme")
NOON_MS = 1_795_003_200_000
"""2026-11-18T12:00:00Z."""

_serial = itertools.count(1)


def new_id(*, now_ms: int = NOON_MS, lane: int = 0) -> GenerationId:
    """A generation id that no other call returns."""
    return new_generation_id(now_ms=now_ms, lane=lane, random=next(_serial).to_bytes(14))


def make_hold(
    *, estimate: int = 1_000, now_ms: int = NOON_MS, lane: int = 0, **changes: Any
) -> Hold:
    """A hold of a new request."""
    values: dict[str, Any] = {
        "generation_id": new_id(now_ms=now_ms, lane=lane),
        "estimate_nano_usd": NanoUsd(estimate),
        "key_id": "0123abcd",
        "model": "maker/model-1",
    }
    return Hold(**{**values, **changes})


def make_reservation(
    hold: Hold | None = None, *, tokens: int = 10, now_ms: int = NOON_MS, **changes: Any
) -> Reservation:
    """A reservation for a hold, or for a new one with the given changes."""
    return Reservation(
        hold=hold or make_hold(now_ms=now_ms, **changes), tokens=tokens, now_ms=now_ms
    )


def make_record(
    hold: Hold, *, cost: int = 400, tenant_id: TenantId = ACME, **changes: Any
) -> UsageRecord:
    """The usage record of a completed request, charged at cost unless a price is given."""
    values: dict[str, Any] = {
        "tenant_id": tenant_id,
        "generation_id": hold.generation_id,
        "status": RecordStatus.COMPLETED,
        "source": RecordSource.REQUEST,
        "usage": Usage(cost_nano_usd=NanoUsd(cost)),
        "price_nano_usd": NanoUsd(cost),
        "plan_version": hold.plan_version,
        "end_user": hold.end_user,
        "levels": hold.levels,
        "estimate_nano_usd": hold.estimate_nano_usd,
        "key_id": hold.key_id,
        "model": hold.model,
        "upstream_generation_id": hold.upstream_generation_id,
    }
    return UsageRecord(**{**values, **changes})


def make_adjustment(
    record: UsageRecord, *, cost: int, now_ms: int = NOON_MS, **changes: Any
) -> UsageRecord:
    """What was found out about a request that ended unknown."""
    lane = generations.lane(record.generation_id)
    values: dict[str, Any] = {
        "generation_id": new_id(now_ms=now_ms, lane=lane),
        "status": RecordStatus.ADJUSTMENT,
        "source": RecordSource.RECONCILIATION,
        "usage": Usage(cost_nano_usd=NanoUsd(cost)),
        "price_nano_usd": NanoUsd(cost),
        "adjusts": record.generation_id,
        "adjusted_by": None,
    }
    return replace(record, **{**values, **changes})
