"""Events: what the gateway tells other systems, each at least once and under one id.

Receivers deduplicate by the id. Money is there twice: as an integer of nano-USD, and as a decimal
string of USD, because a JSON number would pass through a float in many a receiver.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from weir.domain import generations
from weir.domain.alerts import Alert
from weir.domain.money import NanoUsd, usd
from weir.domain.usage import UsageRecord

USAGE_RECORDED = "weir.usage.recorded"
BUDGET_THRESHOLD = "weir.budget.threshold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event.

    Attributes:
        event_id: The same whenever the same thing is told again; `detail["id"]`.
        at_s: When it happened, epoch seconds.
        detail: JSON: strings, integers, None.
    """

    event_id: str
    detail_type: str
    at_s: int
    detail: Mapping[str, str | int | None]


def usage_recorded(record: UsageRecord) -> Event:
    """Return the event of a new usage record; its id is the generation id."""
    usage = record.usage
    created_s = generations.created_s(record.generation_id)
    return Event(
        event_id=record.generation_id,
        detail_type=USAGE_RECORDED,
        at_s=created_s,
        detail={
            "id": record.generation_id,
            "created_at": datetime.fromtimestamp(created_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tenant_id": record.tenant_id,
            "key_id": record.key_id,
            "end_user": record.end_user,
            "model": record.model,
            "provider": record.provider,
            "status": record.status,
            "adjusts": record.adjusts,
            "upstream_generation_id": record.upstream_generation_id,
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
            "cached_tokens": usage.cached_tokens,
            "cost_nano_usd": usage.cost_nano_usd,
            "cost_usd": _decimal(usage.cost_nano_usd),
            "price_nano_usd": record.price_nano_usd,
            "price_usd": _decimal(record.price_nano_usd),
            "plan_version": record.plan_version,
        },
    )


def budget_threshold(alert: Alert) -> Event:
    """Return the event of an alert; its id is the alert's identity."""
    return Event(
        event_id=alert.identity,
        detail_type=BUDGET_THRESHOLD,
        at_s=alert.at_s,
        detail={
            "id": alert.identity,
            "tenant_id": alert.tenant_id,
            "account_id": alert.account_id,
            "key_id": alert.key_id,
            "end_user": alert.end_user,
            "budget": alert.budget,
            "period": alert.period,
            "threshold_percent": alert.threshold_percent,
            "limit_nano_usd": alert.limit_nano_usd,
            "limit_usd": _decimal(alert.limit_nano_usd),
            "spent_nano_usd": alert.spent_nano_usd,
            "spent_usd": _decimal(alert.spent_nano_usd),
            "held_nano_usd": alert.held_nano_usd,
            "held_usd": _decimal(alert.held_nano_usd),
        },
    )


def _decimal(amount: NanoUsd) -> str:
    return f"{usd(amount):f}"
