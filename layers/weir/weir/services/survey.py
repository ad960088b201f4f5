"""The survey: what these books say day by day, and which requests' cost nobody knows.

A closed day tells both in one row. Of a day that is not closed yet, the records themselves are
read; for most tenants and days there are none.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from weir.domain import generations
from weir.domain.closes import Close
from weir.domain.generations import GenerationId
from weir.domain.ledgers import TenantDirectory, UsageRecords
from weir.domain.metering import RollupReader, UsagePartitions
from weir.domain.rollups import days_between
from weir.domain.tenants import Tenant, TenantId
from weir.domain.usage import RecordStatus, UsageRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What the books say.

    Attributes:
        costs: UTC day → upstream's cost of its requests in nano-USD, as far as it is known now.
        open_days: Days that may still get records.
        unknown: Records whose cost nobody knows, oldest day first within a tenant.
    """

    costs: Mapping[str, int]
    open_days: frozenset[str]
    unknown: tuple[UsageRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveying:
    """What a survey reads."""

    tenants: TenantDirectory
    rollups: RollupReader
    partitions: UsagePartitions
    records: UsageRecords

    def survey(self, *, first: str, recent: str, last: str) -> Survey:
        """Read every tenant's days.

        Args:
            first: First day, `yyyy-mm-dd`.
            recent: From this day on, a day without a close is read record by record; an older one
                had no requests.
            last: Last day.

        Raises:
            StoreUnavailableError: Something cannot be read; nothing is known then.
        """
        found = _Found(self)
        for tenant in self.tenants.tenants():
            closes = {
                close.day: close
                for close in self.rollups.closes(tenant.tenant_id, first=first, last=last)
            }
            for close in closes.values():
                found.closed(tenant, close)
            for day in days_between(recent, last):
                if day not in closes:
                    found.open(tenant, day)
        return Survey(
            costs=dict(found.costs),
            open_days=frozenset(found.open_days),
            unknown=tuple(found.unknown),
        )


class _Found:
    def __init__(self, ports: Surveying) -> None:
        self.costs: Counter[str] = Counter()
        self.open_days: set[str] = set()
        self.unknown: list[UsageRecord] = []
        self._ports = ports

    def closed(self, tenant: Tenant, close: Close) -> None:
        """Take in a closed day."""
        self.costs[close.day] += close.total.cost_nano_usd
        if close.unknown_requests > len(close.unknown):
            self._look_at(self._records(tenant, close.day))
        else:
            self._look_at(self._named(tenant.tenant_id, close.unknown))

    def open(self, tenant: Tenant, day: str) -> None:
        """Take in a day that may still get records."""
        for record in self._records(tenant, day):
            self.open_days.add(day)
            self.costs[day] += record.usage.cost_nano_usd
            self._look_at([record])

    def _look_at(self, records: Iterable[UsageRecord]) -> None:
        for record in records:
            if record.status is not RecordStatus.UNKNOWN:
                continue
            if record.adjusted_by is None:
                self.unknown.append(record)
            else:
                self._move(record, record.adjusted_by)

    def _move(self, record: UsageRecord, adjusted_by: GenerationId) -> None:
        """Count an adjustment on the day of its request, not on its own."""
        for adjustment in self._named(record.tenant_id, [adjusted_by]):
            cost = adjustment.usage.cost_nano_usd
            self.costs[generations.day(adjustment.generation_id)] -= cost
            self.costs[generations.day(record.generation_id)] += cost

    def _named(
        self, tenant_id: TenantId, generation_ids: Iterable[GenerationId]
    ) -> Iterable[UsageRecord]:
        for generation_id in generation_ids:
            record = self._ports.records.find(tenant_id, generation_id)
            if record is not None:
                yield record

    def _records(self, tenant: Tenant, day: str) -> Iterable[UsageRecord]:
        for lane in range(tenant.lanes):
            yield from self._ports.partitions.day(tenant.tenant_id, day=day, lane=lane)
