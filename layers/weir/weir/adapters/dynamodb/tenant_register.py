"""Tenants as the operator manages them: profile, price plan, account and audit log in one write."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from weir.adapters.dynamodb.account_items import decode_account
from weir.adapters.dynamodb.audit_items import encode_entry
from weir.adapters.dynamodb.batches import rows_of
from weir.adapters.dynamodb.control import ControlTable
from weir.adapters.dynamodb.control_items import (
    DIRECTORY,
    decode_tenant,
    directory_key,
    encode_tenant,
    profile_key,
)
from weir.adapters.dynamodb.credits import opened_lanes
from weir.adapters.dynamodb.limits import lane_update
from weir.adapters.dynamodb.price_plans import plan_row
from weir.adapters.dynamodb.schema import account_key, integer, string
from weir.adapters.dynamodb.tenants import new_tenant_rows
from weir.adapters.dynamodb.wire import DynamoDB, Item
from weir.domain.accounts import Account, tenant_account, tenant_of
from weir.domain.audit_log import AuditEntry
from weir.domain.limits import AccountLimits
from weir.domain.tenant_changes import LaneChange
from weir.domain.tenants import Tenant, TenantId

# Two changes at once must not both be written: the second would undo the first.
TENANT_IS_AS_READ = "up = :updated"
TENANT_IS_UNCHANGED = "attribute_exists(pk) AND attribute_not_exists(up)"


class DynamoDBTenantRegister:
    """`TenantRegister` on DynamoDB.

    Args:
        db: The transport.
        control_table: Name of the control table.
        accounts_table: Name of the accounts table.
    """

    def __init__(self, db: DynamoDB, *, control_table: str, accounts_table: str) -> None:
        self._db = db
        self._table = ControlTable(db, name=control_table)
        self._accounts = accounts_table

    def find(self, tenant_id: TenantId) -> Tenant | None:
        """Return a tenant, closed ones too; see `TenantRegister`.

        Raises:
            MalformedItemError: The profile is not what the schema writes.
        """
        profile = self._table.row(profile_key(tenant_id))
        return decode_tenant(profile) if profile else None

    def page(self, *, after: TenantId | None, count: int) -> Sequence[Tenant]:
        """Return tenants in the order of their ids; see `TenantRegister`.

        Raises:
            MalformedItemError: A profile is not what the schema writes.
        """
        beyond = None if after is None else directory_key(after)
        rows = self._table.page(DIRECTORY, beyond=beyond, count=count)
        keys = [profile_key(TenantId(string(row, "sk"))) for row in rows]
        tenants = [decode_tenant(row) for row in self._table.many(keys)]
        return sorted(tenants, key=lambda tenant: tenant.tenant_id)

    def lanes(self, tenants: Sequence[Tenant]) -> Mapping[TenantId, Sequence[Account]]:
        """Return the lanes of each tenant's own account; see `TenantRegister`.

        Raises:
            MalformedItemError: An item is not what the schema writes.
        """
        keys = [
            account_key(tenant_account(tenant.tenant_id), lane=lane)
            for tenant in tenants
            for lane in range(tenant.lanes)
        ]
        found: defaultdict[TenantId, list[Account]] = defaultdict(list)
        for row in rows_of(self._db, table=self._accounts, keys=keys):
            account = decode_account(row)
            found[tenant_of(account.account_id)].append(account)
        return {
            tenant.tenant_id: sorted(found[tenant.tenant_id], key=lambda account: account.lane)
            for tenant in tenants
        }

    def create(self, tenant: Tenant, *, limits: AccountLimits, entry: AuditEntry) -> bool:
        """Create a tenant, its account without credit, and the entry; see `TenantRegister`.

        Raises:
            ValueError: The number of lanes is out of range, or a limit leaves a lane with nothing.
        """
        lanes = opened_lanes(
            tenant.tenant_id,
            table=self._accounts,
            credit_nano_usd=0,
            limits=limits,
            lanes=tenant.lanes,
        )
        rows = [*new_tenant_rows(tenant), encode_entry(entry)]
        return self._table.write([*map(self._table.new, rows), *lanes])

    def change(
        self, tenant: Tenant, *, changed: Tenant, lanes: Sequence[LaneChange], entry: AuditEntry
    ) -> bool:
        """Store a changed tenant, its lanes and the entry; see `TenantRegister`."""
        new_rows = [encode_entry(entry)]
        if changed.plan != tenant.plan:
            new_rows.append(plan_row(tenant.tenant_id, changed.plan))
        now_ms = changed.updated_ms or 0
        updates = (
            {"Update": {"TableName": self._accounts, **lane_update(lane, now_ms=now_ms)}}
            for lane in lanes
        )
        profile = {"Put": {"TableName": self._table.name, **_change(tenant, changed)}}
        return self._table.write([profile, *map(self._table.new, new_rows), *updates])


def _change(tenant: Tenant, changed: Tenant) -> Item:
    put: Item = {"Item": encode_tenant(changed), "ConditionExpression": TENANT_IS_UNCHANGED}
    if tenant.updated_ms is None:
        return put
    values = {":updated": integer(tenant.updated_ms)}
    return {
        **put,
        "ConditionExpression": TENANT_IS_AS_READ,
        "ExpressionAttributeValues": values,
    }
