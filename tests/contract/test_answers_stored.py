"""Kept answers as they are stored: sealed, in a row or in the bucket, never readable."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.answer_tables import AnswerTables, Broken, embedded_stores, new_answer_tables
from tests.support.answer_values import ANSWER, LIFE_MS, NOW_MS, large_answer, make_claim
from weir.adapters.dynamodb.answer_items import MAX_SEALED_BYTES
from weir.adapters.dynamodb.schema import MalformedItemError
from weir.domain.answers import KEPT_MS, Standing
from weir.domain.errors import StoreUnavailableError


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[Any, Any]]:
    with embedded_stores() as made_clients:
        yield made_clients


@pytest.fixture
def made(clients: tuple[Any, Any]) -> AnswerTables:
    return new_answer_tables(*clients)


def test_a_large_answer_lies_in_the_bucket(made: AnswerTables) -> None:
    answers, answer = made.answers(), large_answer(MAX_SEALED_BYTES)
    answers.claim(make_claim())

    answers.keep(make_claim(), answer=answer, now_ms=NOW_MS)

    assert answers.claim(make_claim(owner="b")) == answer
    assert [name.count("/") for name in made.object_names()] == [2]
    assert "z" not in made.row()


def test_the_largest_row_stays_below_the_items_limit(made: AnswerTables) -> None:
    answers, answer = made.answers(), large_answer(MAX_SEALED_BYTES - 1_000)
    answers.claim(make_claim())

    answers.keep(make_claim(), answer=answer, now_ms=NOW_MS)

    assert answers.claim(make_claim(owner="b")) == answer
    assert made.object_names() == []
    assert len(made.row()["z"]["B"]) <= 400_000


def test_a_slow_owner_does_not_replace_the_object_of_the_next_one(made: AnswerTables) -> None:
    answers, answer = made.answers(), large_answer(MAX_SEALED_BYTES)
    slow, next_one = make_claim(), make_claim(owner="b", now_ms=NOW_MS + LIFE_MS)
    answers.claim(slow)
    answers.claim(next_one)
    answers.keep(next_one, answer=answer, now_ms=NOW_MS + LIFE_MS)

    answers.keep(slow, answer=large_answer(MAX_SEALED_BYTES + 1), now_ms=NOW_MS + LIFE_MS)

    assert answers.claim(make_claim(owner="c", now_ms=NOW_MS + LIFE_MS)) == answer


@pytest.mark.parametrize("size", [10, MAX_SEALED_BYTES])
def test_nothing_stored_says_what_was_answered(made: AnswerTables, size: int) -> None:
    answers = made.answers()
    answer = replace(large_answer(size), body=large_answer(size).body + b"ANSWER-CANARY" * 10)
    answers.claim(make_claim(key="KEY-CANARY"))

    answers.keep(make_claim(key="KEY-CANARY"), answer=answer, now_ms=NOW_MS)

    for stored in made.everything():
        assert b"CANARY" not in stored
        assert b"gen-1" not in stored


def test_equal_answers_are_stored_differently(made: AnswerTables) -> None:
    answers = made.answers()
    answers.claim(make_claim())
    stored = []
    for _ in range(2):
        answers.keep(make_claim(), answer=ANSWER, now_ms=NOW_MS)
        stored.append(made.row()["z"])

    assert stored[0] != stored[1]


def test_a_row_expires_when_its_claim_or_its_answer_does(made: AnswerTables) -> None:
    answers = made.answers()

    answers.claim(make_claim())
    claimed = made.row()["ttl"]
    answers.keep(make_claim(), answer=ANSWER, now_ms=NOW_MS + 1)
    kept = made.row()["ttl"]

    assert claimed == {"N": str((NOW_MS + LIFE_MS) // 1_000)}
    assert kept == {"N": str((NOW_MS + KEPT_MS) // 1_000 + 1)}


@pytest.mark.parametrize(
    "change",
    [
        {"z": {"B": b"changed"}},
        {"z": {"S": "no bytes"}},
        {"st": {"S": "?"}},
    ],
)
def test_a_row_that_was_changed_is_not_replayed(made: AnswerTables, change: dict[str, Any]) -> None:
    answers = made.answers()
    answers.claim(make_claim())
    answers.keep(make_claim(), answer=ANSWER, now_ms=NOW_MS)
    made.client.put_item(TableName=made.table, Item={**made.row(), **change})

    with pytest.raises(MalformedItemError):
        answers.claim(make_claim(owner="b"))


def test_nobody_knows_when_the_table_cannot_be_reached(made: AnswerTables) -> None:
    answers = made.answers(db=Broken())

    with pytest.raises(StoreUnavailableError):
        answers.claim(make_claim())


def test_the_claim_stays_when_the_bucket_refuses(made: AnswerTables) -> None:
    answers = made.answers(bucket="no-such-bucket")
    answers.claim(make_claim())

    with pytest.raises(StoreUnavailableError) as caught:
        answers.keep(make_claim(), answer=large_answer(MAX_SEALED_BYTES), now_ms=NOW_MS)

    assert "bucket" not in caught.value.message
    assert answers.claim(make_claim(owner="b")) is Standing.IN_FLIGHT


def test_an_object_that_is_gone_is_no_answer(made: AnswerTables) -> None:
    answers = made.answers()
    answers.claim(make_claim())
    answers.keep(make_claim(), answer=large_answer(MAX_SEALED_BYTES), now_ms=NOW_MS)
    made.empty_bucket()

    with pytest.raises(StoreUnavailableError):
        answers.claim(make_claim(owner="b"))


def test_no_storage_client_is_made_for_a_small_answer(made: AnswerTables) -> None:
    answers = made.answers()
    answers.claim(make_claim())
    answers.keep(make_claim(), answer=ANSWER, now_ms=NOW_MS)

    assert answers.claim(make_claim(owner="b")) == ANSWER
    assert made.storage_clients_made == []
