"""Upstream's account-wide sums, read with a management key: what these books are compared with.

An ordinary key may not read them, and a management key may not call a model: they are two secrets,
and only the reconciliation holds this one.
"""

from datetime import date
from decimal import Decimal

from weir.adapters.upstream.api import UpstreamApi
from weir.adapters.upstream.figures import amount
from weir.adapters.upstream.keys import UpstreamKeys
from weir.domain.errors import ProviderError
from weir.domain.money import NanoUsd, nano_usd

_DAY_CHARS = 10


class UpstreamSums:
    """Implements `UpstreamBooks` over `GET /activity` and `GET /credits`.

    Args:
        api: The upstream API, called with the management key.
        keys: Tells whether there is such a key.
    """

    def __init__(self, api: UpstreamApi, *, keys: UpstreamKeys) -> None:
        self._api = api
        self._keys = keys

    def are_open(self) -> bool:
        """Tell whether there is a management key.

        Raises:
            ProviderError: The secret cannot be read.
        """
        return self._keys.is_stored()

    def day_cost(self, day: str) -> NanoUsd:
        """Return what upstream charged the whole account on a UTC day, `yyyy-mm-dd`.

        Raises:
            ProviderError: Upstream could not be asked, or its answer is none.
            ValueError: It is no day.
        """
        rows = self._api.look_up_rows(f"/activity?date={date.fromisoformat(day)}")
        try:
            # A row states its day with or without a time; one sum, rounded once.
            charged = [
                amount(row, "usage") for row in rows if str(row.get("date"))[:_DAY_CHARS] == day
            ]
            return nano_usd(sum(charged, Decimal(0)))
        except ValueError as error:
            raise ProviderError(
                "Upstream's activity cannot be read.", cost_is_zero=False
            ) from error

    def total_cost(self) -> NanoUsd:
        """Return what upstream has charged the account since it was opened.

        Raises:
            ProviderError: Upstream could not be asked, or its answer is none.
        """
        try:
            return nano_usd(amount(self._api.look_up("/credits"), "total_usage"))
        except ValueError as error:
            raise ProviderError("Upstream's credits cannot be read.", cost_is_zero=False) from error
