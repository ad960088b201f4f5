"""Reconciliation: these books beside upstream's own, in upstream's cost, by UTC day.

A request counts on the day it arrived on both sides, however late its cost was found out: upstream
knows nothing of adjustments. What remains between the two is the drift.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from weir.domain.generations import GenerationId
from weir.domain.money import NanoUsd

_MS_PER_S = 1_000
_GENERATION_ID = re.compile(r"gen-[0-9]{10}-[0-9A-Za-z]{20}")


class Outcome(StrEnum):
    """What became of a request whose cost nobody knew.

    RESOLVED: it is charged now. SETTLED: its cost was known already. UNKNOWN: upstream does not
    know the generation, or nobody knows its id. POSTPONED: upstream or the ledger could not be
    asked. The others refuse an operator's pair: there is no such record; upstream's id of that
    request is another one; it is too old to be compared any more.
    """

    RESOLVED = "resolved"
    SETTLED = "settled"
    UNKNOWN = "unknown"
    POSTPONED = "postponed"
    NO_RECORD = "no_record"
    OTHER_ID = "other_id"
    TOO_OLD = "too_old"


class BooksState(StrEnum):
    """Whether upstream's books were compared with these."""

    COMPARED = "compared"
    NO_KEY = "no_management_key"
    OUT_OF_REACH = "out_of_reach"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What an operator knows of a request from its log: our id, and upstream's."""

    generation_id: GenerationId
    upstream_generation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayDrift:
    """One UTC day on both sides.

    Attributes:
        unknown: Requests of the day whose cost nobody knows: they may explain a drift.
    """

    day: str
    ours_nano_usd: NanoUsd
    upstream_nano_usd: NanoUsd
    unknown: int

    @property
    def drift_nano_usd(self) -> int:
        """Return what upstream charged more than these books say; negative when it was less."""
        return self.upstream_nano_usd - self.ours_nano_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Where the comparison of all that was ever charged begins.

    Attributes:
        started_day: The day of the first comparison; whole days are compared from the next one on.
        first_day: Our costs count from this day on; it moves on, `ours_nano_usd` with it.
        ours_nano_usd: What to take off their sum: what it was in the beginning, less what the days
            before `first_day` have cost since; so it falls below zero.
        upstream_nano_usd: Upstream's total in the beginning.
    """

    started_day: str
    first_day: str
    ours_nano_usd: int
    upstream_nano_usd: NanoUsd

    def drift_nano_usd(self, costs: Mapping[str, int], *, upstream_nano_usd: NanoUsd) -> int:
        """Return what upstream has charged more since then than these books say.

        Args:
            costs: Day → our cost, for every day from `first_day` on.
            upstream_nano_usd: Upstream's total now.
        """
        ours = sum(cost for day, cost in costs.items() if day >= self.first_day)
        return upstream_nano_usd - self.upstream_nano_usd - (ours - self.ours_nano_usd)

    def moved_on(self, costs: Mapping[str, int], *, first_day: str) -> "Baseline":
        """Return the same baseline with a later first day; the days before must be final."""
        passed = sum(cost for day, cost in costs.items() if self.first_day <= day < first_day)
        return Baseline(
            started_day=self.started_day,
            first_day=max(first_day, self.first_day),
            ours_nano_usd=self.ours_nano_usd - passed,
            upstream_nano_usd=self.upstream_nano_usd,
        )


class UpstreamBooks(Protocol):
    """Upstream's sums over the operator's whole account."""

    def are_open(self) -> bool:
        """Tell whether the operator lets the gateway read them.

        Raises:
            ProviderError: Nobody can tell.
        """
        ...

    def day_cost(self, day: str) -> NanoUsd:
        """Return what was charged on a UTC day, `yyyy-mm-dd`.

        Raises:
            ProviderError: Upstream could not be asked.
        """
        ...

    def total_cost(self) -> NanoUsd:
        """Return what was ever charged.

        Raises:
            ProviderError: Upstream could not be asked.
        """
        ...


class Baselines(Protocol):
    """Remembers where the comparison began."""

    def load(self) -> Baseline | None:
        """Return the baseline, None before the first comparison.

        Raises:
            StoreUnavailableError: It cannot be read.
        """
        ...

    def store(self, baseline: Baseline, *, previous: Baseline | None) -> bool:
        """Replace the previous baseline; False when somebody else has replaced it.

        Raises:
            StoreUnavailableError: It cannot be stored.
        """
        ...


def read_pairs(values: object) -> tuple[Pair, ...]:
    """Read an operator's pairs from JSON; None is none.

    Raises:
        ValueError: They are no list of pairs; the message says what one looks like.
    """
    if values is None:
        return ()
    if not isinstance(values, list):
        raise ValueError("resolve must be a list of pairs")  # noqa: TRY004 - a value, no type
    return tuple(_pair(value) for value in values)


def utc_day(now_ms: int) -> str:
    """Return the UTC day, `yyyy-mm-dd`."""
    return datetime.fromtimestamp(now_ms // _MS_PER_S, UTC).date().isoformat()


def day_before(day: str, days: int) -> str:
    """Return the day that many days earlier."""
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()


def _pair(value: object) -> Pair:
    ours = value.get("generation_id") if isinstance(value, Mapping) else None
    upstream = value.get("upstream_generation_id") if isinstance(value, Mapping) else None
    if not isinstance(ours, str) or not _GENERATION_ID.fullmatch(ours):
        raise ValueError("a pair needs the generation_id of a request, gen-<seconds>-<20 letters>")
    if not isinstance(upstream, str) or not upstream:
        raise ValueError("a pair needs an upstream_generation_id")
    return Pair(generation_id=GenerationId(ours), upstream_generation_id=upstream)
