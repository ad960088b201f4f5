"""The records are compared with upstream's own ledger."""

from dataclasses import replace

import pytest

from tests.support.honest_books import HonestBooks
from tests.support.ledger_values import NOON_MS
from weir.domain.holds import Level
from weir.domain.invariants import violations
from weir.domain.money import NanoUsd
from weir.domain.usage import RecordStatus

DAY_MS = 86_400_000


def make_books() -> HonestBooks:
    """Two requests that upstream knows and one in flight, on two accounts."""
    books = HonestBooks()
    books.add(cost=400, price=500, upstream_generation_id="upstream-0")
    books.add(cost=700, price=900, upstream_generation_id="upstream-1")
    books.hold(levels=frozenset({Level.KEY}))
    return books


def upstream(*costs: int) -> dict[str, NanoUsd]:
    return {f"upstream-{place}": NanoUsd(cost) for place, cost in enumerate(costs)}


def found_in(books: HonestBooks, billed: dict[str, NanoUsd]) -> list[str]:
    return violations(books.accounts, books.records, upstream=billed)


@pytest.mark.parametrize(
    ("billed", "expected"),
    [
        (upstream(400, 700), []),
        (upstream(400, 701), ["costs 700, but upstream billed 701 for upstream-1"]),
        (upstream(400), ["costs 700, but upstream billed 0 for upstream-1"]),
        (upstream(400, 700, 5), []),
        (upstream(400, 700, 0, 0, 0), []),
        (
            upstream(400, 700, 5, 5),
            ["that no record names, but only 0 records know no id and 1 requests are in flight"],
        ),
    ],
    ids=["equal", "other cost", "unknown to upstream", "in flight", "free", "unrecorded"],
)
def test_upstreams_ledger_is_compared_when_it_is_given(
    billed: dict[str, NanoUsd], expected: list[str]
) -> None:
    found = found_in(make_books(), billed)

    assert len(found) == len(expected)
    assert all(sentence.endswith(end) for sentence, end in zip(found, expected, strict=True))


@pytest.mark.parametrize("upstream_id", [None, "upstream-0"])
def test_unknown_cost_is_accepted_when_upstream_billed_it(upstream_id: str | None) -> None:
    books = HonestBooks()
    books.add(cost=0, status=RecordStatus.UNKNOWN, upstream_generation_id=upstream_id)

    assert found_in(books, upstream(700)) == []


@pytest.mark.parametrize("upstream_id", [None, "upstream-0"])
def test_adjustment_is_compared_when_an_unknown_cost_was_found_out(
    upstream_id: str | None,
) -> None:
    books = HonestBooks()
    unknown = books.add(cost=0, status=RecordStatus.UNKNOWN, upstream_generation_id=upstream_id)
    books.adjust(unknown, cost=700, now_ms=NOON_MS + DAY_MS)
    books.records[1] = replace(books.records[1], upstream_generation_id="upstream-0")

    assert found_in(books, upstream(700)) == []
    assert found_in(books, upstream(800)) == [
        f"I6 {books.records[1].generation_id} costs 700, but upstream billed 800 for upstream-0",
        "I6 all records cost 700, upstream billed 800",
    ]


def test_sum_is_compared_when_a_record_knows_no_upstream_id() -> None:
    books = HonestBooks()
    books.add(cost=400, price=600)

    assert found_in(books, upstream(400)) == []
    assert found_in(books, upstream(500)) == ["I6 all records cost 400, upstream billed 500"]


def test_repeated_name_is_found_when_two_records_bill_one_generation() -> None:
    books = make_books()
    books.records[0] = replace(books.records[0], upstream_generation_id="upstream-1")

    found = found_in(books, upstream(400, 700))

    assert found[0] == "I6 2 usage records name upstream's upstream-1"
