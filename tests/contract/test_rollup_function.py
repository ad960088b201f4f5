"""The rollup function itself, over an embedded DynamoDB and an embedded EventBridge."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.support.honest_books import make_row
from tests.support.ledger_values import ACME, NOON_MS
from tests.support.opened_tenants import open_lanes
from tests.support.rollup_fakes import expected_buckets
from tests.support.rollup_stage import Stage, change, inserted, rollup_stage
from weir.adapters.dynamodb.usage_items import encode_record
from weir.domain.errors import StoreUnavailableError
from weir.domain.generations import GenerationId
from weir.domain.usage import UsageRecord


@pytest.fixture
def stage() -> Iterator[Stage]:
    with rollup_stage() as running:
        yield running


def make_rows(count: int) -> list[UsageRecord]:
    return [
        make_row(
            cost=n + 1,
            price=2 * n,
            now_ms=NOON_MS + n % 3 * 600_000,
            lane=n % 2,
            model=f"maker/model-{n % 2}",
            end_user=f"user {n % 4}" if n % 2 else None,
        )
        for n in range(count)
    ]


def test_batch_leads_to_rollups_and_events(stage: Stage) -> None:
    rows = make_rows(12)
    stage.put(*rows)

    assert not stage.invoke(inserted(*rows))

    assert stage.stored() == expected_buckets(rows)
    assert sorted(stage.published.ids()) == sorted(row.generation_id for row in rows)


def test_rollups_stay_the_same_whatever_is_delivered_twice_shuffled_or_in_pieces(
    stage: Stage,
) -> None:
    rows, chance = make_rows(20), random.Random(3)
    changes = inserted(*rows)
    stage.put(*rows)

    for _ in range(4):
        stage.deliver(chance.choices(changes, k=chance.randint(1, 30)))
    chance.shuffle(changes)
    stage.deliver(changes)
    stage.deliver(changes[:7])

    assert stage.stored() == expected_buckets(rows)
    assert set(stage.published.ids()) == {row.generation_id for row in rows}


def test_what_is_no_insertion_is_left_out(stage: Stage) -> None:
    (row,) = make_rows(1)
    stage.put(row)
    image = encode_record(row)

    kinds = ("MODIFY", "REMOVE")
    changes = [change(image, number=n, kind=kind) for n, kind in enumerate(kinds)]

    assert not stage.invoke(changes)
    assert not stage.stored()
    assert not stage.published.ids()


@pytest.mark.parametrize(
    "changes",
    [
        {"st": {"S": "odd"}},
        {"c": {"N": "1.5"}},
        {"pk": {"S": "acme#2026-11-17#0"}},
        {"pk": {"S": "acme"}},
        {"sk": {"S": "gen-1"}},
        {"sk": {"S": "gen-1795003200-!!aaaaaaaaaaaaaaaaaa"}},
        {"k": None},
    ],
)
def test_record_that_cannot_be_read_is_the_one_that_fails(
    stage: Stage, changes: dict[str, Any]
) -> None:
    rows = make_rows(6)
    stage.put(*rows)
    image = {**encode_record(make_row()), **changes}
    bad = {name: value for name, value in image.items() if value is not None}
    batch = [*inserted(*rows[:3]), change(bad, number=50), *inserted(*rows[3:], start=51)]

    assert stage.invoke(batch) == [f"{50:021d}"]

    # What comes after it is done as well: should Lambda give the batch up, nothing else is missing.
    assert stage.stored() == expected_buckets(rows)
    assert len(stage.published.ids()) == 6


def test_first_record_of_a_failing_bucket_is_named(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = make_rows(6)
    stage.put(*rows)
    real = stage.handler.usage.bucket

    def failing(bucket: Any) -> Any:
        if bucket.start_s == NOON_MS // 1_000 + 600:
            raise StoreUnavailableError("away")
        return real(bucket)

    with monkeypatch.context() as fault:
        fault.setattr(stage.handler.usage, "bucket", failing)
        assert stage.invoke(inserted(*rows)) == [f"{2:021d}"]
    stage.deliver(inserted(*rows))
    assert stage.stored() == expected_buckets(rows)


def test_no_event_is_lost_when_the_bus_refuses_now_and_then(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, chance = make_rows(16), random.Random(7)
    stage.put(*rows)
    real = stage.handler.bus.publish

    def unreliable(events: Sequence[Any]) -> frozenset[str]:
        kept = [event for event in events if chance.random() > 0.3]
        refused = {event.event_id for event in events} - {event.event_id for event in kept}
        return frozenset(refused | real(kept))

    monkeypatch.setattr(stage.handler.bus, "publish", unreliable)
    stage.deliver(inserted(*rows))

    assert set(stage.published.ids()) == {GenerationId(row.generation_id) for row in rows}


def test_no_usage_event_is_published_when_they_are_off(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = make_rows(1)
    stage.put(row)
    monkeypatch.setattr(
        stage.handler,
        "settings",
        type("Settings", (), {"usage_events": False}),
    )

    stage.invoke(inserted(row))

    assert stage.stored()
    assert not stage.published.ids()


def test_budget_alert_is_published_once(stage: Stage) -> None:
    open_lanes(stage.tables.db, table=stage.tables.accounts, tenant_id=ACME, credit_nano_usd=1_000)
    stage.tables.client.update_item(
        TableName=stage.tables.accounts,
        Key={"pk": {"S": "acme#0"}},
        UpdateExpression="SET spent = :spent",
        ExpressionAttributeValues={":spent": {"N": "850"}},
    )
    (row,) = make_rows(1)
    stage.put(row)

    for _ in range(3):
        assert not stage.invoke(inserted(row))

    alerts = [event for event in stage.published.take() if "budget" in event["detail-type"]]
    assert [event["detail"]["threshold_percent"] for event in alerts] == [50, 80]
    assert {event["detail"]["budget"] for event in alerts} == {"credit"}
