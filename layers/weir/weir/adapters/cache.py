"""A bounded cache with a time to live per entry, for what a warm process may remember.

Holds no policy: callers choose how long each value may be believed, and may cache the knowledge
that something is absent (a value of None).
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

from weir.domain.ports import Clock

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached(Generic[V]):
    """One remembered value; wrapped, so that a remembered None differs from nothing."""

    value: V
    expires_ms: int


class TimedCache(Generic[K, V]):
    """Least-recently-used cache whose entries also expire. Safe to share between threads.

    Args:
        max_entries: The entry that was unused longest makes room for one more.
    """

    def __init__(self, *, clock: Clock, max_entries: int) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._entries: OrderedDict[K, Cached[V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K, *, grace_ms: int = 0) -> Cached[V] | None:
        """Return what is remembered, or None when nothing is or it expired `grace_ms` ago."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.expires_ms + grace_ms <= self._clock.now_ms():
                return None
            self._entries.move_to_end(key)
            return entry

    def put(self, key: K, value: V, *, ttl_ms: int) -> None:
        """Remember a value for `ttl_ms` milliseconds from now."""
        entry = Cached(value=value, expires_ms=self._clock.now_ms() + ttl_ms)
        with self._lock:
            self._entries[key] = entry
            self._entries.move_to_end(key)
            if len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)
