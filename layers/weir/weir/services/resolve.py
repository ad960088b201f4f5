"""Resolve: charge what upstream's ledger tells of a request that was settled as unknown.

The record stays as it is. Its adjustment is a row of its own, on the day of finding out, by the
price plan the request was admitted under; the ledger takes one adjustment per request, so that two
reconciliations at once, or one that is repeated, charge it once.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from weir.domain import generations
from weir.domain.errors import ProviderError, StoreUnavailableError
from weir.domain.generations import RANDOM_BYTES, new_generation_id
from weir.domain.ledgers import Adjustments
from weir.domain.money import NanoUsd
from weir.domain.ports import Clock, GenerationArchive, PricePlans
from weir.domain.reconciliation import Outcome
from weir.domain.usage import (
    ArchivedGeneration,
    RecordSource,
    RecordStatus,
    UsageRecord,
    price,
)

# An archive that fails this often in a row is down: it is not asked for every request.
MAX_FAILURES_IN_A_ROW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What became of one request, and what upstream charged for it where that is known now."""

    outcome: Outcome
    cost_nano_usd: NanoUsd = NanoUsd(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolving:
    """What resolving works with.

    Attributes:
        archive: Upstream's ledger of finished generations.
        random: Returns that many random bytes.
    """

    archive: GenerationArchive
    adjustments: Adjustments
    plans: PricePlans
    random: Callable[[int], bytes]
    clock: Clock

    def start(self) -> "Resolver":
        """Return what resolves the requests of one run."""
        return Resolver(self)


class Resolver:
    """One run; a request that cannot be resolved stands in no other's way."""

    def __init__(self, ports: Resolving) -> None:
        self._ports = ports
        self._failures_in_a_row = 0

    def resolve(self, record: UsageRecord, *, upstream_generation_id: str) -> Resolution:
        """Charge a request, if upstream knows its cost.

        Args:
            record: UNKNOWN, and not adjusted when it was read.
            upstream_generation_id: What upstream calls the request.

        Returns:
            RESOLVED, SETTLED (somebody else was faster), UNKNOWN or POSTPONED.
        """
        try:
            generation = self._asked(upstream_generation_id)
            if generation is None:
                return Resolution(outcome=Outcome.UNKNOWN)
            adjustment = self._adjustment(record, upstream_generation_id, generation)
            is_first = self._ports.adjustments.adjust(adjustment)
        except (ProviderError, StoreUnavailableError):
            return Resolution(outcome=Outcome.POSTPONED)
        return Resolution(
            outcome=Outcome.RESOLVED if is_first else Outcome.SETTLED,
            cost_nano_usd=generation.usage.cost_nano_usd,
        )

    def _asked(self, upstream_generation_id: str) -> ArchivedGeneration | None:
        if self._failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
            raise ProviderError("Upstream's ledger is out of reach.", cost_is_zero=False)
        self._failures_in_a_row += 1
        generation = self._ports.archive.generation(upstream_generation_id)
        self._failures_in_a_row = 0
        return generation

    def _adjustment(
        self, record: UsageRecord, upstream_generation_id: str, generation: ArchivedGeneration
    ) -> UsageRecord:
        model = generation.model or record.model
        plan = self._ports.plans.plan(record.tenant_id, version=record.plan_version)
        return replace(
            record,
            generation_id=new_generation_id(
                now_ms=self._ports.clock.now_ms(),
                lane=generations.lane(record.generation_id),
                random=self._ports.random(RANDOM_BYTES),
            ),
            status=RecordStatus.ADJUSTMENT,
            source=RecordSource.RECONCILIATION,
            usage=generation.usage,
            price_nano_usd=price(generation.usage, model=model, plan=plan),
            estimate_nano_usd=NanoUsd(0),
            model=model,
            adjusts=record.generation_id,
            upstream_generation_id=upstream_generation_id,
            provider=generation.provider,
            finish_reason=generation.finish_reason,
        )
