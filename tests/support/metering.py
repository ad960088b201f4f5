"""One admitted request with its surroundings, for tests of the meter."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tests.support.fake_ledger import FakeLedger
from tests.support.fakes import (
    TENANT,
    FakeArchive,
    FakeCancellations,
    FakeClock,
    FakeJournal,
    FakeQueue,
    FakeResponse,
    FakeTranslation,
    make_hold,
)
from weir.domain.accounts import AccountId, charged_accounts, key_account, tenant_account
from weir.domain.holds import Hold, Level, Reservation
from weir.domain.limits import AccountLimits
from weir.domain.price_plans import AT_COST, PricePlan
from weir.domain.usage import UsageRecord
from weir.services.admit import Admitted
from weir.services.meter import Meter, Metering
from weir.services.outcomes import Outcomes
from weir.services.settlement import Settlement

HOLD = make_hold(levels=frozenset({Level.KEY}))
ACCOUNTS = charged_accounts(TENANT.tenant_id, HOLD)
CREDIT = 10**9


def make_metering(
    ledger: FakeLedger,
    *,
    archive: FakeArchive,
    clock: FakeClock,
    journal: FakeJournal,
    queue: FakeQueue,
    cancellations: FakeCancellations,
) -> Metering:
    """Metering over fakes; checkpoints after two seconds, looks for a cancel every second."""
    return Metering(
        settlement=Settlement(ledger=ledger, queue=queue, journal=journal),
        outcomes=Outcomes(archive=archive, clock=clock),
        cancellations=cancellations,
        clock=clock,
        journal=journal,
        checkpoint_after_ms=2_000,
        cancel_poll_ms=1_000,
    )


@dataclass
class Bench:
    """One request, held on its tenant's account and on its key's, with its surroundings."""

    archive: FakeArchive = field(default_factory=lambda: FakeArchive([None]))
    ledger: FakeLedger = field(default_factory=FakeLedger)
    clock: FakeClock = field(default_factory=FakeClock)
    journal: FakeJournal = field(default_factory=FakeJournal)
    queue: FakeQueue = field(default_factory=FakeQueue)
    cancellations: FakeCancellations = field(default_factory=FakeCancellations)
    translation: FakeTranslation = field(default_factory=FakeTranslation)
    plan: PricePlan = AT_COST

    def start(self, *, stream: bool = True) -> Meter:
        self.ledger.open_tenant_account(TENANT.tenant_id, credit_nano_usd=CREDIT)
        self.ledger.open_account(key_account(TENANT.tenant_id, HOLD.key_id), limits=AccountLimits())
        holds = {account_id: self._reserved(account_id) for account_id in ACCOUNTS}
        self.ledger.calls.clear()
        metering = make_metering(
            self.ledger,
            archive=self.archive,
            clock=self.clock,
            journal=self.journal,
            queue=self.queue,
            cancellations=self.cancellations,
        )
        admitted = Admitted(hold=holds[ACCOUNTS[0]], holds=holds)
        return metering.start(replace(TENANT, plan=self.plan), admitted=admitted, stream=stream)

    def relay(self, *script: object, stream: bool = True) -> Iterator[bytes]:
        return self.start(stream=stream).relay(FakeResponse(list(script)), self.translation)

    def wait(self, duration_ms: int) -> None:
        """Let time pass; as a step of a response's script: `partial(bench.wait, 40)`."""
        self.clock.ms += duration_ms

    @property
    def record(self) -> UsageRecord:
        record = self.ledger.stored(HOLD.generation_id)
        assert record is not None
        return record

    @property
    def open_hold(self) -> Hold | None:
        """The request's hold on its tenant's account."""
        account = self.ledger.account(tenant_account(TENANT.tenant_id))
        return account.holds.get(HOLD.generation_id)

    @property
    def is_settled(self) -> bool:
        """Whether every account is free of the hold and charged the record's price."""
        stored = self.ledger.stored(HOLD.generation_id)
        price = stored.price_nano_usd if stored else 0
        return all(self._is_charged(account_id, price) for account_id in ACCOUNTS)

    def _is_charged(self, account_id: AccountId, price: int) -> bool:
        account = self.ledger.account(account_id)
        return not account.holds and account.spent_nano_usd == price

    def _reserved(self, account_id: AccountId) -> Hold:
        reservation = Reservation(hold=HOLD, tokens=1, now_ms=self.clock.ms)
        account = self.ledger.reserve(account_id, reservation=reservation)
        return account.holds[HOLD.generation_id]
