"""One generation on its way to one client: what streamed and plain answers share."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from local.simulator.echo import Piece
from local.simulator.faults import Fault
from local.simulator.ledger import Ledger, LedgerEntry, Status
from local.simulator.wire import Wire


class StruckError(Exception):
    """A fault has ended the answer; ledger and connection are as it wants them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A generation with an open ledger entry. `token_interval_s` paces its tokens."""

    entry: LedgerEntry
    ledger: Ledger
    wire: Wire
    pieces: Iterator[Piece]
    token_interval_s: float
    stopping: threading.Event = field(repr=False)
    fault: Fault | None = None

    def has(self, *names: str) -> bool:
        """Tell whether this exchange is to fail in one of these ways."""
        return self.fault is not None and self.fault.name in names

    def produce(self, pause: Callable[[float], object]) -> Iterator[Piece]:
        """Yield the pieces at their pace, each one entered in the ledger as it is made."""
        for piece in self.pieces:
            if piece.text and self.token_interval_s:
                pause(self.token_interval_s)
            self.ledger.produced(
                self.entry.id,
                prompt_tokens=piece.prompt_tokens,
                completion_tokens=piece.completion_tokens,
                cached_tokens=piece.cached_tokens,
            )
            yield piece

    def close(self, status: Status, *, finish_reason: str | None = None) -> LedgerEntry:
        """Make the ledger entry final."""
        return self.ledger.close(self.entry.id, status=status, finish_reason=finish_reason)

    def headers(self, content_type: str) -> dict[str, str]:
        """Return the headers of a 200."""
        headers = {"Content-Type": content_type}
        if not self.has("no-generation-header"):
            headers["X-Generation-Id"] = self.entry.id
        if self.fault is not None and self.fault.name == "many-headers":
            headers |= {f"X-Filler-{n}": "filler" for n in range(self.fault.count)}
        return headers
