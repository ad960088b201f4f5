"""Faults below botocore's retries, planned by the number of the call they break.

An attempt that is *lost* never arrives; one whose *answer is lost* is applied, and botocore tries
again or gives up.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError

from weir.domain.errors import StoreUnavailableError

ENDINGS = {
    "lost once": "done",
    "lost": "unavailable",
    "answer lost once": "done",
    "answer lost": "unavailable",
    "crash before": "crashed",
    "crash after": "crashed",
}
"""Kinds of faults, and how a call that meets one ends."""


class CrashError(BaseException):
    """The process dies here; nothing catches it."""


class Faults:
    """Breaks the planned calls of a client; botocore's hooks call its methods.

    Attributes:
        met: Number of the call → how many of its attempts were broken.
    """

    def __init__(self, planned: Mapping[int, str]) -> None:
        self.met: Counter[int] = Counter()
        self._planned = planned
        self._call = -1

    def play(self, client: Any, story: Callable[[], object]) -> str:
        """Run a story and tell how it ended: done, unavailable or crashed."""
        events = client.meta.events
        hooks = {
            "before-call.dynamodb": self._begin,
            "before-send.dynamodb": self._send,
            "needs-retry.dynamodb": self._retry,
        }
        for name, hook in hooks.items():
            events.register_first(name, hook)
        try:
            story()
        except StoreUnavailableError:
            return "unavailable"
        except CrashError:
            return "crashed"
        finally:
            for name, hook in hooks.items():
                events.unregister(name, hook)
        return "done"

    def _begin(self, **_: Any) -> None:
        self._call += 1

    def _send(self, request: Any, **_: Any) -> AWSResponse | None:
        kind = self._planned.get(self._call)
        if kind is None:
            return None
        self.met[self._call] += 1
        if kind.endswith("once") and self.met[self._call] > 1:
            return None
        if kind.startswith("lost"):
            raise ConnectionClosedError(endpoint_url=request.url)
        if kind == "crash before":
            raise CrashError
        # Answered here, but the embedded DynamoDB's own hook still runs: applied, answer lost.
        body = b'{"__type": "InternalServerError", "message": "injected"}'
        raw: Any = SimpleNamespace(stream=lambda **_: iter([body]))
        return AWSResponse(request.url, 500, HTTPHeaders(), raw)

    def _retry(self, **_: Any) -> None:
        if self._planned.get(self._call) == "crash after" and self.met[self._call]:
            raise CrashError
