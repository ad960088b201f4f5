"""What the operator's management of tenants needs from the outside, by role."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from weir.domain.accounts import Account
from weir.domain.audit_log import AuditEntry
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.tenant_changes import LaneChange
from weir.domain.tenants import Tenant, TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Credit that was added.

    Attributes:
        reference: The payment's.
        at_ms: Epoch milliseconds.
    """

    reference: str
    amount_nano_usd: NanoUsd
    at_ms: int


class TenantRegister(Protocol):
    """The tenants and their accounts, consistently read. All may raise StoreUnavailableError."""

    def find(self, tenant_id: TenantId) -> Tenant | None:
        """Return a tenant, closed ones too; None when there never was one of this id."""
        ...

    def page(self, *, after: TenantId | None, count: int) -> Sequence[Tenant]:
        """Return up to that many tenants in the order of their ids, those after one of them."""
        ...

    def lanes(self, tenants: Sequence[Tenant]) -> Mapping[TenantId, Sequence[Account]]:
        """Return the lanes of each tenant's own account, in order."""
        ...

    def create(self, tenant: Tenant, *, limits: AccountLimits, entry: AuditEntry) -> bool:
        """Create a tenant, its account without credit, and the entry: all or nothing.

        Args:
            tenant: New.
            limits: Of its account, all lanes together; every lane must get its share.
            entry: Of the audit log.

        Returns:
            False when there is such a tenant or such an account.
        """
        ...

    def change(
        self, tenant: Tenant, *, changed: Tenant, lanes: Sequence[LaneChange], entry: AuditEntry
    ) -> bool:
        """Store a changed tenant, its lanes and the entry: all or nothing.

        Args:
            tenant: As it was read.
            changed: Its `updated_ms` must be another; that is also when the lanes change.
            lanes: Those that change.
            entry: Of the audit log.

        Returns:
            False when the tenant or a lane's limits are no more as they were read.
        """
        ...


class Grants(Protocol):
    """Adds credit, once per payment reference."""

    def grant(
        self, tenant: Tenant, *, amount_nano_usd: int, reference: str, entry: AuditEntry
    ) -> bool:
        """Add credit to the tenant's account and write the entry, both or none.

        Args:
            tenant: Whose account; all its lanes get a share.
            amount_nano_usd: > 0.
            reference: The payment's; makes a repetition harmless.
            entry: Of the audit log; its time is kept with the grant.

        Returns:
            False when this payment was added before: nothing changes.

        Raises:
            ConflictError: The reference belongs to a payment of another amount.
            NotFoundError: The tenant has no account.
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...

    def grants(self, tenant_id: TenantId) -> Sequence[Grant]:
        """Return what was added to a tenant's account, the newest first.

        Raises:
            StoreUnavailableError: It cannot be read.
        """
        ...
