"""Tenants as the operator manages them: made, shown, changed, closed.

Each change is one transaction with its entry in the audit log. A change that was made already, by a
request whose answer was lost, is found made and is no error.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from weir.domain.accounts import Account, AccountStatus
from weir.domain.audit_log import RANDOM_BYTES as ENTRY_BYTES
from weir.domain.audit_log import Action, Actor, AuditEntry, Deed, difference, new_entry
from weir.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from weir.domain.limits import AccountLimits, portion, share, short_limit, whole
from weir.domain.metering import RollupReader
from weir.domain.money import NanoUsd
from weir.domain.tenant_changes import LaneChange, TenantChange
from weir.domain.tenant_registers import TenantRegister
from weir.domain.tenant_standings import TenantStanding, tenant_facts
from weir.domain.tenants import Tenant, TenantId, TenantStatus
from weir.services.tenant_spending import spent_within

NAMESPACE_KEY_BYTES = 32

_ATTEMPTS = 5
_ABSENT = "Tenant not found"
_CLOSE = TenantChange(profile={"status": TenantStatus.CLOSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantDesk:
    """Manages tenants. Every method may raise StoreUnavailableError.

    Attributes:
        rollups: Tell what was spent, when a spending limit gets another period.
        random: Makes that many random bytes.
    """

    register: TenantRegister
    rollups: RollupReader
    random: Callable[[int], bytes]

    def page(self, *, after: TenantId | None, count: int) -> list[TenantStanding]:
        """Return up to that many tenants in the order of their ids, those after one of them."""
        tenants = self.register.page(after=after, count=count)
        lanes = self.register.lanes(tenants)
        return [_standing(tenant, lanes[tenant.tenant_id]) for tenant in tenants]

    def find(self, tenant_id: TenantId) -> TenantStanding:
        """Return a tenant, closed ones too.

        Raises:
            NotFoundError: There never was one of this id.
        """
        tenant, lanes = self._read(tenant_id)
        return _standing(tenant, lanes)

    def open_tenant(self, tenant_id: TenantId) -> Tenant:
        """Return a tenant that is not closed.

        Raises:
            NotFoundError: There never was one of this id.
            ConflictError: It is closed.
        """
        tenant = self.register.find(tenant_id)
        if tenant is None:
            raise NotFoundError(_ABSENT)
        _refuse_closed(tenant)
        return tenant

    def create(
        self, tenant_id: TenantId, *, wish: TenantChange, by: Actor, now_ms: int
    ) -> tuple[TenantStanding, bool]:
        """Make a tenant without credit; repeating the request finds it made.

        Returns:
            The tenant, and whether this request has made it.

        Raises:
            InvalidRequestError: A limit does not reach for all lanes.
            ConflictError: The id belongs to another tenant, or to one that was changed or closed.
        """
        blank = Tenant(
            tenant_id=tenant_id,
            namespace_key=self.random(NAMESPACE_KEY_BYTES),
            created_ms=now_ms,
        )
        tenant, limits = wish.applied(blank, limits=AccountLimits())
        _check_shares(limits, tenant.lanes)
        facts = tenant_facts(tenant, limits=limits)
        deed = Deed(action=Action.TENANT_CREATED, subject=tenant_id, after=facts)
        entry = self._entry(tenant, deed, by, now_ms)
        if self.register.create(tenant, limits=limits, entry=entry):
            return TenantStanding(tenant=tenant, limits=limits), True
        existing = self.register.find(tenant_id)
        found = None if existing is None else self._standing(existing)
        if found is None or tenant_facts(found.tenant, limits=found.limits) != facts:
            raise ConflictError(f"The id {tenant_id} is taken; ids are never given twice")
        return found, False

    def change(
        self, tenant_id: TenantId, *, change: TenantChange, by: Actor, now_ms: int
    ) -> TenantStanding:
        """Change a tenant; functions that remember it notice within half a minute.

        Raises:
            NotFoundError: There is none of this id.
            InvalidRequestError: A limit does not reach for all lanes.
            ConflictError: It is closed, or others change it all the time.
        """
        for _ in range(_ATTEMPTS):
            tenant, lanes = self._read(tenant_id)
            _refuse_closed(tenant)
            standing = _standing(tenant, lanes)
            wished, limits = change.applied(tenant, limits=standing.limits)
            if (wished, limits) == (tenant, standing.limits):
                return standing
            _check_shares(limits, tenant.lanes)
            changed = wished.touched(now_ms)
            done = self.register.change(
                tenant,
                changed=changed,
                lanes=self._lane_changes(standing, changed, limits, lanes),
                entry=self._entry(tenant, _deed(standing, changed, limits), by, now_ms),
            )
            if done:
                return _standing(changed, lanes, limits=limits)
        raise ConflictError("The tenant is being changed; try again", retry_after_s=1)

    def close(self, tenant_id: TenantId, *, by: Actor, now_ms: int) -> None:
        """Close a tenant for good: its keys are refused, its books stay. Closing twice is harmless.

        Raises:
            NotFoundError: There is none of this id.
            ConflictError: Others change it all the time.
        """
        tenant, _ = self._read(tenant_id)
        if not tenant.is_closed:
            self.change(tenant_id, change=_CLOSE, by=by, now_ms=now_ms)

    def _lane_changes(
        self,
        standing: TenantStanding,
        changed: Tenant,
        limits: AccountLimits,
        lanes: Sequence[Account],
    ) -> list[LaneChange]:
        """Share limits out over the lanes; nothing when neither limits nor status change."""
        tenant = standing.tenant
        if limits == standing.limits and changed.status is tenant.status:
            return []
        is_active = changed.status is TenantStatus.ACTIVE
        spent = NanoUsd(0)
        if limits.period is not standing.limits.period:
            spent = spent_within(
                tenant.tenant_id,
                lanes=lanes,
                rollups=self.rollups,
                period=limits.period,
                now_ms=changed.updated_ms or 0,
            )
        count = len(lanes)
        return [
            LaneChange(
                account=account,
                status=AccountStatus.ACTIVE if is_active else AccountStatus.SUSPENDED,
                limits=share(limits, lane=account.lane, lanes=count),
                spent_nano_usd=NanoUsd(portion(spent, lane=account.lane, lanes=count)),
            )
            for account in lanes
        ]

    def _read(self, tenant_id: TenantId) -> tuple[Tenant, Sequence[Account]]:
        tenant = self.register.find(tenant_id)
        if tenant is None:
            raise NotFoundError(_ABSENT)
        return tenant, self.register.lanes([tenant])[tenant_id]

    def _standing(self, tenant: Tenant) -> TenantStanding:
        return _standing(tenant, self.register.lanes([tenant])[tenant.tenant_id])

    def _entry(self, tenant: Tenant, deed: Deed, by: Actor, now_ms: int) -> AuditEntry:
        return new_entry(
            deed,
            tenant_id=tenant.tenant_id,
            actor=by,
            at_ms=now_ms,
            random=self.random(ENTRY_BYTES),
        )


def _standing(
    tenant: Tenant, lanes: Sequence[Account], *, limits: AccountLimits | None = None
) -> TenantStanding:
    return TenantStanding(
        tenant=tenant,
        limits=limits or whole([lane.limits for lane in lanes]),
        granted_nano_usd=NanoUsd(sum(lane.credit_nano_usd for lane in lanes)),
        used_nano_usd=NanoUsd(sum(lane.spent_nano_usd for lane in lanes)),
    )


def _deed(standing: TenantStanding, changed: Tenant, limits: AccountLimits) -> Deed:
    before, after = difference(
        tenant_facts(standing.tenant, limits=standing.limits), tenant_facts(changed, limits=limits)
    )
    action = Action.TENANT_CLOSED if changed.is_closed else Action.TENANT_CHANGED
    return Deed(action=action, subject=changed.tenant_id, before=before, after=after)


def _refuse_closed(tenant: Tenant) -> None:
    if tenant.is_closed:
        raise ConflictError("The tenant is closed")


def _check_shares(limits: AccountLimits, lanes: int) -> None:
    name = short_limit(limits, lanes=lanes)
    if name is not None:
        raise InvalidRequestError(
            f"body.limits.{name} must be 0 or at least {lanes}: each of the {lanes} lanes gets a "
            "share"
        )
