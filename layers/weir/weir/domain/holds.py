"""Holds: the worst-case cost of a request in flight, taken before the upstream call."""

from dataclasses import dataclass

from weir.domain.generations import GenerationId
from weir.domain.money import NanoUsd


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Credit that is set aside for one request until its usage record replaces it.

    Attributes:
        estimate_nano_usd: Highest cost the request can reach; what is set aside.
        key_id: The API key that asked; written to the record by whoever settles.
        model: As requested.
        upstream_generation_id: Known after the checkpoint; lets the sweeper ask upstream's ledger.
    """

    generation_id: GenerationId
    estimate_nano_usd: NanoUsd
    key_id: str
    model: str
    upstream_generation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """What a request asks of an account: a hold and its share of the minute's tokens."""

    hold: Hold
    tokens: int
    now_ms: int
