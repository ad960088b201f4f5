"""The bodies of the account's routes, made from the ledger."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from local.simulator.catalogue import PROVIDER, PROVIDER_SLUG
from local.simulator.ledger import LedgerEntry
from local.simulator.prices import usd_number

_CREDITS_USD: Final = 1000


def generation(entry: LedgerEntry) -> dict[str, Any]:
    """Return the body of `GET /generation` for a final entry."""
    cost = usd_number(entry.cost_nano_usd)
    elapsed_ms = round((entry.closed_at_s - entry.opened_at_s) * 1000)
    data = {
        **_identity(entry),
        **_counts(entry),
        "total_cost": cost,
        "usage": cost,
        "cache_discount": None,
        "upstream_inference_cost": None,
        "is_byok": False,
        "latency": 0,
        "moderation_latency": None,
        "generation_time": elapsed_ms,
        "streamed": entry.streamed,
        "cancelled": entry.cancelled,
        "finish_reason": entry.finish_reason,
        "native_finish_reason": entry.finish_reason,
        "provider_responses": [{"status": 200, "provider_name": entry.provider, "is_byok": False}],
    }
    return {"data": data}


def credit(entries: Iterable[LedgerEntry]) -> dict[str, Any]:
    """Return the body of `GET /credits`."""
    return {"data": {"total_credits": _CREDITS_USD, "total_usage": _spent_usd(entries)}}


def key(presented: str, entries: Iterable[LedgerEntry], *, manages: bool) -> dict[str, Any]:
    """Return the body of `GET /key`; every accepted key shares the one account."""
    spent = _spent_usd(entries)
    periods = ("", "_daily", "_weekly", "_monthly")
    data = {
        "label": f"{presented[:9]}...{presented[-4:]}",
        "limit": None,
        "limit_remaining": None,
        "limit_reset": None,
        "include_byok_in_limit": False,
        **{f"usage{period}": spent for period in periods},
        **{f"byok_usage{period}": 0 for period in periods},
        "is_free_tier": False,
        "is_management_key": manages,
        "is_provisioning_key": manages,
        "creator_user_id": None,
        "organization_id": None,
        "workspace_id": None,
        "expires_at": None,
        "rate_limit": {
            "requests": -1,
            "interval": "10s",
            "note": "This field is deprecated and safe to ignore.",
        },
        "allowed_data_regions": ["global"],
        "budgets": [],
        "effective_budget": None,
        "free_model_daily_requests": {"limit": 1000, "remaining": 1000, "used": 0},
    }
    return {"data": data}


def activity(entries: Iterable[LedgerEntry], *, date: str | None) -> dict[str, Any]:
    """Return the body of `GET /activity`; unlike OpenRouter's, it includes today."""
    groups: dict[tuple[str, str], list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        day = _utc(entry.created).date().isoformat()
        if date is None or day == date:
            groups[day, entry.model].append(entry)
    return {"data": [_activity_row(group, rows) for group, rows in sorted(groups.items())]}


def _activity_row(group: tuple[str, str], rows: list[LedgerEntry]) -> dict[str, Any]:
    day, model = group
    return {
        "date": day,
        "model": model,
        "model_permaslug": model,
        "endpoint_id": PROVIDER_SLUG,
        "provider_name": PROVIDER,
        "usage": _spent_usd(rows),
        "byok_usage_inference": 0,
        "requests": len(rows),
        "prompt_tokens": sum(row.prompt_tokens for row in rows),
        "completion_tokens": sum(row.completion_tokens for row in rows),
        "reasoning_tokens": 0,
        "cached_tokens": sum(row.cached_tokens for row in rows),
    }


def _identity(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "upstream_id": f"sim-{entry.id[-20:]}",
        "request_id": None,
        "session_id": entry.caller.session_id,
        "created_at": _utc(entry.created).isoformat(),
        "model": entry.model,
        "provider_name": entry.provider,
        "router": None,
        "api_type": "completions",
        "origin": entry.caller.http_referer or "",
        "app_id": None,
        "external_user": entry.caller.user,
        "user_agent": entry.caller.user_agent,
        "http_referer": entry.caller.http_referer,
        "preset_id": None,
        "workspace_id": None,
        "data_region": "global",
        "service_tier": None,
        "response_cache_source_id": None,
    }


def _counts(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "tokens_prompt": entry.prompt_tokens,
        "tokens_completion": entry.completion_tokens,
        "native_tokens_prompt": entry.prompt_tokens,
        "native_tokens_completion": entry.completion_tokens,
        "native_tokens_completion_images": 0,
        "native_tokens_reasoning": 0,
        "native_tokens_cached": entry.cached_tokens,
        "num_media_prompt": None,
        "num_input_audio_prompt": None,
        "num_media_completion": None,
        "num_search_results": None,
        "num_fetches": None,
        "web_search_engine": None,
    }


def _spent_usd(entries: Iterable[LedgerEntry]) -> float:
    return usd_number(sum(entry.cost_nano_usd for entry in entries))


def _utc(created: int) -> datetime:
    return datetime.fromtimestamp(created, UTC)
