import pytest

from tests.support.fakes import FakeClock
from tests.support.upstream import FakeSecret
from weir.adapters.upstream.keys import ABSENT_TTL_MS, KEY_TTL_MS, UpstreamKeys
from weir.domain.errors import ProviderError

KEY, NEXT = "sk-or-v1-0123456789", "sk-or-v1-abcdefghij"


def test_key_is_read_again_when_it_was_remembered_long_enough() -> None:
    clock, secret = FakeClock(), FakeSecret(current=KEY)
    keys = UpstreamKeys(secret, clock=clock, jitter_ms=500)

    seen = [keys.current()]
    secret.current = NEXT
    clock.pause(KEY_TTL_MS + 499)
    seen.append(keys.current())
    clock.pause(1)
    seen.append(keys.current())

    assert seen == [KEY, KEY, NEXT]
    assert len(secret.reads) == 2


def test_key_is_stripped() -> None:
    assert UpstreamKeys(FakeSecret(current=f" {KEY}\n"), clock=FakeClock()).current() == KEY


@pytest.mark.parametrize(
    "stored",
    [None, "", "   ", "short", "has a space in it", "x" * 513, "sk-or-é-12345", "a\nb" * 9],
)
def test_operator_is_told_to_store_a_key_when_there_is_no_usable_one(stored: str | None) -> None:
    keys = UpstreamKeys(FakeSecret(current=stored), clock=FakeClock())

    with pytest.raises(ProviderError, match="operator must store one") as caught:
        keys.current()

    assert (caught.value.status, caught.value.cost_is_zero) == (412, True)
    assert caught.value.retry_after_s is None


def test_stored_key_is_found_soon_when_there_was_none() -> None:
    clock, secret = FakeClock(), FakeSecret(current=None)
    keys = UpstreamKeys(secret, clock=clock)
    for _ in range(2):
        with pytest.raises(ProviderError):
            keys.current()
    reads_while_absent = len(secret.reads)

    secret.current = KEY
    clock.pause(ABSENT_TTL_MS)

    assert keys.current() == KEY
    assert reads_while_absent == 1


def test_remembered_key_serves_on_when_the_secret_cannot_be_read() -> None:
    clock, secret = FakeClock(), FakeSecret(current=KEY)
    keys = UpstreamKeys(secret, clock=clock)
    keys.current()

    secret.is_down = True
    clock.pause(KEY_TTL_MS)

    assert [keys.current(), keys.current()] == [KEY, KEY]
    assert len(secret.reads) == 2


def test_call_fails_at_no_cost_when_the_secret_was_never_readable() -> None:
    keys = UpstreamKeys(FakeSecret(is_down=True), clock=FakeClock())

    with pytest.raises(ProviderError) as caught:
        keys.current()

    assert (caught.value.status, caught.value.cost_is_zero) == (503, True)
    assert caught.value.retry_after_s == 5


def test_previous_version_is_not_tried_when_it_is_the_refused_key() -> None:
    keys = UpstreamKeys(FakeSecret(current=KEY, previous=KEY), clock=FakeClock())

    assert list(keys.attempts()) == [KEY]


def test_secret_is_not_read_when_another_call_already_found_the_new_key() -> None:
    clock, secret = FakeClock(), FakeSecret(current=KEY)
    keys = UpstreamKeys(secret, clock=clock)
    attempts = keys.attempts()
    refused = next(attempts)
    secret.current = NEXT
    clock.pause(KEY_TTL_MS)
    keys.current()
    reads_before = len(secret.reads)

    tried_next = next(attempts)

    assert (refused, tried_next) == (KEY, NEXT)
    assert len(secret.reads) == reads_before


@pytest.mark.parametrize(("stored", "is_stored"), [(KEY, True), (None, False), ("", False)])
def test_key_that_may_be_missing_is_asked_after(stored: str | None, *, is_stored: bool) -> None:
    assert UpstreamKeys(FakeSecret(current=stored), clock=FakeClock()).is_stored() is is_stored


def test_nobody_can_tell_whether_there_is_a_key_when_the_secret_is_unreadable() -> None:
    with pytest.raises(ProviderError):
        UpstreamKeys(FakeSecret(is_down=True), clock=FakeClock()).is_stored()
