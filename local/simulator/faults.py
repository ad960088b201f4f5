"""The faults a chat request can meet, and what the ledger charges under each.

A fault is queued (`PUT /_simulator/faults`, or `Simulator.faults.push`) and consumed by the next
chat request with a good key, or chosen by model: `fault/<name>`, with options as
`fault/<name>:<option>=<value>,…`, e.g. `fault/cut:chunks=5` or `fault/429:retry_after=9`.
`status` with a code may be written as the code alone: `fault/503`, `{"name": "503"}`.

| name                 | what happens (options with their defaults)                     | charged |
|----------------------|----------------------------------------------------------------|---------|
| status               | error status in the envelope: code=500, retry_after            | nothing |
| html                 | a text/html page: code=502 (or 200)                            | nothing |
| redirect             | 307 to location (default: another path here)                   | nothing |
| never                | no answer until the client leaves, at most 60 s                | nothing |
| error-in-200         | 200 whose body, or first event, is only an error               | nothing |
| first-event-error    | the same, but the generation id resolves                       | 0       |
| mid-stream-error     | error event after chunks=2; plain: a partial answer            | so far  |
| cut                  | closed without an end after chunks=2; plain: half a body, with | so far  |
|                      | or without (content_length=0) Content-Length                   |         |
| rst                  | TCP reset after chunks=0; 0: instead of a status line          | so far  |
| no-usage             | no usage chunk, but [DONE]; plain: no `usage`                  | full    |
| no-done              | usage, then a clean end without [DONE]                         | full    |
| drip                 | cap=1200 tokens, one each interval_s=0.05; bytewise=1: one     | so far  |
|                      | byte each interval                                             |         |
| slow-headers         | delay_s=1 before the status line                               | full    |
| silence              | headers and chunks=1, then pause_s=1 of silence, then the rest | full    |
| huge                 | one event, or one body, of more than size_bytes=8388608        | full    |
| bad-json             | an event after chunks=1, or a body, that is no JSON            | so far  |
| gzip                 | Content-Encoding: gzip                                         | full    |
| no-generation-header | no X-Generation-Id                                             | full    |
| many-headers         | count=150 extra headers                                        | full    |
| hidden               | hidden_s=3600 until `/generation` knows it                     | full    |

Every fault that is charged takes hidden_s=0 as well: so long after its end `/generation` does not
know the generation, unless `DELETE /_simulator/hidden` ends that for all. `hidden` does no more.

"nothing": no ledger entry, and the generation id never resolves. "so far": prompt plus the tokens
produced; free while there is none. A plain answer that breaks off is charged in full.
"""

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

STATUS_CODES: Final = (400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 524, 529)
NAMES: Final = frozenset({
    "status", "html", "redirect", "never", "error-in-200", "first-event-error",
    "mid-stream-error", "cut", "rst", "no-usage", "no-done", "drip", "slow-headers", "silence",
    "huge", "bad-json", "gzip", "no-generation-header", "many-headers", "hidden",
})  # fmt: skip
_DEFAULT_CODES: Final = {"status": 500, "html": 502}
_DEFAULT_HIDDEN_S: Final = {"hidden": 3600.0}
_DEFAULT_CHUNKS: Final = {"mid-stream-error": 2, "cut": 2, "silence": 1, "bad-json": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One misbehaviour; the module's table says which options each name reads.

    `code`, `chunks` and `hidden_s` of None mean the name's default. Times are in seconds.
    """

    name: str
    code: int | None = None
    retry_after: int | None = None
    location: str | None = None
    chunks: int | None = None
    content_length: bool = True
    interval_s: float = 0.05
    cap: int = 1200
    bytewise: bool = False
    delay_s: float = 1.0
    pause_s: float = 1.0
    size_bytes: int = 8 * 1024 * 1024
    count: int = 150
    hidden_s: float | None = None

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise ValueError(f"{self.name!r} is not a fault; there are {', '.join(sorted(NAMES))}")

    @property
    def status(self) -> int:
        """The HTTP status a fault answers with."""
        return self.code or _DEFAULT_CODES.get(self.name, 200)

    @property
    def strikes_after(self) -> int:
        """How many chunks are sent before the fault shows."""
        return _DEFAULT_CHUNKS.get(self.name, 0) if self.chunks is None else self.chunks

    @property
    def hides_s(self) -> float:
        """For how long after its end a generation stays unknown."""
        return _DEFAULT_HIDDEN_S.get(self.name, 0.0) if self.hidden_s is None else self.hidden_s


def parse_fault(options: Mapping[str, Any]) -> Fault:
    """Read a fault from JSON; `{"name": "429"}` is short for status 429.

    Raises:
        ValueError: No such fault or option, or a value of the wrong type.
    """
    given = dict(options)
    name = given.pop("name", None)
    if not isinstance(name, str):
        raise ValueError("a fault needs a name")  # noqa: TRY004 (a client's error)
    if name.isdecimal() and int(name) in STATUS_CODES:
        given["code"], name = int(name), "status"
    types = {field.name: field.type for field in fields(Fault) if field.name != "name"}
    for option, value in given.items():
        if option not in types:
            raise ValueError(f"{option!r} is not an option; there are {', '.join(types)}")
        given[option] = _typed(option, value=value, annotation=str(types[option]))
    return Fault(name=name, **given)


def fault_of_model(slug: str) -> Fault:
    """Read a fault from what follows `fault/` in a model id: `<name>[:<option>=<value>,…]`.

    Raises:
        ValueError: No such fault or option, or a value of the wrong type.
    """
    name, _, suffix = slug.partition(":")
    given: dict[str, Any] = {"name": name}
    for pair in filter(None, suffix.split(",")):
        option, _, value = pair.partition("=")
        given[option] = value if option == "location" else json.loads(value)
    return parse_fault(given)


class FaultQueue:
    """Faults waiting for chat requests, first in, first out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: deque[Fault] = deque()

    def push(self, *faults: Fault) -> None:
        """Append faults; each one meets exactly one chat request."""
        with self._lock:
            self._faults.extend(faults)

    def take(self) -> Fault | None:
        """Remove and return the oldest fault, or None when none waits."""
        with self._lock:
            return self._faults.popleft() if self._faults else None

    def __len__(self) -> int:
        with self._lock:
            return len(self._faults)

    def clear(self) -> None:
        """Forget the waiting faults."""
        with self._lock:
            self._faults.clear()


def _typed(option: str, *, value: object, annotation: str) -> object:
    if "bool" in annotation and value in (0, 1):
        return bool(value)
    if "float" in annotation and isinstance(value, int | float):
        return float(value)
    if "int" in annotation and type(value) is int:
        return value
    if "str" in annotation and isinstance(value, str):
        return value
    raise ValueError(f"{option} cannot be {value!r}")
