"""Rollups: sums of usage records by ten minutes and by day, recomputed and never incremented.

A rollup consists of cells. Family KEY has one per (API key, model, provider) and takes in every
record; family END_USER has one per (end user, API key, model, provider) and takes in the records
that name an end user. Whatever is asked of a tenant's usage is a sum over the cells of one family.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from weir.domain import generations
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord

BUCKET_S = 600
"""Length of a bucket; a day has a whole number of them."""

_MAX_TEXT_BYTES = 200
_DIGEST_DIGITS = 16
_DIGEST_MARK = "~"


class Family(StrEnum):
    """What the cells of a rollup tell apart. The stored letters."""

    KEY = "K"
    END_USER = "U"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One combination of dimensions; models and providers are the client's and upstream's text.

    Text that is too long to be stored in every row is cut and ends in its digest.
    """

    family: Family
    key_id: str
    model: str
    provider: str | None = None
    end_user: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What the records of a cell add up to.

    Attributes:
        rows: Number of usage records. As rows are only ever added, of two sums of one cell the one
            with more rows is the later one.
        requests: Those of them that are no adjustments.
        cost_nano_usd: What upstream charged.
        price_nano_usd: What the tenant owes.
    """

    rows: int = 0
    requests: int = 0
    cost_nano_usd: NanoUsd = NanoUsd(0)
    price_nano_usd: NanoUsd = NanoUsd(0)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        # Spelled out: a busy day adds millions of these.
        return Sums(
            rows=self.rows + other.rows,
            requests=self.requests + other.requests,
            cost_nano_usd=NanoUsd(self.cost_nano_usd + other.cost_nano_usd),
            price_nano_usd=NanoUsd(self.price_nano_usd + other.price_nano_usd),
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Ten minutes of one lane of a tenant; `start_s` is an epoch second."""

    tenant_id: TenantId
    lane: int
    start_s: int

    @property
    def day(self) -> str:
        """Return the UTC day, `yyyy-mm-dd`."""
        return datetime.fromtimestamp(self.start_s, UTC).strftime("%Y-%m-%d")


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketFigure:
    """A stored cell of a bucket."""

    bucket: Bucket
    cell: Cell
    sums: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigure:
    """The sums of a cell over a tenant's UTC day, `yyyy-mm-dd`."""

    day: str
    cell: Cell
    sums: Sums


def bucket_of(record: UsageRecord) -> Bucket:
    """Return the bucket that a record counts in."""
    created_s = generations.created_s(record.generation_id)
    return Bucket(
        tenant_id=record.tenant_id,
        lane=generations.lane(record.generation_id),
        start_s=created_s - created_s % BUCKET_S,
    )


def cells_of(record: UsageRecord) -> tuple[Cell, ...]:
    """Return the cells that a record counts in: one of each family that takes it in."""
    model = _bounded(record.model)
    provider = None if record.provider is None else _bounded(record.provider)
    cell = Cell(family=Family.KEY, key_id=record.key_id, model=model, provider=provider)
    if record.end_user is None:
        return (cell,)
    by_end_user = Cell(
        family=Family.END_USER,
        key_id=record.key_id,
        model=model,
        provider=provider,
        end_user=_bounded(record.end_user),
    )
    return (cell, by_end_user)


def sums_of(record: UsageRecord) -> Sums:
    """Return what one record adds; an adjustment is no request."""
    usage = record.usage
    return Sums(
        rows=1,
        requests=0 if record.is_adjustment else 1,
        cost_nano_usd=usage.cost_nano_usd,
        price_nano_usd=record.price_nano_usd,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cached_tokens=usage.cached_tokens,
    )


def summed(records: Iterable[UsageRecord]) -> dict[Cell, Sums]:
    """Return the cells of a set of records, each record once."""
    found: defaultdict[Cell, Sums] = defaultdict(Sums)
    for record in records:
        sums = sums_of(record)
        for cell in cells_of(record):
            found[cell] += sums
    return dict(found)


def days_between(first: str, last: str) -> list[str]:
    """Return every day from the first to the last, `yyyy-mm-dd`; empty when there is none."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(start + timedelta(days=n)).isoformat() for n in range((end - start).days + 1)]


def _bounded(text: str) -> str:
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) <= _MAX_TEXT_BYTES:
        return text
    kept = raw[: _MAX_TEXT_BYTES - _DIGEST_DIGITS].decode("utf-8", "ignore")
    return kept + _DIGEST_MARK + hashlib.sha256(raw).hexdigest()[:_DIGEST_DIGITS]
