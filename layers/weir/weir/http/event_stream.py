"""Server-sent events: bytes, however they arrive, cut into whole events."""

import re

_BLANK_LINE = re.compile(rb"\n\r?\n")
# The pattern may begin two bytes before the end of what was searched already.
_OVERLAP = 2


class EventBuffer:
    """Holds the event that is not whole yet."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def __len__(self) -> int:
        return len(self._rest)

    def take(self, chunk: bytes) -> list[bytes]:
        """Add what arrived; return the events it completes, each with its blank line."""
        # Nearly every read is one event of one line: nothing to keep, nothing to search.
        if not self._rest and chunk.endswith(b"\n\n") and chunk.find(b"\n") == len(chunk) - 2:
            return [chunk]
        searched = max(len(self._rest) - _OVERLAP, 0)
        self._rest += chunk
        events = []
        start = 0
        for blank in _BLANK_LINE.finditer(self._rest, searched):
            events.append(bytes(self._rest[start : blank.end()]))
            start = blank.end()
        del self._rest[:start]
        return events

    def rest(self) -> bytes:
        """Return the beginning of an event whose blank line never came."""
        return bytes(self._rest)
