"""What the management of API keys needs from the outside, by role."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from weir.domain.accounts import AccountId
from weir.domain.api_keys import ApiKey
from weir.domain.audit_log import AuditEntry
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.tenants import Tenant, TenantId


class KeyRegister(Protocol):
    """The API keys of tenants, consistently read. Every method may raise StoreUnavailableError.

    An entry of the audit log is written with the change that it tells of, both or none.
    """

    def put_key(self, api_key: ApiKey, *, entry: AuditEntry) -> bool:
        """Create an API key; False when its hash or its short id is taken: mint again."""
        ...

    def keys_of(self, tenant: Tenant) -> Iterator[ApiKey]:
        """Yield every API key of a tenant, in no order."""
        ...

    def key_of(self, tenant: Tenant, *, key_hash: str) -> ApiKey | None:
        """Return one API key of a tenant; None when there is none, or it is another's."""
        ...

    def note(self, entry: AuditEntry) -> None:
        """Write an entry alone, before a change that is not written in one piece."""
        ...

    def change(self, api_key: ApiKey, *, changed: ApiKey, entry: AuditEntry) -> bool:
        """Store a changed API key; False when it is no more as it was read.

        Args:
            api_key: As it was read.
            changed: Its `updated_ms` must be another.
            entry: Of the audit log.
        """
        ...

    def succeed(
        self, api_key: ApiKey, *, changed: ApiKey, successor: ApiKey, entry: AuditEntry
    ) -> bool:
        """Store a changed API key and create the one that takes its place, both or none.

        Returns:
            False when the key is no more as it was read, or the successor's hash or short id is
            taken.
        """
        ...

    def delete(self, tenant_id: TenantId, *, key_hash: str, entry: AuditEntry) -> bool:
        """Delete an API key of a tenant; False when there is none, or it is another's."""
        ...

    def key_id_of(self, tenant_id: TenantId, *, key_hash: str) -> str | None:
        """Return what a key is counted by, deleted or not; None when the tenant never had it."""
        ...

    def hashes(self, tenant_id: TenantId) -> Mapping[str, str]:
        """Return every key id of a tenant with the hash of its first key, deleted ones too."""
        ...


class LimitChanges(Protocol):
    """Changes the limits of accounts."""

    def set_limits(
        self,
        account_id: AccountId,
        *,
        limits: AccountLimits,
        now_ms: int,
        spent_nano_usd: NanoUsd = NanoUsd(0),
    ) -> bool:
        """Give an account other limits; False when there is no such account.

        Args:
            account_id: Whose limits.
            limits: The new ones.
            now_ms: Epoch milliseconds.
            spent_nano_usd: Settled so far in the current period of the new limit.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...
