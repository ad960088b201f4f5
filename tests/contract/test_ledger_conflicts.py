"""Two writers of one item at the same moment: who waits, who reads again, and who gives up."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.ledger_books import LedgerBooks
from tests.support.ledger_steps import ACCOUNT, finish, only_account, reserve, take
from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from tests.support.ledger_values import (
    ACME,
    NOON_MS,
    make_adjustment,
    make_hold,
    make_record,
    make_reservation,
)
from weir.adapters.dynamodb.adjustments import DynamoDBAdjustments
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.dynamodb.limits import DynamoDBLimits
from weir.adapters.dynamodb.wire import ConditionFailedError, DynamoDB, Item, Payload
from weir.domain.accounts import AccountId
from weir.domain.errors import StoreUnavailableError
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.usage import RecordStatus, UsageRecord

DAILY = AccountLimits(spend_nano_usd=NanoUsd(5_000), period=LimitPeriod.DAILY)
WEEKLY = replace(DAILY, period=LimitPeriod.WEEKLY)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made_client:
        yield made_client


@pytest.fixture
def made(client: Any) -> Tables:
    return new_tables(client)


class Client:
    """A client that raises what it is given, one error per call, and then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def update_item(self, **_: Any) -> dict[str, Any]:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return {"Attributes": {}}

    transact_write_items = update_item


def conflict() -> ClientError:
    return ClientError({"Error": {"Code": "TransactionConflictException"}}, "UpdateItem")


def canceled(*codes: str, item: Item | None = None) -> ClientError:
    reasons: list[Any] = [{"Code": code} for code in codes]
    if item:
        reasons[-1]["Item"] = item
    response: Any = {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": reasons,
    }
    return ClientError(response, "TransactWriteItems")


class TestTransport:
    @pytest.mark.parametrize(
        ("operation", "error"),
        [
            ("UpdateItem", conflict()),
            ("TransactWriteItems", canceled("None", "TransactionConflict")),
            ("TransactWriteItems", canceled("ThrottlingError", "None")),
            ("TransactWriteItems", canceled("ProvisionedThroughputExceeded")),
        ],
        ids=["plain", "transaction", "throttled", "exceeded"],
    )
    def test_write_is_tried_again_when_another_stood_in_its_way(
        self, operation: str, error: ClientError
    ) -> None:
        client, pauses = Client(error, error), list[float]()
        db = BotoDynamoDB(lambda: client, pause=pauses.append)

        assert db.call(operation, {}) == {"Attributes": {}}

        assert client.calls == 3
        assert pauses == sorted(pauses)
        assert len(pauses) == 2

    @pytest.mark.parametrize("error", [conflict(), canceled("TransactionConflict")])
    def test_store_is_unavailable_when_the_conflict_does_not_end(self, error: ClientError) -> None:
        client, pauses = Client(*[error] * 99), list[float]()
        db = BotoDynamoDB(lambda: client, pause=pauses.append)

        with pytest.raises(StoreUnavailableError):
            db.call("UpdateItem", {})

        assert (client.calls, len(pauses)) == (5, 4)
        assert sum(pauses) < 1, "a request waits for it"

    def test_unmet_condition_is_told_when_a_transaction_has_one(self) -> None:
        old = {"pk": {"S": "x"}}
        error = canceled("TransactionConflict", "None", "ConditionalCheckFailed", item=old)
        db = BotoDynamoDB(lambda: Client(error))

        with pytest.raises(ConditionFailedError) as raised:
            db.call("TransactWriteItems", {})

        assert raised.value.item == old
        assert [raised.value.is_unmet(place) for place in range(3)] == [False, False, True]

    @pytest.mark.parametrize("codes", [("ValidationError",), ("ItemCollectionSizeLimitExceeded",)])
    def test_store_is_unavailable_when_a_transaction_is_invalid(
        self, codes: tuple[str, ...]
    ) -> None:
        client = Client(canceled(*codes))

        with pytest.raises(StoreUnavailableError):
            BotoDynamoDB(lambda: client).call("TransactWriteItems", {})

        assert client.calls == 1


class Racing:
    """A transport on which something else happens before each write of one kind."""

    def __init__(self, db: DynamoDB, operation: str, *events: Callable[[], object]) -> None:
        self._db = db
        self._operation = operation
        self._events = list(events)
        self.operations: list[str] = []

    def call(self, operation: str, payload: Payload) -> Item:
        self.operations.append(operation)
        if operation == self._operation and self._events:
            self._events.pop(0)()
        return self._db.call(operation, payload)

    def pages(self, operation: str, payload: Payload) -> Iterator[Item]:
        return self._db.pages(operation, payload)


def period_changes(ledger: LedgerBooks, times: int) -> list[Callable[[], object]]:
    """The operator changes the period of the limit, to and fro."""

    def to(limits: AccountLimits) -> Callable[[], object]:
        return lambda: ledger.set_limits(ACCOUNT, limits=limits, now_ms=NOON_MS)

    return [to(WEEKLY if number % 2 else DAILY) for number in range(times)]


def unknown(ledger: LedgerBooks) -> UsageRecord:
    ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=WEEKLY)
    hold = reserve(ledger, period=LimitPeriod.WEEKLY)
    record = ledger.record(make_record(hold, cost=0, status=RecordStatus.UNKNOWN))
    finish(ledger, hold, cost=0)
    return record


def adjustments(made: Tables, db: DynamoDB) -> DynamoDBAdjustments:
    return DynamoDBAdjustments(db, accounts_table=made.accounts, usage_table=made.usage)


