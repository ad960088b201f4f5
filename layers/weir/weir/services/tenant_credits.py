"""A tenant's credit as the operator adds it: once per payment, with its entry in the audit log."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from weir.domain.audit_log import RANDOM_BYTES, Action, Actor, Deed, new_entry
from weir.domain.tenant_registers import Grant, Grants
from weir.domain.tenant_standings import TenantStanding, grant_facts
from weir.domain.tenants import TenantId
from weir.services.tenants import TenantDesk


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditDesk:
    """Adds credit. Every method may raise StoreUnavailableError.

    Attributes:
        random: Makes that many random bytes.
    """

    tenants: TenantDesk
    grants: Grants
    random: Callable[[int], bytes]

    def add(
        self,
        tenant_id: TenantId,
        *,
        amount_nano_usd: int,
        reference: str,
        by: Actor,
        now_ms: int,
    ) -> tuple[TenantStanding, bool]:
        """Add credit once per payment reference.

        Returns:
            The tenant as it then is, and whether this request has added the credit.

        Raises:
            NotFoundError: There is no such tenant, or it has no account.
            ConflictError: The tenant is closed, or the reference belongs to another amount.
        """
        tenant = self.tenants.open_tenant(tenant_id)
        deed = Deed(
            action=Action.CREDIT_GRANTED, subject=reference, after=grant_facts(amount_nano_usd)
        )
        entry = new_entry(
            deed,
            tenant_id=tenant_id,
            actor=by,
            at_ms=now_ms,
            random=self.random(RANDOM_BYTES),
        )
        is_new = self.grants.grant(
            tenant, amount_nano_usd=amount_nano_usd, reference=reference, entry=entry
        )
        return self.tenants.find(tenant_id), is_new

    def listed(self, tenant_id: TenantId) -> tuple[TenantStanding, Sequence[Grant]]:
        """Return a tenant with all that was added, the newest first.

        Raises:
            NotFoundError: There is no such tenant.
        """
        return self.tenants.find(tenant_id), self.grants.grants(tenant_id)
