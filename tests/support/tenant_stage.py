"""The operator's desk of tenants over stores in memory."""

import itertools
from dataclasses import replace
from typing import Any

from tests.support.audit_values import ALICE
from tests.support.fake_tenants import FakeTenants
from tests.support.ledger_values import ACME, NOON_MS
from tests.support.rollup_fakes import FakeRollups
from tests.support.tenant_values import FULL_TENANT
from weir.domain.money import NanoUsd
from weir.domain.tenant_changes import TenantChange
from weir.domain.tenant_standings import TenantStanding
from weir.domain.tenants import TenantId
from weir.services.tenants import TenantDesk

CAP = {"spend_nano_usd": NanoUsd(1_000)}


class Stage:
    """A desk over stores in memory."""

    def __init__(self) -> None:
        self.register, self.rollups = FakeTenants(), FakeRollups()
        serial = itertools.count(1)
        self.desk = TenantDesk(
            register=self.register,
            rollups=self.rollups,
            random=lambda count: next(serial).to_bytes(count),
        )

    def create(self, tenant_id: TenantId = ACME, **wish: Any) -> tuple[TenantStanding, bool]:
        return self.desk.create(tenant_id, wish=TenantChange(**wish), by=ALICE, now_ms=NOON_MS)

    def change(self, tenant_id: TenantId = ACME, **change: Any) -> TenantStanding:
        return self.desk.change(
            tenant_id, change=TenantChange(**change), by=ALICE, now_ms=NOON_MS + 1
        )

    def close(self, tenant_id: TenantId = ACME) -> None:
        self.desk.close(tenant_id, by=ALICE, now_ms=NOON_MS + 1)

    def touch(self) -> None:
        """Change the tenant behind the desk's back."""
        tenant = self.register.profiles[ACME]
        self.register.profiles[ACME] = tenant.touched(NOON_MS)

    @property
    def left(self) -> list[int]:
        """What each lane has left of its spending limit, in its current period."""
        return [
            sum(lane.remaining_by_period.values())
            for lane in self.register.ledger.lanes(replace(FULL_TENANT, tenant_id=ACME))
        ]
