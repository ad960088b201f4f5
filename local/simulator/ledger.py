"""The simulator's own books: one entry per generation, in integer nano-USD.

An entry is opened when a generation starts, follows the tokens as they are produced, and becomes
final once; from then on it never changes. Requests refused before that leave no entry.
"""

import secrets
import string
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from local.simulator.prices import Price

_BASE62: Final = string.digits + string.ascii_letters


class Kind(StrEnum):
    """What a generation is; the value is the `object` of its answer."""

    CHAT = "chat.completion"
    TEXT = "text_completion"


class Status(StrEnum):
    """How far a generation is, or how it ended."""

    RUNNING = "running"
    COMPLETED = "completed"
    ERROR = "error"
    CUT = "cut"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What a request said about who sent it; None where it said nothing."""

    user: str | None = None
    session_id: str | None = None
    user_agent: str | None = None
    http_referer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One generation. `created` is in Unix seconds; `closed_at_s` is on the monotonic clock.

    `hidden_s` is how long after its end `/generation` does not know it; its cost counts at once.
    """

    id: str
    model: str
    price: Price
    created: int
    streamed: bool
    provider: str
    caller: Caller
    kind: Kind = Kind.CHAT
    hidden_s: float = 0.0
    status: Status = Status.RUNNING
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    finish_reason: str | None = None
    opened_at_s: float = 0.0
    closed_at_s: float = 0.0

    @property
    def final(self) -> bool:
        """Whether the entry can no longer change."""
        return self.status is not Status.RUNNING

    @property
    def cancelled(self) -> bool:
        """Whether the client left before the answer was complete."""
        return self.status is Status.CANCELLED

    @property
    def prompt_cost_nano_usd(self) -> int:
        """Cost of the prompt; nothing is charged for an answer without a single token."""
        return self.prompt_tokens * self.price.prompt_nano_usd if self.completion_tokens else 0

    @property
    def completion_cost_nano_usd(self) -> int:
        """Cost of the tokens produced so far."""
        return self.completion_tokens * self.price.completion_nano_usd

    @property
    def cost_nano_usd(self) -> int:
        """What the account is charged."""
        return self.prompt_cost_nano_usd + self.completion_cost_nano_usd


class Ledger:
    """All generations in order of arrival; every method may be called from any thread.

    Attributes:
        time_s: The time of day in Unix seconds; replaced by whoever needs a bill of another day.
    """

    def __init__(self) -> None:
        self.time_s: Callable[[], float] = time.time
        self._changed = threading.Condition()
        self._entries: dict[str, LedgerEntry] = {}

    def open(self, draft: Callable[[str, int], LedgerEntry]) -> LedgerEntry:
        """Enter a generation that starts now; *draft* gets its id and the Unix time in seconds."""
        created = int(self.time_s())
        entry = replace(draft(new_generation_id(created), created), opened_at_s=time.monotonic())
        with self._changed:
            self._entries[entry.id] = entry
        return entry

    def produced(
        self, generation_id: str, *, prompt_tokens: int, completion_tokens: int, cached_tokens: int
    ) -> None:
        """Note how many tokens a running generation has used so far."""
        with self._changed:
            self._entries[generation_id] = replace(
                self._running(generation_id),
                prompt_tokens=prompt_tokens,
                completion_tokens=completion_tokens,
                cached_tokens=cached_tokens,
            )

    def close(
        self, generation_id: str, *, status: Status, finish_reason: str | None = None
    ) -> LedgerEntry:
        """Make an entry final; the first closing stands, a later one changes nothing."""
        with self._changed:
            entry = self._entries[generation_id]
            if not entry.final:
                entry = replace(
                    entry, status=status, finish_reason=finish_reason, closed_at_s=time.monotonic()
                )
                self._entries[generation_id] = entry
                self._changed.notify_all()
        return entry

    def find(self, generation_id: str) -> LedgerEntry | None:
        """Return one entry, or None when no generation has this id."""
        with self._changed:
            return self._entries.get(generation_id)

    def entries(self) -> list[LedgerEntry]:
        """Return all entries, oldest first."""
        with self._changed:
            return list(self._entries.values())

    def total_nano_usd(self) -> int:
        """Return what all generations cost together, running ones included."""
        return sum(entry.cost_nano_usd for entry in self.entries())

    def wait_until_final(self, *, timeout_s: float = 10.0) -> bool:
        """Wait until no generation is running; False when one still is after *timeout_s*."""
        with self._changed:
            return self._changed.wait_for(
                lambda: all(entry.final for entry in self._entries.values()), timeout_s
            )

    def reveal(self) -> None:
        """Let `/generation` know every generation that a fault still hides."""
        with self._changed:
            self._entries = {id_: replace(e, hidden_s=0.0) for id_, e in self._entries.items()}

    def clear(self) -> None:
        """Forget the final entries."""
        with self._changed:
            self._entries = {id_: e for id_, e in self._entries.items() if not e.final}

    def _running(self, generation_id: str) -> LedgerEntry:
        entry = self._entries[generation_id]
        assert not entry.final, f"{generation_id} is final"
        return entry


def new_generation_id(created: int) -> str:
    """Return an id of OpenRouter's shape: `gen-<Unix seconds>-<20 base62>`."""
    return f"gen-{created}-" + "".join(secrets.choice(_BASE62) for _ in range(20))
