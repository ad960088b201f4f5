"""The operator's upstream key: read from a secret, remembered, replaced when upstream refuses it.

The key lives in memory only. A refused key is read anew at most every 30 s by one thread, so that a
revoked key does not turn every request into two reads of the secret.
"""

import logging
import re
import threading
from collections.abc import Iterator
from typing import Protocol

from weir.adapters.cache import Cached, TimedCache
from weir.adapters.secrets import Stage
from weir.domain.errors import ProviderError, StoreUnavailableError
from weir.domain.ports import Clock

KEY_TTL_MS = 300_000
ABSENT_TTL_MS = 10_000
FORCED_READ_INTERVAL_MS = 30_000

_STALE_MS = 3_600_000
_PRECONDITION_FAILED = 412
_KEY = re.compile(r"[\x21-\x7e]{8,512}")

logger = logging.getLogger(__name__)


class SecretReader(Protocol):
    """Reads a version of the secret that holds the key."""

    def read(self, stage: Stage) -> str | None:
        """Return its text, or None when there is no such version.

        Raises:
            StoreUnavailableError: The secret cannot be read.
        """
        ...


class UpstreamKeys:
    """The keys to call upstream with.

    Args:
        jitter_ms: Added to the time a key is remembered, so that many processes do not read the
            secret at once.
    """

    def __init__(self, secret: SecretReader, *, clock: Clock, jitter_ms: int = 0) -> None:
        self._secret = secret
        self._clock = clock
        self._jitter_ms = jitter_ms
        self._cache: TimedCache[Stage, str | None] = TimedCache(clock=clock, max_entries=2)
        self._lock = threading.Lock()
        self._forced_ms = -FORCED_READ_INTERVAL_MS

    def current(self) -> str:
        """Return the key.

        Raises:
            ProviderError: No usable key is stored, or the secret cannot be read.
        """
        with self._lock:
            return _required(self._remembered("AWSCURRENT"))

    def is_stored(self) -> bool:
        """Tell whether there is a usable key; for a key that the gateway can do without.

        Raises:
            ProviderError: The secret cannot be read.
        """
        with self._lock:
            return self._remembered("AWSCURRENT") is not None

    def attempts(self) -> Iterator[str]:
        """Yield the keys to try in turn: asking for the next one says the last was refused.

        First the remembered key, then the stored one if it changed, then its previous version.

        Raises:
            ProviderError: No usable key is stored, or the secret cannot be read.
        """
        current = self.current()
        yield current
        with self._lock:
            stored = self._reread(refused=current)
        if stored != current:
            logger.warning("upstream refused the remembered key; trying the stored one")
            yield stored
        with self._lock:
            previous = self._remembered("AWSPREVIOUS")
        if previous not in {None, current, stored}:
            logger.warning("upstream refused the current key; trying its previous version")
            yield str(previous)

    def _remembered(self, stage: Stage) -> str | None:
        fresh = self._cache.get(stage)
        if fresh is not None:
            return fresh.value
        # While the secret cannot be read, a key that worked is better than none.
        return self._read(stage, fallback=self._cache.get(stage, grace_ms=_STALE_MS))

    def _reread(self, *, refused: str) -> str:
        known = self._remembered("AWSCURRENT")
        if known == refused and self._clock.now_ms() - self._forced_ms >= FORCED_READ_INTERVAL_MS:
            self._forced_ms = self._clock.now_ms()
            known = self._read("AWSCURRENT", fallback=None)
        return _required(known)

    def _read(self, stage: Stage, *, fallback: Cached[str | None] | None) -> str | None:
        try:
            key = _usable(self._secret.read(stage))
        except StoreUnavailableError as error:
            if fallback is None:
                raise ProviderError(
                    error.message,
                    status=error.status,
                    cost_is_zero=True,
                    retry_after_s=error.retry_after_s,
                ) from error
            self._cache.put(stage, fallback.value, ttl_ms=ABSENT_TTL_MS)
            return fallback.value
        self._cache.put(stage, key, ttl_ms=self._ttl_ms(stage, key))
        return key

    def _ttl_ms(self, stage: Stage, key: str | None) -> int:
        # The previous version is asked for only when upstream refuses the current one.
        if stage == "AWSPREVIOUS":
            return FORCED_READ_INTERVAL_MS
        return KEY_TTL_MS + self._jitter_ms if key else ABSENT_TTL_MS


def _usable(text: str | None) -> str | None:
    key = (text or "").strip()
    return key if _KEY.fullmatch(key) else None


def _required(key: str | None) -> str:
    if key is None:
        logger.error("upstream: no usable key is stored")
        # No 5xx: it does not pass by itself, and two official clients repeat those for an hour.
        raise ProviderError(
            "The gateway has no upstream key yet: its operator must store one in the gateway's "
            "secret.",
            status=_PRECONDITION_FAILED,
            cost_is_zero=True,
            metadata={"error_type": "precondition_failed"},
        )
    return key
