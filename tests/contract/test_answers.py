"""Kept answers: the fake and the DynamoDB adapter obey the same rules, take-overs included."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.answer_tables import AnswerTables, embedded_stores, new_answer_tables
from tests.support.answer_values import ANSWER, GLOBEX, LIFE_MS, NOW_MS, make_claim
from tests.support.fake_answers import FakeAnswers
from weir.domain.answers import KEPT_MS, Answers, Standing


@pytest.fixture(scope="module")
def clients() -> Iterator[tuple[Any, Any]]:
    with embedded_stores() as made_clients:
        yield made_clients


@pytest.fixture
def made(clients: tuple[Any, Any]) -> AnswerTables:
    return new_answer_tables(*clients)


@pytest.fixture(params=["fake", "dynamodb"])
def answers(request: pytest.FixtureRequest, made: AnswerTables) -> Answers:
    return FakeAnswers() if request.param == "fake" else made.answers()


def test_a_new_key_is_claimed(answers: Answers) -> None:
    assert answers.claim(make_claim()) is Standing.CLAIMED


def test_claiming_again_with_the_same_owner_is_harmless(answers: Answers) -> None:
    answers.claim(make_claim())

    assert answers.claim(make_claim()) is Standing.CLAIMED


def test_a_claimed_key_is_in_flight_for_everybody_else(answers: Answers) -> None:
    answers.claim(make_claim())

    assert answers.claim(make_claim(owner="b")) is Standing.IN_FLIGHT


def test_a_kept_answer_comes_back_whole(answers: Answers) -> None:
    answers.claim(make_claim())

    assert answers.keep(make_claim(), answer=ANSWER, now_ms=NOW_MS)

    assert answers.claim(make_claim(owner="b")) == ANSWER


@pytest.mark.parametrize("is_answered", [False, True])
def test_another_request_under_the_key_is_told_so(answers: Answers, *, is_answered: bool) -> None:
    answers.claim(make_claim())
    if is_answered:
        answers.keep(make_claim(), answer=ANSWER, now_ms=NOW_MS)

    found = answers.claim(make_claim(owner="b", digest=b"another"))

    assert found is Standing.OTHER_REQUEST


def test_keys_and_tenants_are_independent(answers: Answers) -> None:
    answers.claim(make_claim())

    assert answers.claim(make_claim(owner="b", key="order-18")) is Standing.CLAIMED
    assert answers.claim(make_claim(owner="c", tenant=GLOBEX)) is Standing.CLAIMED


def test_an_answer_that_is_not_kept_is_told_from_one_in_flight(answers: Answers) -> None:
    answers.claim(make_claim())

    assert answers.keep(make_claim(), answer=None, now_ms=NOW_MS)

    assert answers.claim(make_claim(owner="b")) is Standing.NOT_KEPT


def test_a_released_key_is_free(answers: Answers) -> None:
    answers.claim(make_claim())

    assert answers.release(make_claim())

    assert answers.claim(make_claim(owner="b")) is Standing.CLAIMED


def test_a_claim_is_taken_over_when_it_has_lapsed_and_not_before(answers: Answers) -> None:
    answers.claim(make_claim())
    lapsed_ms = NOW_MS + LIFE_MS

    early = answers.claim(make_claim(owner="b", now_ms=lapsed_ms - 1))
    late = answers.claim(make_claim(owner="b", now_ms=lapsed_ms))

    assert (early, late) == (Standing.IN_FLIGHT, Standing.CLAIMED)


def test_an_answer_is_forgotten_after_a_day_and_not_before(answers: Answers) -> None:
    answers.claim(make_claim())
    answers.keep(make_claim(), answer=ANSWER, now_ms=NOW_MS)

    early = answers.claim(make_claim(owner="b", now_ms=NOW_MS + KEPT_MS - 1))
    late = answers.claim(make_claim(owner="b", now_ms=NOW_MS + KEPT_MS, digest=b"another"))

    assert (early, late) == (ANSWER, Standing.CLAIMED)


def test_a_slow_owner_changes_nothing_when_its_claim_was_taken_over(answers: Answers) -> None:
    slow, next_one = make_claim(), make_claim(owner="b", now_ms=NOW_MS + LIFE_MS)
    answers.claim(slow)
    answers.claim(next_one)

    late = replace(ANSWER, body=b"late")
    assert not answers.keep(slow, answer=late, now_ms=NOW_MS + LIFE_MS)
    assert not answers.release(slow)
    assert answers.keep(next_one, answer=ANSWER, now_ms=NOW_MS + LIFE_MS)
    assert not answers.keep(slow, answer=late, now_ms=NOW_MS + LIFE_MS)

    assert answers.claim(make_claim(owner="c", now_ms=NOW_MS + LIFE_MS)) == ANSWER


def test_keeping_again_is_harmless(answers: Answers) -> None:
    answers.claim(make_claim())

    assert answers.keep(make_claim(), answer=ANSWER, now_ms=NOW_MS)
    assert answers.keep(make_claim(), answer=ANSWER, now_ms=NOW_MS)


def test_nothing_is_kept_or_released_when_nothing_is_claimed(answers: Answers) -> None:
    assert not answers.keep(make_claim(), answer=ANSWER, now_ms=NOW_MS)
    assert not answers.release(make_claim())


@pytest.mark.parametrize("starts_lapsed", [False, True])
def test_one_of_many_gets_the_key_when_they_come_at_once(
    answers: Answers, *, starts_lapsed: bool
) -> None:
    now_ms = NOW_MS + LIFE_MS
    if starts_lapsed:
        answers.claim(make_claim(owner="crashed"))
    found: list[object] = []
    start = threading.Barrier(8)

    def come(number: int) -> None:
        start.wait()
        found.append(answers.claim(make_claim(owner=f"w{number}", now_ms=now_ms)))

    workers = [threading.Thread(target=come, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert found.count(Standing.CLAIMED) == 1
    assert found.count(Standing.IN_FLIGHT) == 7
