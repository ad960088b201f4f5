"""What clients sent, as it arrived, for tests that assert forwarded bytes and absent headers."""

import base64
import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

_MAX_REQUESTS: Final = 500
_MAX_BYTES: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """One request. `path` has its query; `headers` keep their order, spelling and duplicates."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    from_this_machine: bool = True

    def header(self, name: str) -> str | None:
        """Return the first value of a header, or None when the client did not send it."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def as_json(self) -> dict[str, object]:
        """Return the form of `GET /_simulator/requests`."""
        return {
            "method": self.method,
            "path": self.path,
            "headers": [list(pair) for pair in self.headers],
            "body_base64": base64.b64encode(self.body).decode(),
        }


class RequestLog:
    """The latest requests, oldest first: at most 500 of them and 32 MiB of bodies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: deque[ReceivedRequest] = deque()
        self._body_bytes = 0

    def add(self, request: ReceivedRequest) -> None:
        """Append a request and drop the oldest beyond the bounds; the newest always stays."""
        with self._lock:
            self._requests.append(request)
            self._body_bytes += len(request.body)
            while len(self._requests) > 1 and self._is_full():
                self._body_bytes -= len(self._requests.popleft().body)

    def all(self) -> list[ReceivedRequest]:
        """Return what is kept, oldest first."""
        with self._lock:
            return list(self._requests)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._requests.clear()
            self._body_bytes = 0

    def _is_full(self) -> bool:
        return len(self._requests) > _MAX_REQUESTS or self._body_bytes > _MAX_BYTES
