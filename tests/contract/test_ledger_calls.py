"""How the ledger talks to DynamoDB: how often, and what it makes of failures."""

import logging
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, NoCredentialsError

from tests.support.ledger_steps import ACCOUNT, finish
from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from tests.support.ledger_values import ACME, NOON_MS, make_hold, make_reservation
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.dynamodb.wire import ConditionFailedError
from weir.domain.errors import RateLimitExceededError, StoreUnavailableError
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.services.audit import audit


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made_client:
        yield made_client


@pytest.fixture
def made(client: Any) -> Tables:
    return new_tables(client)


@contextmanager
def sent(found: Tables) -> Iterator[list[str]]:
    """Collect the operations that go over the wire, repeated attempts included."""
    seen: list[str] = []

    def note(request: Any, **_: Any) -> None:
        seen.append(request.headers["X-Amz-Target"].decode().split(".")[-1])

    events = found.client.meta.events
    events.register_first("before-send.dynamodb", note)
    yield seen
    events.unregister("before-send.dynamodb", note)


def test_reserve_is_one_write_and_no_read_when_a_request_is_admitted(made: Tables) -> None:
    ledger = made.ledger()
    ledger.open_tenant_account(ACME, credit_nano_usd=10_000)

    with sent(made) as seen:
        ledger.reserve(ACCOUNT, reservation=make_reservation())

    assert seen == ["UpdateItem"]


def test_reserve_is_one_write_and_no_read_when_a_request_is_refused(made: Tables) -> None:
    ledger = made.ledger()
    ledger.open_tenant_account(ACME, credit_nano_usd=10_000, limits=AccountLimits(in_flight=0))

    with sent(made) as seen, pytest.raises(RateLimitExceededError):
        ledger.reserve(ACCOUNT, reservation=make_reservation())

    assert seen == ["UpdateItem"]


def test_whole_request_is_three_writes_and_no_read_when_nothing_fails(made: Tables) -> None:
    ledger, hold = made.ledger(), make_hold()
    ledger.open_tenant_account(ACME, credit_nano_usd=10_000)

    with sent(made) as seen:
        ledger.reserve(ACCOUNT, reservation=make_reservation(hold))
        finish(ledger, hold, cost=1)

    assert seen == ["UpdateItem", "PutItem", "UpdateItem"]


def test_record_and_settle_read_nothing_when_another_was_first(made: Tables) -> None:
    ledger, hold = made.ledger(), make_hold()
    ledger.open_tenant_account(ACME, credit_nano_usd=10_000)
    ledger.reserve(ACCOUNT, reservation=make_reservation(hold))
    finish(ledger, hold, cost=1)

    with sent(made) as seen:
        assert not finish(ledger, hold, cost=2)

    assert seen == ["PutItem", "UpdateItem"]


def test_budget_is_exactly_used_up_when_threads_compete(made: Tables) -> None:
    ledger = made.ledger()
    ledger.open_tenant_account(ACME, credit_nano_usd=7_500)

    def attempt(_: int) -> str:
        try:
            ledger.reserve(ACCOUNT, reservation=make_reservation(estimate=1_000))
        except Exception as error:  # noqa: BLE001 - the kind of the error is what is counted
            return type(error).__name__
        return "admitted"

    with ThreadPoolExecutor(8) as pool:
        outcomes = Counter(pool.map(attempt, range(24)))

    assert outcomes == {"admitted": 7, "InsufficientCreditsError": 17}
    assert audit(ledger).violations == ()


def test_one_hold_and_one_record_exist_when_threads_repeat_one_request(made: Tables) -> None:
    ledger, hold = made.ledger(), make_hold()
    ledger.open_tenant_account(ACME, credit_nano_usd=10_000)

    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda _: ledger.reserve(ACCOUNT, reservation=make_reservation(hold)), range(8)
            )
        )
        settled = list(pool.map(lambda cost: finish(ledger, hold, cost=cost), range(8)))

    assert settled.count(True) == 1
    assert [record.generation_id for record in ledger.records()] == [hold.generation_id]
    assert audit(ledger, swept=True).violations == ()


