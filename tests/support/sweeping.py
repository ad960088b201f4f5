"""Requests that crashed, and the sweep that finds them."""

from dataclasses import replace
from typing import Any

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_values import ACME, NOON_MS, make_hold, make_reservation
from weir.domain.accounts import charged_accounts
from weir.domain.errors import ProviderError
from weir.domain.holds import Hold, Level
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.price_plans import AT_COST, PricePlan
from weir.domain.tenants import TenantId
from weir.domain.usage import ArchivedGeneration, Usage
from weir.services.sweep import Sweeping, SweepReport

LIFE_MS = 960_000
NOTHING = SweepReport(settled=0, unknown=0, postponed=0, failed=0)
USAGE = Usage(cost_nano_usd=NanoUsd(400), prompt_tokens=3, completion_tokens=5)
GENERATION = ArchivedGeneration(
    usage=USAGE, model="maker/model-2", provider="Maker", finish_reason="stop"
)
DOUBLE = PricePlan(version=2, multiplier_ppm=2_000_000)
BOTH = frozenset({Level.KEY, Level.END_USER})


class Archive:
    """Upstream's ledger; `error` makes it unreachable."""

    def __init__(
        self, known: ArchivedGeneration | None = None, error: ProviderError | None = None
    ) -> None:
        self.known = known
        self.error = error
        self.asked: list[str] = []

    def generation(self, upstream_generation_id: str) -> ArchivedGeneration | None:
        self.asked.append(upstream_generation_id)
        if self.error:
            raise self.error
        return self.known


class Plans:
    """One tenant's price plans."""

    def plan(self, tenant_id: TenantId, *, version: int) -> PricePlan:
        return {0: AT_COST, 2: DOUBLE}[version]


def abandon(
    ledger: FakeLedger, *, upstream_id: str | None = "gen-up", taken: int = 3, **changes: Any
) -> Hold:
    """Reserve on the first accounts of a request, and crash."""
    hold = make_hold(**changes)
    for account_id in charged_accounts(ACME, hold)[:taken]:
        ledger.open_account(account_id, limits=AccountLimits())
        ledger.reserve(account_id, reservation=make_reservation(hold))
    if upstream_id:
        ledger.checkpoint(ACME, hold=hold, upstream_generation_id=upstream_id)
    return replace(hold, upstream_generation_id=upstream_id)


def run(ledger: FakeLedger, archive: Archive, *, now_ms: int = NOON_MS + LIFE_MS) -> SweepReport:
    sweeping = Sweeping(
        ledger=ledger, tenants=ledger, archive=archive, plans=Plans(), hold_life_ms=LIFE_MS
    )
    return sweeping.sweep(now_ms=now_ms)
