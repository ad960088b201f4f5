"""Everything that reads and writes the ledger's tables, behind one name as the fake has it."""

from collections.abc import Callable, Iterator

from tests.support.audit_values import make_entry
from tests.support.fake_accounts import tenants_of
from tests.support.opened_tenants import open_lanes
from weir.adapters.dynamodb.account_items import new_account
from weir.adapters.dynamodb.adjustments import DynamoDBAdjustments
from weir.adapters.dynamodb.credits import DynamoDBCredits, put_account
from weir.adapters.dynamodb.folds import DynamoDBFolds
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.dynamodb.limits import DynamoDBLimits
from weir.adapters.dynamodb.transfers import DynamoDBTransfers
from weir.adapters.dynamodb.wire import DynamoDB
from weir.domain.accounts import Account, AccountId, AccountStatus, tenant_account
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.tenants import Tenant, TenantId
from weir.domain.usage import UsageRecord


class LedgerBooks(DynamoDBLedger):
    """The ledger with the operator's writes; see the adapters for each."""

    def __init__(
        self,
        db: DynamoDB,
        *,
        accounts: str,
        usage: str,
        control: str,
        ephemeral: str,
        now_ms: Callable[[], int],
    ) -> None:
        super().__init__(db, accounts_table=accounts, usage_table=usage)
        self._credits = DynamoDBCredits(db, accounts_table=accounts, control_table=control)
        self._limits = DynamoDBLimits(db, accounts_table=accounts)
        self._adjustments = DynamoDBAdjustments(db, accounts_table=accounts, usage_table=usage)
        self._folds = DynamoDBFolds(db, accounts_table=accounts)
        self._transfers = DynamoDBTransfers(
            db, accounts_table=accounts, ephemeral_table=ephemeral, now_ms=now_ms
        )

    def open_tenant_account(
        self,
        tenant_id: TenantId,
        *,
        credit_nano_usd: int,
        limits: AccountLimits | None = None,
        lanes: int = 1,
    ) -> bool:
        return open_lanes(
            self._db,
            table=self._accounts_table,
            tenant_id=tenant_id,
            credit_nano_usd=credit_nano_usd,
            limits=limits,
            lanes=lanes,
        )

    def open_lane(
        self,
        tenant_id: TenantId,
        *,
        credit_nano_usd: int,
        limits: AccountLimits | None = None,
        lane: int = 0,
    ) -> None:
        """Open one lane of a tenant's account, whatever the others have."""
        item = new_account(
            tenant_account(tenant_id),
            lane=lane,
            credit_nano_usd=credit_nano_usd,
            limits=limits or AccountLimits(),
        )
        assert put_account(self._db, table=self._accounts_table, item=item)

    def tenants(self) -> Iterator[Tenant]:
        """Every tenant that has an account: these tables keep no profiles."""
        return tenants_of(list(self.accounts()))

    def account(self, account_id: AccountId | TenantId, *, lane: int = 0) -> Account:
        account = self._accounts.read(AccountId(account_id), lane=lane)
        assert account
        return account

    def set_status(
        self, account_id: AccountId | TenantId, *, status: AccountStatus, lane: int = 0
    ) -> bool:
        return self._credits.set_status(AccountId(account_id), status=status, lane=lane)

    def set_limits(
        self,
        account_id: AccountId,
        *,
        limits: AccountLimits,
        now_ms: int,
        spent_nano_usd: NanoUsd = NanoUsd(0),
        lane: int = 0,
    ) -> bool:
        return self._limits.set_limits(
            account_id, limits=limits, now_ms=now_ms, spent_nano_usd=spent_nano_usd, lane=lane
        )

    def grant(
        self, tenant_id: TenantId, *, amount_nano_usd: int, reference: str, lanes: int, now_ms: int
    ) -> bool:
        return self._credits.grant(
            Tenant(tenant_id=tenant_id, namespace_key=b"", lanes=lanes),
            amount_nano_usd=amount_nano_usd,
            reference=reference,
            entry=make_entry(tenant_id=tenant_id, at_ms=now_ms),
        )

    def transfer(
        self, tenant_id: TenantId, *, transfer_id: str, source: int, target: int, amount: NanoUsd
    ) -> bool:
        return self._transfers.transfer(
            tenant_id, transfer_id=transfer_id, source=source, target=target, amount=amount
        )

    def adjust(self, adjustment: UsageRecord) -> bool:
        return self._adjustments.adjust(adjustment)

    def fold(self, account: Account, *, day: str, now_ms: int) -> bool:
        return self._folds.fold(account, day=day, now_ms=now_ms)
