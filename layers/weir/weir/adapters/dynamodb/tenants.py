"""Tenants in the control table: profiles, and the directory that lists them."""

import logging
from collections.abc import Iterator

from weir.adapters.dynamodb.control import ControlTable
from weir.adapters.dynamodb.control_items import (
    DIRECTORY,
    decode_tenant,
    directory_key,
    encode_tenant,
    profile_key,
)
from weir.adapters.dynamodb.price_plans import plan_row
from weir.adapters.dynamodb.schema import string
from weir.adapters.dynamodb.wire import DynamoDB, Item, unavailable
from weir.domain.tenants import Tenant, TenantId

logger = logging.getLogger(__name__)


class DynamoDBTenants:
    """Finds and lists tenants; `tenant_register` creates and changes them.

    Args:
        db: The transport.
        control_table: Name of the control table.
    """

    def __init__(self, db: DynamoDB, *, control_table: str) -> None:
        self._table = ControlTable(db, name=control_table)

    def find(self, tenant_id: TenantId) -> Tenant | None:
        """Return a tenant, consistently read, or None when there is none of this name.

        Raises:
            StoreUnavailableError: The table cannot be reached.
            MalformedItemError: The profile is not what the schema writes.
        """
        profile = self._table.row(profile_key(tenant_id))
        return decode_tenant(profile) if profile else None

    def tenants(self) -> Iterator[Tenant]:
        """Yield every tenant, in the order of their names, consistently read.

        Raises:
            StoreUnavailableError: They cannot be read; or, after all others, that a profile is
                missing or not what the schema writes, which is logged.
        """
        unreadable = 0
        for row in self._table.rows(DIRECTORY):
            tenant_id = TenantId(string(row, "sk"))
            try:
                tenant = decode_tenant(self._table.row(profile_key(tenant_id)))
            except ValueError:
                logger.exception("the profile of %s cannot be read", tenant_id)
                unreadable += 1
                continue
            yield tenant
        if unreadable:
            failure = unavailable()
            raise failure


def new_tenant_rows(tenant: Tenant) -> list[Item]:
    """Return the rows of a new tenant: its profile, its place in the directory, its price plan."""
    rows = [encode_tenant(tenant), directory_key(tenant.tenant_id)]
    if tenant.plan.version:
        rows.append(plan_row(tenant.tenant_id, tenant.plan))
    return rows
