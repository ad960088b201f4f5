"""The ledger over two DynamoDB tables: `CreditLedger` for requests, `LedgerReader` for repair.

Needs no other table and knows no key of the tenant; the design is in `docs/adr`, the items in
`schema`. What the operator changes is written by `credits`, `limits` and `transfers`, what is found
out later by `adjustments` and `folds`.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace

from weir.adapters.dynamodb.account_items import decode_account, new_account
from weir.adapters.dynamodb.accounts import AccountItems
from weir.adapters.dynamodb.counters import StaleCounters
from weir.adapters.dynamodb.credits import put_account
from weir.adapters.dynamodb.holds import HoldItems
from weir.adapters.dynamodb.usage import put_record
from weir.adapters.dynamodb.usage_items import decode_record
from weir.adapters.dynamodb.wire import DynamoDB, Item, unavailable
from weir.domain.accounts import Account, AccountId, tenant_account
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold, Reservation
from weir.domain.limits import UNLIMITED, AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.tenants import Tenant, TenantId
from weir.domain.usage import UsageRecord

logger = logging.getLogger(__name__)


class DynamoDBLedger:
    """Reserve → record → settle on DynamoDB, one write each, and the reading of all of it.

    Args:
        db: The transport.
        accounts_table: Name of the accounts table.
        usage_table: Name of the usage table.
    """

    def __init__(self, db: DynamoDB, *, accounts_table: str, usage_table: str) -> None:
        self._db = db
        self._accounts_table = accounts_table
        self._usage_table = usage_table
        self._stale = StaleCounters()
        self._accounts = AccountItems(db, table=accounts_table, stale=self._stale)
        self._holds = HoldItems(db, table=accounts_table, stale=self._stale)

    def reserve(self, account_id: AccountId, *, reservation: Reservation) -> Account:
        """Take the hold and return the account as it then is; see `CreditLedger`."""
        return self._accounts.reserve(account_id, reservation=reservation)

    def release(self, account_id: AccountId, *, hold: Hold, reservation: Reservation) -> bool:
        """Undo a reservation; see `CreditLedger`."""
        return self._holds.release(account_id, hold=hold, reservation=reservation)

    def open_account(self, account_id: AccountId, *, limits: AccountLimits) -> bool:
        """Open an account below a tenant's, which only its limits bind; see `CreditLedger`."""
        item = new_account(account_id, lane=0, credit_nano_usd=UNLIMITED, limits=limits)
        return put_account(self._db, table=self._accounts_table, item=item)

    def held(self, account_id: AccountId, generation_id: GenerationId) -> Hold | None:
        """Return a request's open hold on one account; see `CreditLedger`."""
        return self._accounts.held(account_id, generation_id)

    def checkpoint(self, tenant_id: TenantId, *, hold: Hold, upstream_generation_id: str) -> None:
        """Write upstream's generation id into an open hold; see `CreditLedger`."""
        noted = replace(hold, upstream_generation_id=upstream_generation_id)
        self._holds.checkpoint(tenant_account(tenant_id), hold=noted)

    def record(self, record: UsageRecord) -> UsageRecord:
        """Store the usage record unless one exists, return the stored one; see `CreditLedger`."""
        return put_record(self._db, table=self._usage_table, record=record)

    def settle(
        self, account_id: AccountId, *, hold: Hold, price_nano_usd: NanoUsd, now_ms: int
    ) -> bool:
        """Replace a hold by the stored record's price; see `CreditLedger`."""
        return self._holds.settle(
            account_id, hold=hold, price_nano_usd=price_nano_usd, now_ms=now_ms
        )

    def lanes(self, tenant: Tenant) -> Iterator[Account]:
        """Yield every lane of a tenant's own account that is open; see `TenantLanes`.

        Raises:
            StoreUnavailableError: They cannot be read; or, after all others, that an item is not
                what the schema writes, which is logged.
        """
        unreadable = 0
        for lane in range(tenant.lanes):
            try:
                account = self._accounts.read(tenant_account(tenant.tenant_id), lane=lane)
            except ValueError:
                logger.exception("lane %d of %s cannot be read", lane, tenant.tenant_id)
                unreadable += 1
                continue
            if account is not None:
                self._stale.note(account)
                yield account
        if unreadable:
            failure = unavailable()
            raise failure

    def accounts(self) -> Iterator[Account]:
        """Yield every lane of every account, consistently read.

        Raises:
            MalformedItemError: An item is not what the schema writes.
        """
        for item in self._all(self._accounts_table):
            account = decode_account(item)
            self._stale.note(account)
            yield account

    def records(self) -> Iterator[UsageRecord]:
        """Yield every usage record, consistently read.

        Raises:
            MalformedItemError: An item is not what the schema writes.
        """
        for item in self._all(self._usage_table):
            yield decode_record(item)

    def _all(self, table: str) -> Iterator[Item]:
        for page in self._db.pages("Scan", {"TableName": table, "ConsistentRead": True}):
            yield from page["Items"]