class TestReserve:
    def racing(self, made: Tables, *events: Callable[[], object]) -> tuple[Racing, DynamoDBLedger]:
        db = Racing(made.db, "UpdateItem", *events)
        return db, DynamoDBLedger(db, accounts_table=made.accounts, usage_table=made.usage)

    def test_guess_is_corrected_with_one_more_write_when_it_is_wrong(self, made: Tables) -> None:
        made.ledger().open_tenant_account(ACME, credit_nano_usd=9_000, limits=DAILY)
        db, ledger = self.racing(made)

        ledger.reserve(ACCOUNT, reservation=make_reservation())

        assert db.operations == ["UpdateItem", "UpdateItem"]

    def test_store_is_unavailable_when_the_period_changes_at_every_attempt(
        self, made: Tables
    ) -> None:
        made.ledger().open_tenant_account(ACME, credit_nano_usd=9_000, limits=WEEKLY)
        _db, ledger = self.racing(made, *period_changes(made.ledger(), 2))

        with pytest.raises(StoreUnavailableError):
            ledger.reserve(ACCOUNT, reservation=make_reservation())

        assert only_account(made.ledger()).holds == {}

    def test_hold_of_an_earlier_attempt_is_returned_when_it_appears_at_the_second(
        self, made: Tables
    ) -> None:
        made.ledger().open_tenant_account(ACME, credit_nano_usd=9_000, limits=DAILY)
        reservation = make_reservation()
        daily = replace(reservation, hold=replace(reservation.hold, period=LimitPeriod.DAILY))
        _db, ledger = self.racing(made, int, lambda: take(made.ledger(), daily))

        account = ledger.reserve(ACCOUNT, reservation=reservation)

        assert account == only_account(made.ledger())
        assert account.in_flight == 1


class TestAdjust:
    def test_new_period_is_charged_when_it_changes_between_read_and_write(
        self, made: Tables
    ) -> None:
        ledger = made.ledger()
        record = unknown(ledger)
        db = Racing(made.db, "TransactWriteItems", *period_changes(ledger, 1))

        assert adjustments(made, db).adjust(make_adjustment(record, cost=300))

        account = only_account(ledger)
        assert account.remaining_by_period == {"w261116": 5_000, "d261118": 4_700}
        assert account.spent_nano_usd == 300

    def test_nothing_changes_when_the_period_changes_at_every_attempt(self, made: Tables) -> None:
        ledger = made.ledger()
        record = unknown(ledger)
        db = Racing(made.db, "TransactWriteItems", *period_changes(ledger, 9))

        with pytest.raises(StoreUnavailableError):
            adjustments(made, db).adjust(make_adjustment(record, cost=300))

        assert only_account(ledger).spent_nano_usd == 0
        assert list(ledger.records()) == [record]

    def test_nothing_changes_when_the_tenants_account_is_missing(self, made: Tables) -> None:
        record = made.ledger().record(make_record(make_hold(), cost=0, status=RecordStatus.UNKNOWN))

        with pytest.raises(StoreUnavailableError):
            made.ledger().adjust(make_adjustment(record, cost=300))

        assert list(made.ledger().records()) == [record]


class TestSetLimits:
    def limits(self, made: Tables, *events: Callable[[], object]) -> DynamoDBLimits:
        db = Racing(made.db, "UpdateItem", *events)
        return DynamoDBLimits(db, accounts_table=made.accounts)

    def test_difference_is_exact_when_a_request_opens_the_period_between(
        self, made: Tables
    ) -> None:
        ledger = made.ledger()
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=WEEKLY)
        limits = self.limits(made, lambda: reserve(ledger, estimate=600, period=LimitPeriod.WEEKLY))
        lower = replace(WEEKLY, spend_nano_usd=NanoUsd(1_000))

        assert limits.set_limits(ACCOUNT, limits=lower, now_ms=NOON_MS)

        assert only_account(ledger).remaining_by_period == {"w261116": 400}

    def test_last_change_counts_when_two_change_the_same_limits(self, made: Tables) -> None:
        ledger = made.ledger()
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=WEEKLY)
        reserve(ledger, estimate=600, period=LimitPeriod.WEEKLY)
        other = replace(WEEKLY, spend_nano_usd=NanoUsd(2_000))
        limits = self.limits(made, lambda: ledger.set_limits(ACCOUNT, limits=other, now_ms=NOON_MS))
        mine = replace(WEEKLY, spend_nano_usd=NanoUsd(1_000))

        assert limits.set_limits(ACCOUNT, limits=mine, now_ms=NOON_MS)

        account = only_account(ledger)
        assert account.limits == mine
        assert account.remaining_by_period == {"w261116": 400}

    def test_store_is_unavailable_when_others_always_come_first(self, made: Tables) -> None:
        ledger = made.ledger()
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=WEEKLY)
        limits = self.limits(made, *period_changes(ledger, 9))

        with pytest.raises(StoreUnavailableError):
            limits.set_limits(ACCOUNT, limits=AccountLimits(), now_ms=NOON_MS)


def test_fold_changes_nothing_when_a_remainder_moved_since_it_was_read(made: Tables) -> None:
    ledger = made.ledger()
    ledger.open_tenant_account(ACME, credit_nano_usd=9_000, limits=DAILY)
    finish(ledger, reserve(ledger, period=LimitPeriod.DAILY), cost=100)
    read = only_account(ledger)
    raised = replace(DAILY, spend_nano_usd=NanoUsd(6_000))
    ledger.set_limits(AccountId(ACME), limits=raised, now_ms=NOON_MS)
    before = only_account(ledger)

    assert not ledger.fold(read, day="261118", now_ms=NOON_MS + 86_400_000)

    assert only_account(ledger) == before
