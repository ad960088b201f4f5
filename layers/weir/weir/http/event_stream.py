"""Server-sent events: bytes, however they arrive, cut into whole events and these into fields."""

import re
from dataclasses import dataclass

DATA = b"data:"

_LAST = b"[DONE]"
_BOM = b"\xef\xbb\xbf"
_OTHER_FIELDS = (b":", b"event:", b"id:", b"retry:")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFields:
    """One event, taken apart.

    Attributes:
        before: Comments and other fields before the data, each line with its end.
        data: The data lines joined by LF, as the standard says; None when there is none.
        after: What follows the data, the blank line included.
        is_last: It holds `[DONE]`, and nothing after that.
    """

    before: bytes
    data: bytes | None
    after: bytes
    is_last: bool


def read_event(event: bytes) -> EventFields:
    """Take one event apart. A byte order mark and lines that are no field are left out."""
    before: list[bytes] = []
    data: list[bytes] = []
    after: list[bytes] = []
    is_last = False
    for line in event.removeprefix(_BOM).split(b"\n"):
        others = after if data else before
        if not line.startswith(DATA):
            if not line.strip() or line.startswith(_OTHER_FIELDS):
                others.append(line)
            continue
        payload = line[len(DATA) :]
        if payload.strip() == _LAST:
            others += (b"", b"")
            is_last = True
            break
        data.append(payload)
    if data:
        before = [*before, b""] if before else before
    elif not any(line.strip() for line in before):
        before = []
    return EventFields(
        before=b"\n".join(before),
        data=b"\n".join(data) if data else None,
        after=b"\n".join(after),
        is_last=is_last,
    )
