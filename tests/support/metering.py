"""One admitted request with its surroundings, for tests of the meter."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.fake_ledger import FakeLedger
from tests.support.fakes import (
    TENANT,
    FakeArchive,
    FakeClock,
    FakeJournal,
    FakeResponse,
    FakeTranslation,
    make_hold,
)
from weir.domain.holds import Reservation
from weir.domain.usage import UsageRecord
from weir.services.meter import Meter, Metering

HOLD = make_hold()
CREDIT = 10**9


@dataclass
class Bench:
    """One admitted request with its surroundings."""

    archive: FakeArchive = field(default_factory=lambda: FakeArchive([None]))
    ledger: FakeLedger = field(default_factory=FakeLedger)
    clock: FakeClock = field(default_factory=FakeClock)
    journal: FakeJournal = field(default_factory=FakeJournal)
    translation: FakeTranslation = field(default_factory=FakeTranslation)

    def start(self, *, stream: bool = True) -> Meter:
        self.ledger.open_account(TENANT.tenant_id, CREDIT)
        self.ledger.reserve(
            TENANT.tenant_id, reservation=Reservation(hold=HOLD, tokens=1, now_ms=self.clock.ms)
        )
        metering = Metering(
            ledger=self.ledger,
            archive=self.archive,
            clock=self.clock,
            journal=self.journal,
            checkpoint_after_ms=2_000,
        )
        return metering.start(TENANT.tenant_id, hold=HOLD, stream=stream)

    def relay(self, *script: object, stream: bool = True) -> Iterator[bytes]:
        return self.start(stream=stream).relay(FakeResponse(list(script)), self.translation)

    @property
    def record(self) -> UsageRecord:
        record = self.ledger.stored(HOLD.generation_id)
        assert record is not None
        return record

    @property
    def is_settled(self) -> bool:
        account = self.ledger.account(TENANT.tenant_id)
        stored = self.ledger.stored(HOLD.generation_id)
        spent = stored.usage.cost_nano_usd if stored else 0
        return not account.holds and account.available_nano_usd == CREDIT - spent
