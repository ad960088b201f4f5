"""Record once, then settle every account: the lowest first, the tenant's last."""

from dataclasses import dataclass, field

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.fakes import TENANT, FakeJournal, FakeQueue, make_hold
from tests.support.ledger_values import make_record
from weir.domain.accounts import AccountId, charged_accounts, tenant_account
from weir.domain.errors import StoreUnavailableError
from weir.domain.holds import Hold, Level, Reservation
from weir.domain.limits import AccountLimits
from weir.domain.usage import RecordStatus, UsageRecord
from weir.services.settlement import Holds, Settlement, settle_record

NOW_MS = 1_795_000_000_000
HOLD = make_hold(end_user="jane", levels=frozenset({Level.KEY, Level.END_USER}))
ACCOUNTS = charged_accounts(TENANT.tenant_id, HOLD)
RECORD = make_record(HOLD, cost=700, tenant_id=TENANT.tenant_id, price_nano_usd=900)


@dataclass
class Books:
    """A ledger on which one request is held on three accounts."""

    ledger: FakeLedger = field(default_factory=FakeLedger)
    queue: FakeQueue = field(default_factory=FakeQueue)
    journal: FakeJournal = field(default_factory=FakeJournal)

    def __post_init__(self) -> None:
        self.ledger.open_tenant_account(TENANT.tenant_id, credit_nano_usd=10**9)
        for account_id in ACCOUNTS[1:]:
            self.ledger.open_account(account_id, limits=AccountLimits())
        self.holds: Holds = {account_id: self._reserved(account_id) for account_id in ACCOUNTS}
        self.ledger.calls.clear()

    def settle(self, record: UsageRecord = RECORD) -> bool:
        settlement = Settlement(ledger=self.ledger, queue=self.queue, journal=self.journal)
        return settlement.settle(record, holds=self.holds, now_ms=NOW_MS)

    def spent(self) -> list[int]:
        return [self.ledger.account(account_id).spent_nano_usd for account_id in ACCOUNTS]

    def open_holds(self) -> list[int]:
        return [len(self.ledger.account(account_id).holds) for account_id in ACCOUNTS]

    def _reserved(self, account_id: AccountId) -> Hold:
        reservation = Reservation(hold=HOLD, tokens=1, now_ms=NOW_MS)
        account = self.ledger.reserve(account_id, reservation=reservation)
        return account.holds[HOLD.generation_id]


@pytest.fixture
def books() -> Books:
    return Books()


def test_every_account_is_charged_the_price(books: Books) -> None:
    assert books.settle()

    assert books.spent() == [900, 900, 900]
    assert books.open_holds() == [0, 0, 0]
    assert books.ledger.calls == ["record", "settle", "settle", "settle"]
    assert books.journal.lines == [("settled", RecordStatus.COMPLETED)]


def test_the_tenants_account_is_settled_last(books: Books) -> None:
    settled = []
    settle = books.ledger.settle

    def watched(account_id: AccountId, **arguments: object) -> bool:
        settled.append(account_id)
        return settle(account_id, **arguments)  # type: ignore[arg-type]  # passed on

    books.ledger.settle = watched  # type: ignore[method-assign]  # a test's wire-tap

    books.settle()

    assert settled == list(reversed(ACCOUNTS))


def test_the_tenants_hold_is_open_while_a_lower_account_is_not_settled(books: Books) -> None:
    books.ledger.fail_next("settle")

    assert books.settle()

    assert books.open_holds() == [1, 1, 1]
    assert books.queue.records == [RECORD]
    assert books.journal.lines == [("queued", "The ledger is unavailable.")]


def test_holds_that_the_caller_does_not_know_are_looked_up(books: Books) -> None:
    settled = settle_record(books.ledger, RECORD, holds={}, now_ms=NOW_MS)

    assert settled.was_open
    assert books.spent() == [900, 900, 900]
    assert books.ledger.calls == ["record", *["held", "settle"] * 3]


def test_settling_again_changes_nothing(books: Books) -> None:
    books.settle()

    again = settle_record(books.ledger, RECORD, holds={}, now_ms=NOW_MS)
    with_holds = settle_record(books.ledger, RECORD, holds=books.holds, now_ms=NOW_MS)

    assert (again.was_open, with_holds.was_open) == (False, False)
    assert books.spent() == [900, 900, 900]


def test_the_stored_record_decides_the_price_when_it_was_there_first(books: Books) -> None:
    first = make_record(HOLD, cost=1, tenant_id=TENANT.tenant_id)
    books.ledger.record(first)

    settled = settle_record(books.ledger, RECORD, holds=books.holds, now_ms=NOW_MS)

    assert settled.record == first
    assert books.spent() == [1, 1, 1]


def test_whoever_comes_second_finishes_what_a_crash_left(books: Books) -> None:
    books.ledger.record(RECORD)
    books.ledger.settle(
        ACCOUNTS[2],
        hold=books.holds[ACCOUNTS[2]],
        price_nano_usd=RECORD.price_nano_usd,
        now_ms=NOW_MS,
    )

    settled = settle_record(books.ledger, RECORD, holds={}, now_ms=NOW_MS)

    assert settled.was_open
    assert books.spent() == [900, 900, 900]


def test_the_ledgers_failure_is_raised_when_nobody_queues(books: Books) -> None:
    books.ledger.fail_next("held")

    with pytest.raises(StoreUnavailableError):
        settle_record(books.ledger, RECORD, holds={}, now_ms=NOW_MS)


def test_the_hold_is_left_to_the_sweeper_when_ledger_and_queue_fail(books: Books) -> None:
    books.ledger.fail_next("record")
    books.queue.is_down = True

    assert not books.settle()

    assert books.ledger.account(tenant_account(TENANT.tenant_id)).holds
    reason = "The ledger is unavailable. The queue is unavailable."
    assert books.journal.lines == [("unsettled", reason)]
