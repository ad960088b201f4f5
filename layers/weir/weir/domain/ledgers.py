"""What the services need from the ledger, by role. Adapters implement these; tests fake them."""

from collections.abc import Iterator
from typing import Protocol

from weir.domain.accounts import Account, AccountId
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold, Reservation
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.tenants import Tenant, TenantId
from weir.domain.usage import UsageRecord


class CreditLedger(Protocol):
    """Reserve → record → settle, each one conditional write (ledger design, section 2)."""

    def reserve(self, account_id: AccountId, *, reservation: Reservation) -> Account:
        """Take the hold on one account and return the account as it then is.

        Repeating it is harmless. The hold as stored, with the period of the account's own limit, is
        the one in the returned account.

        Raises:
            MissingAccountError: There is no such account.
            ForbiddenError: The account is suspended, or its spending limit is exhausted.
            RateLimitExceededError: A rate or concurrency limit is reached.
            InsufficientCreditsError: The credit does not cover the estimate.
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...

    def release(self, account_id: AccountId, *, hold: Hold, reservation: Reservation) -> bool:
        """Undo a reservation: another account refused, nothing was sent. False when it is gone.

        Args:
            account_id: Whose reservation.
            hold: As `reserve` stored it.
            reservation: As `reserve` was asked for.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...

    def open_account(self, account_id: AccountId, *, limits: AccountLimits) -> bool:
        """Open an account below a tenant's; False when it is open, and then nothing changes.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...

    def held(self, account_id: AccountId, generation_id: GenerationId) -> Hold | None:
        """Return a request's open hold on one account, consistently read; None when it is gone.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...

    def checkpoint(self, tenant_id: TenantId, *, hold: Hold, upstream_generation_id: str) -> None:
        """Write upstream's generation id into an open hold of the tenant's account, if still there.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...

    def record(self, record: UsageRecord) -> UsageRecord:
        """Store the usage record unless one exists; return the stored one (first writer wins).

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...

    def settle(
        self, account_id: AccountId, *, hold: Hold, price_nano_usd: NanoUsd, now_ms: int
    ) -> bool:
        """Replace a hold by the stored record's price; False when it was settled before.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...


class TenantDirectory(Protocol):
    """Lists the tenants."""

    def tenants(self) -> Iterator[Tenant]:
        """Yield every tenant.

        Raises:
            StoreUnavailableError: They cannot be read.
        """
        ...


class TenantLanes(Protocol):
    """Reads the lanes of the tenants' own accounts."""

    def lanes(self, tenant: Tenant) -> Iterator[Account]:
        """Yield every lane of a tenant's own account, consistently read.

        Raises:
            StoreUnavailableError: They cannot be read.
        """
        ...


class UsageRecords(Protocol):
    """Finds single usage records."""

    def find(self, tenant_id: TenantId, generation_id: GenerationId) -> UsageRecord | None:
        """Return a request's usage record, consistently read, or None when there is none.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...


class LedgerReader(Protocol):
    """Reads the whole ledger, consistently; for the audit."""

    def accounts(self) -> Iterator[Account]:
        """Yield every lane of every account."""
        ...

    def records(self) -> Iterator[UsageRecord]:
        """Yield every usage record."""
        ...


class Transfers(Protocol):
    """Moves credit between the lanes of a tenant's account."""

    def transfer(
        self, tenant_id: TenantId, *, transfer_id: str, source: int, target: int, amount: NanoUsd
    ) -> bool:
        """Move credit once per transfer id, both lanes or none; False when it did not happen now.

        Args:
            tenant_id: Whose account.
            transfer_id: Makes a repetition harmless.
            source: The lane that gives; it must have the amount available.
            target: The lane that gets.
            amount: Nano-USD, > 0.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...


class Adjustments(Protocol):
    """Charges what was found out after a request was settled as unknown."""

    def adjust(self, adjustment: UsageRecord) -> bool:
        """Store an adjustment and charge its accounts, all or nothing, once per request.

        Args:
            adjustment: `adjusts` names the request, the id has its lane.

        Returns:
            False when the request has been adjusted before; then nothing changes.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        ...
