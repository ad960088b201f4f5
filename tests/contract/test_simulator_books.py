"""What the simulator tells of its ledger: to whom, by day, and when."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from local.simulator import Fault, Simulator
from tests.support.simulator_calls import (
    FULL_COST,
    KEY,
    MANAGEMENT_KEY,
    chat,
    get,
    open_call,
    read_answer,
    running,
)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running() as simulator:
        yield simulator


def test_books_are_open_to_management_keys_only(simulator: Simulator) -> None:
    chat(simulator)

    for path in ("/credits", "/activity"):
        refused = get(simulator.url + path)
        assert (refused.status, refused.json["error"]["message"]) == (
            403,
            "Only management keys can perform this operation",
        )
        assert get(simulator.url + path, key=MANAGEMENT_KEY).status == 200
    assert chat(simulator, key=MANAGEMENT_KEY).status == 403
    kinds = [get(f"{simulator.url}/key", key=key).json["data"] for key in (KEY, MANAGEMENT_KEY)]
    assert [kind["is_management_key"] for kind in kinds] == [False, True]


def test_activity_is_exact_by_day_when_the_bills_are_of_several(simulator: Simulator) -> None:
    for day, calls in ((18, 3), (19, 1)):
        simulator.ledger.time_s = datetime(2026, 11, day, 23, 59, 59, tzinfo=UTC).timestamp
        for _ in range(calls):
            chat(simulator)

    url = f"{simulator.url}/activity?date=2026-11-18"
    [row] = get(url, key=MANAGEMENT_KEY).json["data"]
    total = get(f"{simulator.url}/credits", key=MANAGEMENT_KEY).json["data"]["total_usage"]

    assert (row["date"], row["requests"]) == ("2026-11-18", 3)
    assert Decimal(repr(row["usage"])) * 10**9 == 3 * FULL_COST
    assert Decimal(repr(total)) * 10**9 == 4 * FULL_COST


@pytest.mark.parametrize(
    "fault", [Fault(name="hidden"), Fault(name="cut", hidden_s=60.0)], ids=["alone", "and cut"]
)
def test_generation_is_billed_but_not_told_when_a_fault_hides_it(
    simulator: Simulator, fault: Fault
) -> None:
    simulator.faults.push(fault)
    chat(simulator, stream=True)
    [entry] = simulator.ledger.entries()
    url = f"{simulator.url}/generation?id={entry.id}"

    hidden = get(url).status
    billed = get(f"{simulator.url}/credits", key=MANAGEMENT_KEY).json["data"]["total_usage"]
    read_answer(open_call(f"{simulator.admin_url}/hidden", method="DELETE"))

    assert (hidden, get(url).status) == (404, 200)
    assert Decimal(repr(billed)) * 10**9 == entry.cost_nano_usd > 0
