import threading

import pytest

from tests.support.fakes import FakeClock, make_key
from weir.adapters.cache import TimedCache
from weir.adapters.clock import SystemClock
from weir.adapters.key_cache import ABSENT_TTL_MS, FOUND_TTL_MS, CachedApiKeyStore
from weir.domain.api_keys import ApiKey
from weir.domain.errors import StoreUnavailableError


class CountingStore:
    def __init__(self, key: ApiKey | None) -> None:
        self.key = key
        self.is_down = False
        self.asked: list[str] = []

    def find(self, key_hash: str) -> ApiKey | None:
        self.asked.append(key_hash)
        if self.is_down:
            raise StoreUnavailableError("down")
        return self.key


def value_of(cache: TimedCache[str, int | None], key: str, *, grace_ms: int = 0) -> object:
    entry = cache.get(key, grace_ms=grace_ms)
    return entry.value if entry else "nothing"


def test_value_is_forgotten_when_its_time_is_over() -> None:
    clock = FakeClock()
    cache: TimedCache[str, int | None] = TimedCache(clock=clock, max_entries=9)
    cache.put("a", 1, ttl_ms=100)

    clock.pause(99)
    assert value_of(cache, "a") == 1
    clock.pause(1)
    assert value_of(cache, "a") == "nothing"


def test_value_is_still_found_when_expired_within_the_grace() -> None:
    clock = FakeClock()
    cache: TimedCache[str, int | None] = TimedCache(clock=clock, max_entries=9)
    cache.put("a", 1, ttl_ms=100)

    clock.pause(149)
    assert value_of(cache, "a", grace_ms=50) == 1
    clock.pause(1)
    assert value_of(cache, "a", grace_ms=50) == "nothing"


def test_absence_is_remembered_as_a_value() -> None:
    cache: TimedCache[str, int | None] = TimedCache(clock=FakeClock(), max_entries=9)
    cache.put("a", None, ttl_ms=100)

    assert value_of(cache, "a") is None
    assert value_of(cache, "b") == "nothing"


def test_longest_unused_entry_makes_room_when_the_cache_is_full() -> None:
    cache: TimedCache[str, int | None] = TimedCache(clock=FakeClock(), max_entries=2)
    cache.put("a", 1, ttl_ms=100)
    cache.put("b", 2, ttl_ms=100)
    cache.get("a")
    cache.put("c", 3, ttl_ms=100)

    assert [value_of(cache, key) for key in "abc"] == [1, "nothing", 3]


def test_cache_stays_within_its_bound_when_threads_share_it() -> None:
    cache: TimedCache[int, int] = TimedCache(clock=FakeClock(), max_entries=10)

    def work(offset: int) -> None:
        for number in range(500):
            cache.put(number + offset, number, ttl_ms=100)
            cache.get(number)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sum(cache.get(number) is not None for number in range(504)) == 10


@pytest.mark.parametrize(
    ("key", "remembered_ms"), [(make_key(), FOUND_TTL_MS), (None, ABSENT_TTL_MS)]
)
def test_store_is_asked_again_when_the_answer_expired(
    key: ApiKey | None, remembered_ms: int
) -> None:
    clock, store = FakeClock(), CountingStore(key)
    cached = CachedApiKeyStore(store, clock=clock)

    found = [cached.find("h"), cached.find("h")]
    clock.pause(remembered_ms - 1)
    cached.find("h")
    asked_before = len(store.asked)
    clock.pause(1)
    cached.find("h")

    assert found == [key, key]
    assert (asked_before, len(store.asked)) == (1, 2)


def test_revoked_key_works_for_no_more_than_half_a_minute() -> None:
    clock, store = FakeClock(), CountingStore(make_key())
    cached = CachedApiKeyStore(store, clock=clock)
    cached.find("h")

    store.key = make_key(disabled=True)
    clock.pause(30_000)

    found = cached.find("h")
    assert found is not None
    assert found.disabled


def test_failure_of_the_store_is_not_remembered() -> None:
    store = CountingStore(make_key())
    cached = CachedApiKeyStore(store, clock=FakeClock())
    store.is_down = True
    with pytest.raises(StoreUnavailableError):
        cached.find("h")

    store.is_down = False
    assert cached.find("h") == make_key()


def test_system_clock_waits_in_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)

    SystemClock().pause(1_500)

    assert waited == [1.5]


def test_system_clock_moves_forward_in_milliseconds() -> None:
    earlier, later = SystemClock().now_ms(), SystemClock().now_ms()

    assert 1_700_000_000_000 < earlier <= later < 10_000_000_000_000
