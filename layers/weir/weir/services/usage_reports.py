"""Usage reports: a tenant asks what was used, by whom and of what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from weir.domain.errors import NotFoundError
from weir.domain.key_registers import KeyRegister
from weir.domain.metering import RollupReader
from weir.domain.tenants import TenantId
from weir.domain.usage_reports import Grouping, UsageQuery, UsageRow, rows
from weir.services.day_figures import day_figures


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReports:
    """Makes reports from the rollups."""

    rollups: RollupReader
    register: KeyRegister

    def rows(
        self, tenant_id: TenantId, *, query: UsageQuery, key_hash: str | None
    ) -> Iterator[UsageRow]:
        """Return the rows of a report, in the order of time; keys are told by their hash.

        Args:
            tenant_id: Who asks.
            query: What is asked.
            key_hash: Only of this API key, deleted or not.

        Raises:
            NotFoundError: The tenant never had such a key.
            StoreUnavailableError: The rollups cannot be read.
        """
        if key_hash is not None:
            key_id = self.register.key_id_of(tenant_id, key_hash=key_hash)
            if key_id is None:
                raise NotFoundError("API key not found")
            query = replace(query, key_id=key_id)
        hashes: Mapping[str, str] = {}
        if Grouping.KEY in query.groups:
            hashes = self.register.hashes(tenant_id)
        return self._rows(tenant_id, query, hashes)

    def _rows(
        self, tenant_id: TenantId, query: UsageQuery, hashes: Mapping[str, str]
    ) -> Iterator[UsageRow]:
        figures = day_figures(
            self.rollups, tenant_id, family=query.family, first=query.first, last=query.last
        )
        for row in rows(figures, query=query):
            key_id = row.about.get(Grouping.KEY)
            if key_id is None:
                yield row
            else:
                named = {Grouping.KEY: hashes.get(key_id, key_id)}
                yield replace(row, about={**row.about, **named})