def test_every_page_is_read_when_a_table_has_several(made: Tables) -> None:
    ledger = made.ledger()
    for lane in range(5):
        ledger.open_lane(ACME, credit_nano_usd=1, lane=lane)

    pages = list(made.db.pages("Scan", {"TableName": made.accounts, "Limit": 2}))

    assert [len(page["Items"]) for page in pages] == [2, 2, 1]


class Refusing:
    """A client whose every operation raises."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def update_item(self, **_: Any) -> None:
        raise self.error


def client_error(code: str, **more: Any) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "a secret"}, **more}
    return ClientError(response, "UpdateItem")


@pytest.mark.parametrize(
    "error",
    [
        client_error("ProvisionedThroughputExceededException"),
        client_error("ThrottlingException"),
        client_error("InternalServerError"),
        client_error("ResourceNotFoundException"),
        client_error("ValidationException"),
        client_error("AccessDeniedException"),
        ConnectTimeoutError(endpoint_url="https://dynamodb.example"),
        NoCredentialsError(),
    ],
    ids=lambda error: (
        error.response["Error"]["Code"] if hasattr(error, "response") else type(error).__name__
    ),
)
def test_store_is_unavailable_when_the_client_fails(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    db = BotoDynamoDB(lambda: Refusing(error))

    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(StoreUnavailableError) as raised,
    ):
        db.call("UpdateItem", {"TableName": "accounts"})

    assert (raised.value.status, raised.value.retry_after_s) == (503, 1)
    assert raised.value.__cause__ is error
    assert "dynamodb" not in raised.value.message.lower()
    assert "a secret" not in caplog.text


@pytest.mark.parametrize(
    ("more", "item"), [({"Item": {"pk": {"S": "x"}}}, {"pk": {"S": "x"}}), ({}, {})]
)
def test_old_item_is_carried_when_a_condition_failed(
    more: dict[str, Any], item: dict[str, Any]
) -> None:
    error = client_error("ConditionalCheckFailedException", **more)
    db = BotoDynamoDB(lambda: Refusing(error))

    with pytest.raises(ConditionFailedError) as raised:
        db.call("UpdateItem", {})

    assert raised.value.item == item


def test_client_is_made_once_when_it_is_first_needed(made: Tables) -> None:
    created: list[Any] = []

    def factory() -> Any:
        created.append(made.client)
        return made.client

    db = BotoDynamoDB(factory)
    assert not created

    for _ in range(2):
        db.call("Scan", {"TableName": made.accounts})

    assert len(created) == 1


def test_store_is_unavailable_when_a_refusal_cannot_be_explained(made: Tables) -> None:
    made.ledger().open_tenant_account(ACME, credit_nano_usd=10_000)
    (item,) = made.items(made.accounts)

    class Refuses:
        def call(self, operation: str, payload: object) -> dict[str, Any]:
            raise ConditionFailedError(item)

        def pages(self, operation: str, payload: object) -> Iterator[dict[str, Any]]:
            raise NotImplementedError

    ledger = DynamoDBLedger(Refuses(), accounts_table="a", usage_table="u")

    with pytest.raises(StoreUnavailableError):
        ledger.reserve(ACCOUNT, reservation=make_reservation())


def test_settle_asks_for_the_holds_own_lane_when_an_account_has_several(made: Tables) -> None:
    ledger, hold = made.ledger(), make_hold(lane=3)
    ledger.open_lane(ACME, credit_nano_usd=10_000, lane=3)
    ledger.open_lane(ACME, credit_nano_usd=10_000, lane=0)

    ledger.reserve(ACCOUNT, reservation=make_reservation(hold))

    assert ledger.settle(ACCOUNT, hold=hold, price_nano_usd=NanoUsd(1), now_ms=NOON_MS)


def test_boto3_is_not_imported_when_the_adapters_are() -> None:
    modules = "accounts, adjustments, boto, control, credits, folds, ledger, limits, transfers"
    program = (
        f"import sys; from weir.adapters.dynamodb import {modules}; print('boto3' in sys.modules)"
    )

    output = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout

    assert output.strip() == "False"
