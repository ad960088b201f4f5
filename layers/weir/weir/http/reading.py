"""What an upstream body tells about its generation: usage, model, provider, how it finished."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from weir.domain.money import nano_usd
from weir.domain.usage import Usage

_MAX_TEXT_CHARS = 256


@dataclass(slots=True, kw_only=True)
class GenerationReading:
    """Facts read so far, None until they appear; a later fact replaces an earlier one."""

    upstream_generation_id: str | None = None
    usage: Usage | None = None
    model: str | None = None
    provider: str | None = None
    finish_reason: str | None = None

    def update(self, values: Mapping[str, Any]) -> None:
        """Take in one upstream object: a whole answer or a chunk of one."""
        upstream_generation_id = shown_text(values.get("id"))
        self.upstream_generation_id = upstream_generation_id or self.upstream_generation_id
        self.usage = read_usage(values.get("usage")) or self.usage
        self.model = shown_text(values.get("model")) or self.model
        self.provider = shown_text(values.get("provider")) or self.provider
        self.finish_reason = _finish_reason(values.get("choices")) or self.finish_reason


def read_usage(usage: Any) -> Usage | None:
    """Return upstream's usage, None when it does not state a cost that can be billed."""
    if not isinstance(usage, dict):
        return None
    cost = usage.get("cost")
    if isinstance(cost, bool) or not isinstance(cost, int | Decimal):
        return None
    try:
        cost_nano_usd = nano_usd(cost)
    except ValueError:
        return None
    return Usage(
        cost_nano_usd=cost_nano_usd,
        prompt_tokens=_tokens(usage, "prompt_tokens"),
        completion_tokens=_tokens(usage, "completion_tokens"),
        reasoning_tokens=_tokens(usage.get("completion_tokens_details"), "reasoning_tokens"),
        cached_tokens=_tokens(usage.get("prompt_tokens_details"), "cached_tokens"),
    )


def shown_text(value: Any) -> str | None:
    """Return a name that can be stored and shown: valid Unicode of bounded length."""
    if not isinstance(value, str) or not value:
        return None
    return value[:_MAX_TEXT_CHARS].encode("utf-8", "replace").decode()


def _tokens(counts: Any, name: str) -> int:
    count = counts.get(name) if isinstance(counts, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and count > 0 else 0


def _finish_reason(choices: Any) -> str | None:
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and (reason := shown_text(choice.get("finish_reason"))):
            return reason
    return None
