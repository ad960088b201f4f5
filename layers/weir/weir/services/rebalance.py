"""Rebalance: move credit between the lanes of a tenant's account, so that no lane starves.

Requests take credit from whichever lane their process draws from; credit that lies in another lane
is out of reach of a request that fits in none.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from weir.domain.accounts import Account
from weir.domain.ledgers import TenantDirectory, TenantLanes, Transfers
from weir.domain.money import NanoUsd

TRANSFER_ID_BYTES = 16
# Lanes that differ less from their mean are left alone: a transfer is three writes.
TOLERATED_PERCENT = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Credit to move from one lane to another, in nano-USD."""

    source: int
    target: int
    amount: NanoUsd


def rebalance(
    ledger: TenantLanes,
    *,
    tenants: TenantDirectory,
    transfers: Transfers,
    random: Callable[[int], bytes],
) -> int:
    """Even out the available credit of every tenant with several lanes.

    Args:
        ledger: Read lane by lane.
        tenants: Whose lanes.
        transfers: Moves the credit; a lane that has spent in between refuses to give.
        random: Returns that many random bytes; names the transfers.

    Returns:
        The number of transfers made.

    Raises:
        StoreUnavailableError: The ledger cannot be reached; each transfer is whole or not at all.
    """
    made = 0
    for tenant in tenants.tenants():
        if tenant.lanes == 1:
            continue
        for move in moves(list(ledger.lanes(tenant))):
            made += transfers.transfer(
                tenant.tenant_id,
                transfer_id=random(TRANSFER_ID_BYTES).hex(),
                source=move.source,
                target=move.target,
                amount=move.amount,
            )
    return made


def moves(lanes: list[Account]) -> Iterator[Move]:
    """Yield what brings every lane to the mean; nothing while all are close to it."""
    available = {account.lane: account.available_nano_usd for account in lanes}
    if not available:
        return
    mean = sum(available.values()) // len(available)
    if all(
        abs(amount - mean) * 100 <= abs(mean) * TOLERATED_PERCENT for amount in available.values()
    ):
        return
    surplus = {lane: amount - mean for lane, amount in available.items()}
    while True:
        source, target = (
            max(surplus, key=surplus.__getitem__),
            min(surplus, key=surplus.__getitem__),
        )
        amount = min(surplus[source], -surplus[target])
        if amount <= 0:
            return
        surplus[source] -= amount
        surplus[target] += amount
        yield Move(source=source, target=target, amount=NanoUsd(amount))
