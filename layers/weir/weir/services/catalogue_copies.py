"""Copies of upstream's catalogue: fresh where possible, stale where not, never older than a day.

The request that finds a copy stale asks upstream itself, within its deadline, because nothing runs
after the answer of a function; all others are served the stale copy meanwhile. A lease names that
one request among all processes, and holds the others off for a while when it fails.
"""

from dataclasses import dataclass

from weir.domain.catalogue import (
    FRESH_MS,
    CatalogueSource,
    Copy,
    Leases,
    RememberedCopies,
    SharedCopies,
    Topic,
)
from weir.domain.errors import ProviderError, StoreUnavailableError
from weir.domain.ports import Clock

READ_MS = 8_000
"""The longest wait for one answer of upstream."""
REFRESH_LEASE_MS = 30_000
"""Between two attempts to renew the same stale copy."""
RECHECK_MS = 5_000
"""How long a process serves a stale copy before it looks for a newer one again."""
ABSENT_MS = 60_000
"""For so long upstream is believed not to know a model."""
RETRY_AFTER_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueCopies:
    """Finds the newest copy that can be had: in memory, shared, or from upstream."""

    memory: RememberedCopies
    shared: SharedCopies
    source: CatalogueSource
    leases: Leases
    clock: Clock

    def get(self, topic: Topic, *, deadline_ms: int) -> Copy:
        """Return a copy.

        Args:
            topic: What about.
            deadline_ms: Epoch milliseconds by which the caller needs it.

        Raises:
            ProviderError: Upstream cannot be asked, and there is no copy of the last day; 503.
            InvalidRequestError: Upstream does not take the filter of a SELECTION.
        """
        believed = self.memory.believed(topic)
        if believed is not None:
            return believed
        known = _usable(self.memory.last(topic), self.shared.get(topic), now_ms=self.clock.now_ms())
        if known is not None:
            is_fresh = known.is_fresh(now_ms=self.clock.now_ms())
            if is_fresh or not self._may_refresh(topic):
                return self._remembered(topic, known)
        try:
            return self._read(topic, deadline_ms=deadline_ms, known=known)
        except ProviderError as error:
            if known is None:
                unavailable = _unavailable()
                raise unavailable from error
        return self._remembered(topic, known)

    def _read(self, topic: Topic, *, deadline_ms: int, known: Copy | None) -> Copy:
        latest_ms = self.clock.now_ms() + READ_MS
        copy = self.source.read(topic, deadline_ms=min(deadline_ms, latest_ms))
        # That a model is gone is told to the others; of names made up, nothing is kept for them.
        if copy.content is not None or known is not None:
            self.shared.put(topic, copy)
        return self._remembered(topic, copy)

    def _may_refresh(self, topic: Topic) -> bool:
        name = f"catalogue/{topic.subject}/{topic.name}/{topic.value}"
        try:
            return self.leases.take(name, now_ms=self.clock.now_ms(), for_ms=REFRESH_LEASE_MS)
        except StoreUnavailableError:
            # Then more than one process may ask upstream, which is better than none.
            return True

    def _remembered(self, topic: Topic, copy: Copy) -> Copy:
        left_ms = copy.read_ms + FRESH_MS - self.clock.now_ms()
        for_ms = ABSENT_MS if copy.content is None else max(left_ms, RECHECK_MS)
        self.memory.remember(topic, copy, for_ms=for_ms)
        return copy


def _usable(*copies: Copy | None, now_ms: int) -> Copy | None:
    """Return the newest copy, unless it is too old or says that there is nothing."""
    known = (copy for copy in copies if copy is not None)
    newest = max(known, key=lambda copy: copy.read_ms, default=None)
    if newest is None or newest.content is None or not newest.is_usable(now_ms=now_ms):
        return None
    return newest


def _unavailable() -> ProviderError:
    return ProviderError(
        "The catalogue cannot be read right now. Please try again.",
        status=503,
        cost_is_zero=True,
        retry_after_s=RETRY_AFTER_S,
    )
