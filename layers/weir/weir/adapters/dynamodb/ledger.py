"""The ledger over two DynamoDB tables: `CreditLedger` for requests, `LedgerReader` for repair.

Each method of `CreditLedger` is exactly one write and no read. Needs no other table and knows no
key of the tenant; the design is in `docs/adr`, the items in `schema`.
"""

from collections.abc import Iterator
from dataclasses import replace

from weir.adapters.dynamodb.account_items import decode_account, new_account
from weir.adapters.dynamodb.accounts import AccountItems
from weir.adapters.dynamodb.counters import StaleCounters
from weir.adapters.dynamodb.credits import add_credit, put_account, put_status
from weir.adapters.dynamodb.schema import account_key
from weir.adapters.dynamodb.usage import put_record
from weir.adapters.dynamodb.usage_items import decode_record
from weir.adapters.dynamodb.wire import DynamoDB, Item
from weir.domain.accounts import Account, AccountId, AccountLimits, AccountStatus
from weir.domain.holds import Hold, Reservation
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord


class DynamoDBLedger:
    """Reserve → record → settle on DynamoDB, and the reading of all of it.

    A tenant's own account carries the tenant's id; a request's lane follows from its id.

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
        self._items = AccountItems(db, table=accounts_table, stale=self._stale)

    def open_account(
        self,
        tenant_id: TenantId,
        *,
        credit_nano_usd: int,
        limits: AccountLimits | None = None,
        lane: int = 0,
    ) -> bool:
        """Open one lane of a tenant's account with its own credit and limits (None: no limit).

        Returns:
            False when the lane is open already; then nothing changes.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        item = new_account(
            AccountId(tenant_id),
            lane=lane,
            credit_nano_usd=credit_nano_usd,
            limits=limits or AccountLimits(),
        )
        return put_account(self._db, table=self._accounts_table, item=item)

    def grant(
        self, tenant_id: TenantId, *, amount_nano_usd: int, reference: str, lane: int = 0
    ) -> bool:
        """Add credit, once per payment reference; False when nothing was added.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        return add_credit(
            self._db,
            table=self._accounts_table,
            key=account_key(tenant_id, lane=lane),
            amount_nano_usd=amount_nano_usd,
            reference=reference,
        )

    def set_status(self, tenant_id: TenantId, *, status: AccountStatus, lane: int = 0) -> bool:
        """Suspend an account lane or make it active again; False when there is none.

        Raises:
            StoreUnavailableError: The ledger cannot be reached.
        """
        key = account_key(tenant_id, lane=lane)
        return put_status(self._db, table=self._accounts_table, key=key, status=status)

    def reserve(self, tenant_id: TenantId, *, reservation: Reservation) -> Account:
        """Take the hold and return the account as it then is; see `CreditLedger`."""
        return self._items.reserve(AccountId(tenant_id), reservation=reservation)

    def checkpoint(self, tenant_id: TenantId, *, hold: Hold, upstream_generation_id: str) -> None:
        """Write upstream's generation id into an open hold; see `CreditLedger`."""
        noted = replace(hold, upstream_generation_id=upstream_generation_id)
        self._items.checkpoint(AccountId(tenant_id), hold=noted)

    def record(self, tenant_id: TenantId, *, record: UsageRecord) -> UsageRecord:
        """Store the usage record unless one exists, return the stored one; see `CreditLedger`.

        Raises:
            ValueError: The record is another tenant's.
        """
        if record.tenant_id != tenant_id:
            raise ValueError("a usage record is written by its own tenant only")
        return put_record(self._db, table=self._usage_table, record=record)

    def settle(
        self, tenant_id: TenantId, *, hold: Hold, cost_nano_usd: NanoUsd, now_ms: int
    ) -> bool:
        """Replace the hold by the stored record's cost; see `CreditLedger`."""
        return self._items.settle(
            AccountId(tenant_id), hold=hold, cost_nano_usd=cost_nano_usd, now_ms=now_ms
        )

    def accounts(self) -> Iterator[Account]:
        """Yield every account lane, consistently read.

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
