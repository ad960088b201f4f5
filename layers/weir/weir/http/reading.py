"""What an upstream body tells about its generation: usage, model, provider, how it finished."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from weir.domain.money import NanoUsd, nano_usd
from weir.domain.usage import Usage

_MAX_TEXT_CHARS = 256
# More than any model takes, less than a table's numbers hold; beyond it a count says nothing.
_MAX_TOKENS = 10**12


@dataclass(slots=True, kw_only=True)
class GenerationReading:
    """Facts read so far, None until they appear; a later fact replaces an earlier one."""

    upstream_generation_id: str | None = None
    usage: Usage | None = None
    model: str | None = None
    provider: str | None = None
    finish_reason: str | None = None

    def update(self, values: Mapping[str, Any]) -> None:
        """Take in one upstream object: a whole answer or a chunk of one.

        The usage is that of the model named with it or before: what it is priced by, once shown,
        does not change any more.
        """
        upstream_generation_id = shown_text(values.get("id"))
        self.upstream_generation_id = upstream_generation_id or self.upstream_generation_id
        usage = read_usage(values.get("usage"))
        if usage is not None or self.usage is None:
            self.model = shown_text(values.get("model")) or self.model
        self.usage = usage or self.usage
        self.provider = shown_text(values.get("provider")) or self.provider
        self.finish_reason = _finish_reason(values.get("choices")) or self.finish_reason


def read_usage(usage: Any) -> Usage | None:
    """Return upstream's usage, None when it does not state a cost that can be billed."""
    if not isinstance(usage, dict):
        return None
    cost_nano_usd = cost_of(usage.get("cost"))
    if cost_nano_usd is None:
        return None
    return Usage(
        cost_nano_usd=cost_nano_usd,
        prompt_tokens=_tokens(usage, "prompt_tokens"),
        completion_tokens=_tokens(usage, "completion_tokens"),
        reasoning_tokens=_tokens(usage.get("completion_tokens_details"), "reasoning_tokens"),
        cached_tokens=_tokens(usage.get("prompt_tokens_details"), "cached_tokens"),
    )


def cost_of(amount: Any) -> NanoUsd | None:
    """Return an amount in USD as upstream states it, None when it is none that can be billed."""
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal):
        return None
    try:
        return nano_usd(amount)
    except ValueError:
        return None


def shown_text(value: Any) -> str | None:
    """Return a name that can be stored and shown: valid Unicode of bounded length."""
    if not isinstance(value, str) or not value:
        return None
    return value[:_MAX_TEXT_CHARS].encode("utf-8", "replace").decode()


def _tokens(counts: Any, name: str) -> int:
    count = counts.get(name) if isinstance(counts, dict) else None
    if not isinstance(count, int) or isinstance(count, bool):
        return 0
    return count if 0 < count <= _MAX_TOKENS else 0


def _finish_reason(choices: Any) -> str | None:
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and (reason := shown_text(choice.get("finish_reason"))):
            return reason
    return None
