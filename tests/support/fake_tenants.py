"""A register of tenants in memory, over the ledger of plain dicts.

It obeys the same contract suite as the one on DynamoDB (`tests/contract/test_tenant_register.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.support.fake_ledger import FakeLedger
from weir.domain.accounts import Account, tenant_account
from weir.domain.audit_log import AuditEntry
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.tenant_changes import LaneChange
from weir.domain.tenant_registers import Grant
from weir.domain.tenants import Tenant, TenantId


@dataclass
class FakeTenants:
    """`TenantRegister` and `Grants`.

    Attributes:
        log: Every entry of the audit log, in the order they were written.
        meanwhile: Happens once, before the next write.
        always: Happens before every write.
    """

    ledger: FakeLedger = field(default_factory=FakeLedger)
    profiles: dict[TenantId, Tenant] = field(default_factory=dict)
    log: list[AuditEntry] = field(default_factory=list)
    payments: dict[TenantId, list[Grant]] = field(default_factory=dict)
    meanwhile: Callable[[], object] | None = None
    always: Callable[[], object] | None = None

    def find(self, tenant_id: TenantId) -> Tenant | None:
        return self.profiles.get(tenant_id)

    def page(self, *, after: TenantId | None, count: int) -> Sequence[Tenant]:
        found = [tenant for name, tenant in sorted(self.profiles.items()) if name > (after or "")]
        return found[:count]

    def lanes(self, tenants: Sequence[Tenant]) -> Mapping[TenantId, Sequence[Account]]:
        return {
            tenant.tenant_id: [
                account
                for account in self.ledger.accounts()
                if account.account_id == tenant_account(tenant.tenant_id)
            ]
            for tenant in tenants
        }

    def create(self, tenant: Tenant, *, limits: AccountLimits, entry: AuditEntry) -> bool:
        self._interrupt()
        tenant_id = tenant.tenant_id
        if tenant_id in self.profiles or not self.ledger.open_tenant_account(
            tenant_id, credit_nano_usd=0, limits=limits, lanes=tenant.lanes
        ):
            return False
        self.profiles[tenant_id] = tenant
        self.log.append(entry)
        return True

    def change(
        self, tenant: Tenant, *, changed: Tenant, lanes: Sequence[LaneChange], entry: AuditEntry
    ) -> bool:
        self._interrupt()
        now = self.lanes([tenant])[tenant.tenant_id]
        are_as_read = all(now[lane.account.lane].limits == lane.account.limits for lane in lanes)
        if self.profiles.get(tenant.tenant_id) != tenant or not are_as_read:
            return False
        for lane in lanes:
            account_id, number = lane.account.account_id, lane.account.lane
            self.ledger.set_limits(
                account_id,
                limits=lane.limits,
                now_ms=changed.updated_ms or 0,
                spent_nano_usd=lane.spent_nano_usd,
                lane=number,
            )
            self.ledger.set_status(account_id, status=lane.status, lane=number)
        self.profiles[tenant.tenant_id] = changed
        self.log.append(entry)
        return True

    def grant(
        self, tenant: Tenant, *, amount_nano_usd: int, reference: str, entry: AuditEntry
    ) -> bool:
        is_new = self.ledger.grant(
            tenant.tenant_id,
            amount_nano_usd=amount_nano_usd,
            reference=reference,
            lanes=tenant.lanes,
            now_ms=entry.at_ms,
        )
        if is_new:
            grant = Grant(
                reference=reference, amount_nano_usd=NanoUsd(amount_nano_usd), at_ms=entry.at_ms
            )
            self.payments.setdefault(tenant.tenant_id, []).insert(0, grant)
            self.log.append(entry)
        return is_new

    def grants(self, tenant_id: TenantId) -> Sequence[Grant]:
        return self.payments.get(tenant_id, [])

    def _interrupt(self) -> None:
        if self.always is not None:
            self.always()
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            happens()
