"""The operator's keys: who is told apart, who is let in, and how often the secret is read."""

import json
import logging

import pytest

from tests.support.fakes import FakeClock
from tests.support.upstream import FakeSecret
from weir.adapters.operator_keys import (
    FORCED_READ_INTERVAL_MS,
    KEY_TTL_MS,
    ONLY,
    SecretOperatorKeys,
)

KEY, NEXT = "sk-weir-operator-" + "0" * 64, "n" * 32


def keys_of(stored: str | None) -> SecretOperatorKeys:
    return SecretOperatorKeys(FakeSecret(current=stored), clock=FakeClock())


@pytest.mark.parametrize("stored", [KEY, f" {KEY}\n"])
def test_the_only_key_belongs_to_the_operator(stored: str) -> None:
    assert keys_of(stored).holder(KEY) == ONLY
    assert keys_of(stored).holder(KEY[:-1]) is None


def test_two_keys_are_told_apart_by_their_names() -> None:
    keys = keys_of(json.dumps({"alice": KEY, "bob": NEXT}))

    assert [keys.holder(key) for key in (KEY, NEXT, "alice")] == ["alice", "bob", None]


@pytest.mark.parametrize(
    "stored",
    [None, "", " ", "x" * 31, "x" * 513, "with a blank " * 5, "{", '{"alice": "short"}', "{}"],
)
def test_nobody_is_let_in_when_there_is_no_good_key(stored: str | None) -> None:
    keys = keys_of(stored)

    assert [keys.holder(key) for key in ("", stored or "", "short", KEY)] == [None] * 4


@pytest.mark.parametrize("bad", ["short", 7, None, ["x" * 40]])
def test_a_good_key_works_beside_a_bad_one(bad: object, caplog: pytest.LogCaptureFixture) -> None:
    keys = keys_of(json.dumps({"alice": KEY, "bob": bad, "": NEXT}))

    with caplog.at_level(logging.ERROR):
        assert (keys.holder(KEY), keys.holder(NEXT)) == ("alice", None)
    assert "2 of the operator's keys cannot be used" in caplog.text
    assert KEY not in caplog.text


def test_a_known_key_is_remembered_for_five_minutes() -> None:
    clock, secret = FakeClock(), FakeSecret(current=KEY)
    keys = SecretOperatorKeys(secret, clock=clock)
    keys.holder(KEY)
    secret.current = NEXT

    clock.pause(KEY_TTL_MS - 1)
    before = keys.holder(KEY)
    clock.pause(1)

    assert (before, keys.holder(KEY)) == (ONLY, None)


def test_a_new_key_is_found_when_nobody_tried_for_half_a_minute() -> None:
    clock, secret = FakeClock(), FakeSecret(current=KEY)
    keys = SecretOperatorKeys(secret, clock=clock)
    keys.holder(KEY)
    secret.current = NEXT

    clock.pause(FORCED_READ_INTERVAL_MS - 1)
    early = keys.holder(NEXT)
    clock.pause(1)

    assert (early, keys.holder(NEXT)) == (None, ONLY)


def test_guesses_do_not_read_the_secret_again_and_again() -> None:
    clock, secret = FakeClock(), FakeSecret(current=KEY)
    keys = SecretOperatorKeys(secret, clock=clock)

    for guess in range(300):
        keys.holder(f"guess {guess}")
        clock.pause(1_000)

    assert len(secret.reads) == 10
