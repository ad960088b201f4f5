"""The outbox: one event for each record, told again when it was not taken."""

import json

from tests.support.honest_books import make_row
from tests.support.rollup_fakes import FakeBus
from weir.domain.usage import Usage
from weir.services.outbox import publish


def test_every_record_is_an_event_under_its_own_id() -> None:
    rows, bus = [make_row(), make_row()], FakeBus()

    assert not publish(rows, bus=bus)
    assert bus.ids == [row.generation_id for row in rows]


def test_records_fail_when_the_bus_refuses_their_event() -> None:
    rows = [make_row(), make_row(), make_row()]
    bus = FakeBus(refuses=rows[1].generation_id.__eq__)

    assert publish(rows, bus=bus) == {rows[1].generation_id}
    assert bus.ids == [rows[0].generation_id, rows[2].generation_id]


def test_event_states_money_in_integers_and_in_exact_decimals() -> None:
    bus = FakeBus()
    usage = Usage(cost_nano_usd=7_350, prompt_tokens=9, completion_tokens=10)  # type: ignore[arg-type]  # a literal

    publish([make_row(usage=usage, price=10**15 + 1, end_user="ann")], bus=bus)

    (event,) = bus.taken
    detail = json.loads(json.dumps(event.detail))
    assert event.detail_type == "weir.usage.recorded"
    assert event.event_id == detail["id"]
    assert (detail["cost_nano_usd"], detail["cost_usd"]) == (7_350, "0.00000735")
    assert (detail["price_nano_usd"], detail["price_usd"]) == (10**15 + 1, "1000000.000000001")
    assert (detail["tenant_id"], detail["key_id"], detail["end_user"]) == (
        "acme",
        "0123abcd",
        "ann",
    )
    assert detail["created_at"] == "2026-11-18T12:00:00Z"
    assert not any(isinstance(value, float) for value in detail.values())
