"""A tenant may stop its own running requests, and learns nothing of anybody else's."""

from dataclasses import dataclass, field

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_steps import finish, reserve
from tests.support.ledger_values import ACME, NOON_MS, make_record, new_id
from weir.domain.errors import ConflictError, NotFoundError
from weir.domain.generations import GenerationId
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord
from weir.services.cancel import Cancelling

OTHER = TenantId("other")


@dataclass
class Desk:
    """Records what was found, and what was asked for; `meanwhile` runs before a record is read."""

    ledger: FakeLedger
    asked: list[tuple[TenantId, GenerationId, int]] = field(default_factory=list)
    ends: list[UsageRecord] = field(default_factory=list)

    def find(self, tenant_id: TenantId, generation_id: GenerationId) -> UsageRecord | None:
        for record in self.ends:
            self.ledger.record(record)
        stored = self.ledger.stored(generation_id)
        return stored if stored and stored.tenant_id == tenant_id else None

    def cancel(self, tenant_id: TenantId, generation_id: GenerationId, *, now_ms: int) -> None:
        self.asked.append((tenant_id, generation_id, now_ms))


@pytest.fixture
def ledger() -> FakeLedger:
    made = FakeLedger()
    made.open_tenant_account(ACME, credit_nano_usd=10_000, lanes=2)
    made.open_tenant_account(OTHER, credit_nano_usd=10_000)
    return made


@pytest.fixture
def desk(ledger: FakeLedger) -> Desk:
    return Desk(ledger)


def cancel(desk: Desk, named: str, *, tenant_id: TenantId = ACME) -> GenerationId:
    cancelling = Cancelling(ledger=desk.ledger, records=desk, requests=desk)
    return cancelling.cancel(tenant_id, named=named, now_ms=NOON_MS)


@pytest.mark.parametrize("lane", [0, 1])
def test_a_running_request_is_asked_to_stop(ledger: FakeLedger, desk: Desk, lane: int) -> None:
    hold = reserve(ledger, lane=lane)

    assert cancel(desk, hold.generation_id) == hold.generation_id

    assert desk.asked == [(ACME, hold.generation_id, NOON_MS)]


def test_a_conflict_is_raised_when_the_request_has_ended(ledger: FakeLedger, desk: Desk) -> None:
    hold = reserve(ledger)
    finish(ledger, hold, cost=5)

    with pytest.raises(ConflictError, match="already finished"):
        cancel(desk, hold.generation_id)

    assert desk.asked == []


def test_a_conflict_is_raised_when_the_request_is_recorded_but_not_settled(
    ledger: FakeLedger, desk: Desk
) -> None:
    hold = reserve(ledger)
    ledger.record(make_record(hold))

    with pytest.raises(ConflictError):
        cancel(desk, hold.generation_id)


def test_a_conflict_is_raised_when_the_request_ends_between_the_questions(
    ledger: FakeLedger, desk: Desk
) -> None:
    hold = reserve(ledger)
    desk.ends = [make_record(hold)]

    with pytest.raises(ConflictError):
        cancel(desk, hold.generation_id)


def test_what_is_not_the_tenants_reads_like_what_does_not_exist(
    ledger: FakeLedger, desk: Desk
) -> None:
    running, ended = reserve(ledger), reserve(ledger)
    finish(ledger, ended, cost=5)
    names = [running.generation_id, ended.generation_id, new_id(), new_id(lane=61), "gen-1", "é"]

    for named in names:
        with pytest.raises(NotFoundError) as caught:
            cancel(desk, named, tenant_id=OTHER)
        assert caught.value.message == f"Generation {named} not found"

    assert desk.asked == []


def test_a_malformed_id_costs_no_read(ledger: FakeLedger, desk: Desk) -> None:
    with pytest.raises(NotFoundError):
        cancel(desk, "gen-x")

    assert ledger.calls == []
