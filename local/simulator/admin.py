"""The operator's routes under /_simulator, for clients on this machine only.

GET    /_simulator/ledger, /connections, /requests, /faults
PUT    /_simulator/faults   a JSON list such as [{"name": "cut", "chunks": 3}, {"name": "429"}]
PUT    /_simulator/keys     a JSON list of the keys accepted from now on
DELETE /_simulator/ledger, /requests, /faults, or /_simulator for all three
DELETE /_simulator/hidden   `/generation` knows from now on what faults have hidden
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from local.simulator.errors import RefusedError
from local.simulator.faults import FaultQueue, parse_fault
from local.simulator.ledger import Ledger, LedgerEntry
from local.simulator.requests import ReceivedRequest, RequestLog

PREFIX: Final = "/_simulator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """Shows and changes the simulator's state."""

    ledger: Ledger
    requests: RequestLog
    faults: FaultQueue
    accept_keys: Callable[[list[str]], None]
    connections: Callable[[], int]

    def answer(self, received: ReceivedRequest) -> dict[str, Any]:
        """Return the body of the answer.

        Raises:
            RefusedError: No such route, or a body that cannot be used.
        """
        if not received.from_this_machine:
            raise RefusedError("Not Found", status=404)
        topic = urlsplit(received.path).path.removeprefix(PREFIX).strip("/")
        if received.method == "GET":
            return self._show(topic)
        if received.method == "PUT":
            return self._put(topic, received.body)
        if received.method == "DELETE":
            return self._reset(topic)
        raise RefusedError("Not Found", status=404)

    def _show(self, topic: str) -> dict[str, Any]:
        match topic:
            case "ledger":
                entries = self.ledger.entries()
                return {"data": [_row(entry) for entry in entries], "totals": _totals(entries)}
            case "connections":
                return {"accepted": self.connections()}
            case "requests":
                return {"data": [request.as_json() for request in self.requests.all()]}
            case "faults":
                return {"waiting": len(self.faults)}
            case _:
                raise RefusedError("Not Found", status=404)

    def _put(self, topic: str, data: bytes) -> dict[str, Any]:
        try:
            return self._take(topic, json.loads(data))
        except ValueError as error:
            raise RefusedError(str(error), status=400) from error

    def _take(self, topic: str, values: object) -> dict[str, Any]:
        if not isinstance(values, list):
            raise ValueError("the body must be a JSON list")  # noqa: TRY004 (a client's error)
        if topic == "faults":
            self.faults.push(*[parse_fault(value) for value in values])
            return {"waiting": len(self.faults)}
        if topic == "keys":
            if not all(isinstance(value, str) and value for value in values):
                raise ValueError("a key must be a string")
            self.accept_keys(values)
            return {"accepted": len(values)}
        raise RefusedError("Not Found", status=404)

    def _reset(self, topic: str) -> dict[str, Any]:
        if topic == "hidden":
            self.ledger.reveal()
            return {"cleared": [topic]}
        stores: dict[str, Ledger | RequestLog | FaultQueue] = {
            "ledger": self.ledger,
            "requests": self.requests,
            "faults": self.faults,
        }
        if topic and topic not in stores:
            raise RefusedError("Not Found", status=404)
        chosen = [topic] if topic else list(stores)
        for name in chosen:
            stores[name].clear()
        return {"cleared": chosen}


def _row(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "model": entry.model,
        "status": entry.status,
        "prompt_tokens": entry.prompt_tokens,
        "completion_tokens": entry.completion_tokens,
        "cost_nano_usd": entry.cost_nano_usd,
        "final": entry.final,
        "cancelled": entry.cancelled,
        "created": entry.created,
    }


def _totals(entries: list[LedgerEntry]) -> dict[str, int]:
    return {
        "generations": len(entries),
        "running": sum(not entry.final for entry in entries),
        "prompt_tokens": sum(entry.prompt_tokens for entry in entries),
        "completion_tokens": sum(entry.completion_tokens for entry in entries),
        "cost_nano_usd": sum(entry.cost_nano_usd for entry in entries),
    }
