"""Price plans in the control table: one immutable row a version, the current one in the profile."""

import logging
from functools import lru_cache

from weir.adapters.dynamodb.control import ControlTable
from weir.adapters.dynamodb.control_items import decode_plan, encode_plan, plan_key
from weir.adapters.dynamodb.schema import MalformedItemError, integer
from weir.adapters.dynamodb.wire import DynamoDB, Item, unavailable
from weir.domain.price_plans import AT_COST, PricePlan
from weir.domain.tenants import TenantId

MAX_REMEMBERED = 1_000

logger = logging.getLogger(__name__)


class DynamoDBPricePlans:
    """`PricePlans` on DynamoDB; a plan is written with the tenant whose plan it becomes.

    Args:
        db: The transport.
        control_table: Name of the control table.
    """

    def __init__(self, db: DynamoDB, *, control_table: str) -> None:
        self._table = ControlTable(db, name=control_table)
        # A version never changes, so what was read once holds for ever; failures are not kept.
        self._remembered = lru_cache(maxsize=MAX_REMEMBERED)(self._read)

    def plan(self, tenant_id: TenantId, *, version: int) -> PricePlan:
        """Return one version of a tenant's price plan; see `PricePlans`.

        Raises:
            StoreUnavailableError: The table cannot be reached, there is no such version, or its row
                is not what the schema writes, which is logged.
        """
        if version == 0:
            return AT_COST
        try:
            return self._remembered(tenant_id, version)
        except ValueError as error:
            logger.exception("price plan %d of %s cannot be read", version, tenant_id)
            failure = unavailable()
            raise failure from error

    def _read(self, tenant_id: TenantId, version: int) -> PricePlan:
        row = self._table.row(plan_key(tenant_id, version=version))
        if not row:
            raise MalformedItemError(f"price plan {version} of {tenant_id} is missing")
        return decode_plan(row)


def plan_row(tenant_id: TenantId, plan: PricePlan) -> Item:
    """Return the row of one version of a tenant's price plan."""
    key = plan_key(tenant_id, version=plan.version)
    return {**key, "pv": integer(plan.version), "pl": encode_plan(plan)}
