"""Each invariant is met by an honest ledger and missed by a ledger with one lie in it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_values import ACME, NOON_MS, make_hold, make_record, make_reservation
from weir.domain.accounts import Account
from weir.domain.invariants import violations
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId
from weir.domain.usage import RecordStatus, Usage, UsageRecord

DAY_MS = 86_400_000
BOTH = ("upstream-0", "upstream-1")
Lie = Callable[[Account, list[UsageRecord]], tuple[Account, list[UsageRecord]]]


def make_ledger() -> tuple[Account, list[UsageRecord]]:
    """An account with two settled requests of two days and one in flight."""
    ledger = FakeLedger()
    ledger.open_account(ACME, credit_nano_usd=10_000)
    for place, cost in enumerate((400, 700)):
        now_ms = NOON_MS + place * DAY_MS
        hold = make_hold(now_ms=now_ms)
        ledger.reserve(ACME, reservation=make_reservation(hold, now_ms=now_ms))
        ledger.record(ACME, record=make_record(hold, cost=cost, upstream_generation_id=BOTH[place]))
        ledger.settle(ACME, hold=hold, cost_nano_usd=NanoUsd(cost), now_ms=now_ms)
    ledger.reserve(ACME, reservation=make_reservation())
    return ledger.account(ACME), list(ledger.records())


def upstream(*costs: int) -> dict[str, NanoUsd]:
    return {f"upstream-{place}": NanoUsd(cost) for place, cost in enumerate(costs)}


def test_nothing_is_violated_when_the_ledger_is_honest() -> None:
    account, records = make_ledger()

    assert violations([account], records) == []
    assert violations([account], records, upstream=upstream(400, 700)) == []


def test_nothing_is_violated_when_there_is_no_ledger_yet() -> None:
    assert violations([], [], upstream={}, swept=True) == []


def altered(**changes: Any) -> Lie:
    return lambda account, records: (replace(account, **changes), records)


@pytest.mark.parametrize(
    ("lie", "expected"),
    [
        (altered(sequence=4), ["I1 acme#0 took 4 holds, but 2 are settled and 1 are open"]),
        (altered(in_flight=2), ["I2 acme#0 counts 2 in flight, but 1 are held"]),
        (
            altered(available_nano_usd=NanoUsd(7_899)),
            ["I3 acme#0: available 7899 + held 1000 + spent 1100 is not the credit 10000"],
        ),
        (
            altered(spent_nano_usd=NanoUsd(1_000), available_nano_usd=NanoUsd(8_000)),
            ["I4 acme#0 spent 1000, but its records cost 1100"],
        ),
        (
            altered(spent_by_day={"261118": 1_100}),
            [
                "I4 acme#0 spent 1100 on 261118, but its records cost 400",
                "I4 acme#0 spent 0 on 261119, but its records cost 700",
            ],
        ),
        (
            altered(requests_by_day={"261118": 1, "261119": 1}),
            ["I1 acme#0 counts 1 requests on 261118, but there are 2"],
        ),
        (
            altered(credit_nano_usd=NanoUsd(2_000), available_nano_usd=NanoUsd(-100)),
            ["I7 acme#0 is overspent by 100, of which 0 is due"],
        ),
        (
            lambda account, records: (account, [*records, records[0]]),
            [
                "has 2 usage records",
                "I1 acme#0 took 3 holds, but 3 are settled and 1 are open",
                "I4 acme#0 spent 1100, but its records cost 1500",
                "I4 acme#0 spent 400 on 261118, but its records cost 800",
                "I1 acme#0 counts 2 requests on 261118, but there are 3",
            ],
        ),
        (
            lambda account, records: (
                account,
                [*records, replace(records[0], tenant_id=TenantId("gone"))],
            ),
            ["has 2 usage records", "I1 there are usage records of gone#0, which is no account"],
        ),
        (
            altered(credit_nano_usd=10_000.0),
            ["I10 acme#0 has an amount that is no integer"],
        ),
    ],
    ids=[
        "sequence",
        "in flight",
        "conservation",
        "spent",
        "cost of a day",
        "requests of a day",
        "overspend",
        "record twice",
        "orphan",
        "float",
    ],
)
def test_lie_is_found_when_the_ledger_tells_one(lie: Lie, expected: list[str]) -> None:
    account, records = lie(*make_ledger())

    found = violations([account], records)

    assert len(found) == len(expected)
    assert all(sentence.endswith(end) for sentence, end in zip(found, expected, strict=True))


def test_float_is_found_when_a_record_costs_one() -> None:
    account, records = make_ledger()
    usage = Usage(cost_nano_usd=400.0)  # type: ignore[arg-type]  # the lie

    found = violations([account], [replace(records[0], usage=usage), records[1]])

    assert found == [f"I10 {records[0].generation_id} has a cost that is no integer"]


def test_overspend_is_accepted_when_actual_costs_explain_it() -> None:
    ledger, hold = FakeLedger(), make_hold(estimate=1_000)
    ledger.open_account(ACME, credit_nano_usd=1_000)
    ledger.reserve(ACME, reservation=make_reservation(hold))
    ledger.record(ACME, record=make_record(hold, cost=1_300))
    ledger.settle(ACME, hold=hold, cost_nano_usd=NanoUsd(1_300), now_ms=NOON_MS)

    assert ledger.account(ACME).available_nano_usd == -300
    assert violations([ledger.account(ACME)], list(ledger.records())) == []


def test_recorded_request_is_accepted_when_it_is_not_settled_yet() -> None:
    ledger, hold = FakeLedger(), make_hold()
    ledger.open_account(ACME, credit_nano_usd=1_000)
    ledger.reserve(ACME, reservation=make_reservation(hold))
    ledger.record(ACME, record=make_record(hold))

    assert violations([ledger.account(ACME)], list(ledger.records())) == []


def test_open_hold_is_found_when_a_sweep_should_have_removed_it() -> None:
    account, records = make_ledger()
    (held,) = account.holds

    found = violations([account], records, swept=True)

    assert found == [f"I9 acme#0 still holds {held} after the sweep"]


@pytest.mark.parametrize(
    ("billed", "expected"),
    [
        (upstream(400, 701), ["costs 700, but upstream billed 701 for upstream-1"]),
        (upstream(400), ["costs 700, but upstream billed 0 for upstream-1"]),
        (upstream(400, 700, 5), []),
        (upstream(400, 700, 0, 0, 0), []),
        (
            upstream(400, 700, 5, 5),
            [
                "that no record names, but only 0 records know no id and 1 requests are in flight",
            ],
        ),
    ],
    ids=["other cost", "unknown to upstream", "in flight", "free", "unrecorded"],
)
def test_upstreams_ledger_is_compared_when_it_is_given(
    billed: dict[str, NanoUsd], expected: list[str]
) -> None:
    account, records = make_ledger()

    found = violations([account], records, upstream=billed)

    assert len(found) == len(expected)
    assert all(sentence.endswith(end) for sentence, end in zip(found, expected, strict=True))


def only_record(**changes: Any) -> tuple[Account, UsageRecord]:
    """An account with one settled request and nothing in flight."""
    ledger, hold = FakeLedger(), make_hold()
    ledger.open_account(ACME, credit_nano_usd=10_000)
    ledger.reserve(ACME, reservation=make_reservation(hold))
    record = make_record(hold, **changes)
    ledger.record(ACME, record=record)
    ledger.settle(ACME, hold=hold, cost_nano_usd=record.usage.cost_nano_usd, now_ms=NOON_MS)
    return ledger.account(ACME), record


def test_unknown_cost_is_accepted_when_upstream_billed_it() -> None:
    for upstream_id in (None, "upstream-0"):
        account, record = only_record(
            cost=0, status=RecordStatus.UNKNOWN, upstream_generation_id=upstream_id
        )

        assert violations([account], [record], upstream=upstream(700)) == []


def test_sum_is_compared_when_a_record_knows_no_upstream_id() -> None:
    account, record = only_record(cost=400)

    assert violations([account], [record], upstream=upstream(400)) == []
    assert violations([account], [record], upstream=upstream(500)) == [
        "I6 all records cost 400, upstream billed 500"
    ]


def test_repeated_name_is_found_when_two_records_bill_one_generation() -> None:
    account, records = make_ledger()
    both = [replace(records[0], upstream_generation_id="upstream-1"), records[1]]

    found = violations([account], both, upstream=upstream(400, 700))

    assert found[0] == "I6 2 usage records name upstream's upstream-1"
