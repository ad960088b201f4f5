"""Credits: what a tenant was granted, and what it has used of it."""

from dataclasses import dataclass

from weir.domain.accounts import tenant_account
from weir.domain.metering import Budgets
from weir.domain.money import NanoUsd
from weir.domain.tenants import Tenant

_READINGS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits:
    """Both over all lanes of the tenant's account."""

    granted_nano_usd: NanoUsd
    used_nano_usd: NanoUsd


def credits_of(tenant: Tenant, *, budgets: Budgets) -> Credits:
    """Return the credits of a tenant.

    Raises:
        StoreUnavailableError: The account cannot be read.
    """
    found = _read(tenant, budgets)
    # Credit that moves between two lanes may be read in both, or in none.
    for _ in range(_READINGS if tenant.lanes > 1 else 0):
        again = _read(tenant, budgets)
        if again.granted_nano_usd == found.granted_nano_usd:
            return again
        found = again
    return found


def _read(tenant: Tenant, budgets: Budgets) -> Credits:
    lanes = budgets.lanes(tenant_account(tenant.tenant_id))
    return Credits(
        granted_nano_usd=NanoUsd(sum(lane.credit_nano_usd for lane in lanes)),
        used_nano_usd=NanoUsd(sum(lane.spent_nano_usd for lane in lanes)),
    )
