"""API keys remembered in the warm process, so that a known key costs no read.

The times below are the product's promise: a revoked key works for at most 30 s more, a new key is
refused for at most 10 s.
"""

from weir.adapters.cache import TimedCache
from weir.domain.api_keys import ApiKey
from weir.domain.ports import ApiKeyStore, Clock

FOUND_TTL_MS = 30_000
ABSENT_TTL_MS = 10_000
MAX_ENTRIES = 10_000


class CachedApiKeyStore:
    """Implements `ApiKeyStore` in front of another one; errors are never remembered."""

    def __init__(self, store: ApiKeyStore, *, clock: Clock) -> None:
        self._store = store
        self._cache: TimedCache[str, ApiKey | None] = TimedCache(
            clock=clock, max_entries=MAX_ENTRIES
        )

    def find(self, key_hash: str) -> ApiKey | None:
        """Return the key with its tenant, or None when no such key exists.

        Raises:
            StoreUnavailableError: It is not remembered and the store cannot answer.
        """
        remembered = self._cache.get(key_hash)
        if remembered is not None:
            return remembered.value
        key = self._store.find(key_hash)
        self._cache.put(key_hash, key, ttl_ms=FOUND_TTL_MS if key else ABSENT_TTL_MS)
        return key
