"""Upstream's own ledger, by generation id; what late costs are billed from."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from weir.adapters.upstream.api import UpstreamApi
from weir.adapters.upstream.figures import amount, text, tokens
from weir.domain.errors import ProviderError
from weir.domain.money import nano_usd
from weir.domain.usage import ArchivedGeneration, Usage

_ID = re.compile(r"[\w:.-]{1,128}", re.ASCII)
_NOT_FOUND = 404


class UpstreamGenerations:
    """Implements `GenerationArchive` over `GET /generation?id=`."""

    def __init__(self, api: UpstreamApi) -> None:
        self._api = api

    def generation(self, upstream_generation_id: str) -> ArchivedGeneration | None:
        """Return what a generation was, or None when upstream does not know it (yet).

        Raises:
            ProviderError: Upstream could not be asked, or its answer states no cost.
        """
        if not _ID.fullmatch(upstream_generation_id):
            return None
        try:
            data = self._api.look_up(f"/generation?id={quote(upstream_generation_id, safe='')}")
        except ProviderError as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return ArchivedGeneration(
            usage=_usage(data),
            model=text(data, "model"),
            provider=text(data, "provider_name"),
            finish_reason=text(data, "finish_reason"),
        )


def _usage(data: Mapping[str, Any]) -> Usage:
    try:
        cost_nano_usd = nano_usd(amount(data, "total_cost"))
    except ValueError as error:
        raise ProviderError(
            "Upstream's ledger states no cost for the generation.", cost_is_zero=False
        ) from error
    return Usage(
        cost_nano_usd=cost_nano_usd,
        prompt_tokens=tokens(data, "native_tokens_prompt", "tokens_prompt"),
        completion_tokens=tokens(data, "native_tokens_completion", "tokens_completion"),
        reasoning_tokens=tokens(data, "native_tokens_reasoning"),
        cached_tokens=tokens(data, "native_tokens_cached"),
    )
