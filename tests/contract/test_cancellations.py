"""A wish to stop reaches the request it is meant for, and no other."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from tests.support.ledger_values import ACME, NOON_MS, make_hold, make_record, new_id
from weir.adapters.dynamodb.boto import BotoDynamoDB
from weir.adapters.dynamodb.cancellations import KEPT_S, DynamoDBCancellations
from weir.adapters.dynamodb.usage_records import DynamoDBUsageRecords
from weir.domain.errors import StoreUnavailableError
from weir.domain.tenants import TenantId


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made:
        yield made


@pytest.fixture
def made(client: Any) -> Tables:
    return new_tables(client)


@pytest.fixture
def cancellations(made: Tables) -> DynamoDBCancellations:
    return DynamoDBCancellations(made.db, ephemeral_table=made.ephemeral)


class TestCancellations:
    def test_only_the_request_itself_is_cancelled(
        self, cancellations: DynamoDBCancellations
    ) -> None:
        wanted, other = new_id(), new_id()

        cancellations.cancel(ACME, wanted, now_ms=NOON_MS)

        assert cancellations.is_cancelled(ACME, wanted)
        assert not cancellations.is_cancelled(ACME, other)
        assert not cancellations.is_cancelled(TenantId("other"), wanted)

    def test_the_wish_lapses_a_day_after_it_was_last_said(
        self, cancellations: DynamoDBCancellations, made: Tables
    ) -> None:
        generation_id = new_id()

        cancellations.cancel(ACME, generation_id, now_ms=NOON_MS)
        cancellations.cancel(ACME, generation_id, now_ms=NOON_MS + 5_999)

        (item,) = made.items(made.ephemeral)
        assert item["ttl"] == {"N": str(NOON_MS // 1000 + 5 + KEPT_S)}

    def test_a_look_is_not_consistent_because_the_next_one_is_soon(
        self, cancellations: DynamoDBCancellations, made: Tables, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[dict[str, Any]] = []

        def get_item(**named: Any) -> dict[str, Any]:
            asked.append(named)
            return {}

        monkeypatch.setattr(made.client, "get_item", get_item)

        assert not cancellations.is_cancelled(ACME, new_id())

        assert not asked[0].get("ConsistentRead")

    def test_an_error_is_raised_when_the_table_cannot_be_reached(self, made: Tables) -> None:
        absent = DynamoDBCancellations(
            BotoDynamoDB(lambda: made.client), ephemeral_table="no-such-table"
        )

        with pytest.raises(StoreUnavailableError):
            absent.cancel(ACME, new_id(), now_ms=NOON_MS)
        with pytest.raises(StoreUnavailableError):
            absent.is_cancelled(ACME, new_id())


class TestUsageRecords:
    def test_a_record_is_found_by_its_own_tenant_only(self, made: Tables) -> None:
        record = make_record(make_hold(lane=7))
        made.ledger().record(record)
        records = DynamoDBUsageRecords(made.db, usage_table=made.usage)

        assert records.find(ACME, record.generation_id) == record
        assert records.find(TenantId("other"), record.generation_id) is None
        assert records.find(ACME, new_id(lane=7)) is None
