"""What the invariants say of single requests: unsettled, adjusted, unasked, left over."""

from dataclasses import replace
from typing import Any

from tests.support.honest_books import HonestBooks, make_row
from tests.support.ledger_values import NOON_MS
from weir.domain.holds import Level
from weir.domain.invariants import rollup_violations, violations
from weir.domain.money import NanoUsd
from weir.domain.usage import RecordStatus, Usage

DAY_MS = 86_400_000


def make_books() -> HonestBooks:
    """Two settled requests of two days on one account, and one in flight."""
    books = HonestBooks()
    books.add(cost=400, price=500)
    books.add(cost=700, now_ms=NOON_MS + DAY_MS)
    books.hold()
    return books


def found_in(books: HonestBooks, **scope: Any) -> list[str]:
    return violations(books.accounts, books.records, **scope)


def test_float_is_found_when_a_record_costs_one() -> None:
    books = make_books()
    usage = Usage(cost_nano_usd=400.0)  # type: ignore[arg-type]  # the lie
    books.records[0] = replace(books.records[0], usage=usage)

    (found,) = found_in(books)

    assert found == f"I10 {books.records[0].generation_id} has an amount that is no integer"


def test_overspend_is_accepted_when_prices_above_their_estimates_explain_it() -> None:
    books = HonestBooks()
    books.add(cost=90_000, price=100_300, estimate_nano_usd=NanoUsd(100_000))

    (account,) = books.accounts
    assert account.available_nano_usd == -300
    assert found_in(books) == []


def test_overspend_is_accepted_when_an_adjustment_explains_it() -> None:
    books = HonestBooks()
    books.add(cost=99_900, estimate_nano_usd=NanoUsd(99_900))
    books.adjust(books.add(cost=0, status=RecordStatus.UNKNOWN), cost=900)

    (account,) = books.accounts
    assert account.available_nano_usd == -800
    assert found_in(books) == []


def test_recorded_request_is_accepted_when_it_is_not_settled_yet() -> None:
    books = make_books()
    (hold,) = books.holds
    recorded = make_row(cost=300, generation_id=hold.generation_id)

    assert violations(books.accounts, [*books.records, recorded]) == []


def test_adjustment_counts_on_its_own_day_and_as_no_request() -> None:
    books = HonestBooks()
    unknown = books.add(cost=0, status=RecordStatus.UNKNOWN, now_ms=NOON_MS - DAY_MS)
    books.adjust(unknown, cost=300)

    (account,) = books.accounts
    assert account.spent_by_day == {"261117": 0, "261118": 300}
    assert (account.sequence, account.requests_by_day["261118"]) == (1, 0)
    assert found_in(books) == []


def test_lie_is_found_when_an_adjustment_and_its_request_do_not_name_each_other() -> None:
    books = HonestBooks()
    found = books.adjust(books.add(cost=0, status=RecordStatus.UNKNOWN), cost=300)
    original, _ = books.records
    (account,) = books.accounts

    for forged in (
        replace(original, adjusted_by=None),
        replace(original, status=RecordStatus.COMPLETED),
    ):
        assert violations([account], [forged, found]) == [
            f"I1 {found.generation_id} adjusts {original.generation_id}, which does not name it"
        ]
    alone = replace(found, adjusts=None)
    assert violations([account], [original, alone]) == [
        f"I1 {found.generation_id} adjusts None, which does not name it"
    ]
    without = replace(
        account, spent_nano_usd=NanoUsd(0), available_nano_usd=NanoUsd(100_000), spent_by_day={}
    )
    assert violations([without], [original]) == [
        f"I1 {original.generation_id} is adjusted by {found.generation_id}, which does not exist"
    ]


def test_request_is_missed_when_an_account_below_never_took_its_hold() -> None:
    books = HonestBooks()
    books.add(levels=frozenset({Level.KEY}))
    tenant, key = books.accounts

    found = violations([tenant, replace(key, sequence=0, requests_by_day={})], books.records)

    assert found == [
        "I1 acme/key/0123abcd#0 took 0 holds, but 1 are settled and 0 are open",
        "I1 acme/key/0123abcd#0 counts 0 requests on 261118, but there are 1",
    ]


def test_open_hold_is_found_when_a_sweep_should_have_removed_it() -> None:
    books = make_books()
    (hold,) = books.holds

    assert found_in(books, swept=True) == [
        f"I9 acme#0 still holds {hold.generation_id} after the sweep"
    ]


def test_open_hold_is_found_when_the_tenants_account_does_not_have_it() -> None:
    books = HonestBooks()
    hold = books.hold(levels=frozenset({Level.KEY}))
    tenant, key = books.accounts
    settled = replace(
        tenant,
        holds={},
        in_flight=0,
        sequence=0,
        requests_by_day={},
        available_nano_usd=tenant.credit_nano_usd,
    )

    assert violations([settled, key], []) == [
        f"I9 acme/key/0123abcd#0 holds {hold.generation_id}, its tenant's account does not"
    ]


def test_rollup_is_found_when_its_records_add_up_to_something_else() -> None:
    assert list(rollup_violations({"a": 1, "b": 2}, {"a": 1, "b": 2})) == []
    assert list(rollup_violations({"a": 1, "b": 2}, {"a": 3, "c": 4})) == [
        "I5 a holds 3, but its records add up to 1",
        "I5 b holds None, but its records add up to 2",
        "I5 c holds 4, but its records add up to None",
    ]
