"""Whether the gateway can serve: do its tables answer, and how old is what it knows of models."""

from dataclasses import dataclass, field

from weir.domain.catalogue import MODELS, RememberedCopies, SharedCopies
from weir.domain.errors import StoreUnavailableError
from weir.domain.ports import ApiKeyStore, Clock

BELIEVED_MS = 5_000
"""How long an answer serves everybody who asks: nobody can run up a bill by asking often."""

_NOBODYS_HASH = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What was found.

    Attributes:
        tables_answer: Whether a key can be looked up, which every request with a key needs.
        catalogue_age_ms: Since upstream was last asked for its models; None when nobody asked
            within a day.
        seen_ms: When this was found, epoch milliseconds.
    """

    tables_answer: bool
    catalogue_age_ms: int | None
    seen_ms: int


@dataclass(slots=True, kw_only=True)
class Health:
    """Looks at what the gateway depends on, and never asks upstream.

    Attributes:
        keys: Must not remember: a remembered key says nothing of the table.
    """

    keys: ApiKeyStore
    memory: RememberedCopies
    shared: SharedCopies
    clock: Clock
    _last: Vitals | None = field(default=None, init=False)

    def vitals(self) -> Vitals:
        """Return what was found less than `BELIEVED_MS` ago, or look again."""
        now_ms = self.clock.now_ms()
        if self._last is None or now_ms - self._last.seen_ms >= BELIEVED_MS:
            self._last = Vitals(
                tables_answer=self._tables_answer(),
                catalogue_age_ms=self._catalogue_age_ms(now_ms),
                seen_ms=now_ms,
            )
        return self._last

    def _tables_answer(self) -> bool:
        try:
            self.keys.find(_NOBODYS_HASH)
        except StoreUnavailableError:
            return False
        return True

    def _catalogue_age_ms(self, now_ms: int) -> int | None:
        known = self.memory.last(MODELS)
        if known is None or not known.is_fresh(now_ms=now_ms):
            # Another process may have asked since; a list of all models is read for it, so rarely.
            copies = [copy for copy in (known, self.shared.get(MODELS)) if copy is not None]
            known = max(copies, key=lambda copy: copy.read_ms, default=None)
        if known is None or not known.is_usable(now_ms=now_ms):
            return None
        return max(0, now_ms - known.read_ms)
