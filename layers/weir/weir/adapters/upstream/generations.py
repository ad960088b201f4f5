"""Upstream's own ledger, by generation id; what the sweeper bills from."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from weir.adapters.upstream.api import UpstreamApi
from weir.domain.errors import ProviderError
from weir.domain.money import nano_usd
from weir.domain.usage import Usage

_ID = re.compile(r"[\w:.-]{1,128}", re.ASCII)
_NOT_FOUND = 404


class UpstreamGenerations:
    """Implements `GenerationArchive` over `GET /generation?id=`."""

    def __init__(self, api: UpstreamApi) -> None:
        self._api = api

    def usage(self, upstream_generation_id: str) -> Usage | None:
        """Return what a generation cost, or None when upstream does not know it (yet).

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
        return _usage(data)


def _usage(data: Mapping[str, Any]) -> Usage:
    cost = data.get("total_cost")
    try:
        if not isinstance(cost, int | Decimal) or isinstance(cost, bool):
            raise ValueError("total_cost is no number")  # noqa: TRY301, TRY004 - one way out
        cost_nano_usd = nano_usd(cost)
    except ValueError as error:
        raise ProviderError(
            "Upstream's ledger states no cost for the generation.", cost_is_zero=False
        ) from error
    return Usage(
        cost_nano_usd=cost_nano_usd,
        prompt_tokens=_tokens(data, "native_tokens_prompt", "tokens_prompt"),
        completion_tokens=_tokens(data, "native_tokens_completion", "tokens_completion"),
        reasoning_tokens=_tokens(data, "native_tokens_reasoning"),
        cached_tokens=_tokens(data, "native_tokens_cached"),
    )


def _tokens(data: Mapping[str, Any], *names: str) -> int:
    for name in names:
        value = data.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return 0
