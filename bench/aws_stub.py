"""A stand-in for DynamoDB and Secrets Manager, as a process: `python -m bench.aws_stub`.

It stores nothing: every write succeeds, and a reserve gets the account back as it would be after
the only request in flight. Unlike moto it costs the same for the first call and the last.
"""

import json
import threading
import time
import zlib
from collections import Counter, deque
from typing import Any

from bench.stub_http import Send, StubRequest, StubServer, response
from bench.tenant import account_item, api_key_item, profile_item

_KEPT_CALLS = 256
_SECRET = json.dumps(
    {"Name": "bench", "SecretString": "sk-bench-upstream-key", "VersionStages": ["AWSCURRENT"]}
).encode()

Item = dict[str, Any]


class CannedTables:
    """What the tables answer to the calls of the chat function."""

    def __init__(self) -> None:
        self._account = account_item()
        self._rows = {item["pk"]["S"]: item for item in (api_key_item(), profile_item())}

    def answer(self, operation: str, payload: Item) -> Item:
        """Return the answer to one call.

        Raises:
            KeyError: The chat function does not make such a call.
        """
        if operation == "GetItem":
            return {"Item": self._rows[payload["Key"]["pk"]["S"]]}
        if operation == "UpdateItem":
            wants_account = payload.get("ReturnValues") == "ALL_NEW"
            return {"Attributes": self._reserved(payload)} if wants_account else {}
        if operation == "PutItem":
            return {}
        raise KeyError(operation)

    def _reserved(self, payload: Item) -> Item:
        names: dict[str, str] = payload["ExpressionAttributeNames"]
        values: dict[str, Item] = payload["ExpressionAttributeValues"]
        left = int(self._account["avail"]["N"]) - int(values[":estimate"]["N"])
        return {
            **self._account,
            "avail": {"N": str(left)},
            "infl": {"N": "1"},
            "seq": {"N": "1"},
            names["#w"]: {"N": "1"},
            names["#t"]: values[":tokens"],
            names["#p"]: {"N": str(left)},
            names["#n"]: {"N": "1"},
            "holds": {"M": {names["#id"]: values[":hold"]}},
        }


class AwsStub:
    """Answers both services on one port and counts what is asked."""

    def __init__(self) -> None:
        self._tables = CannedTables()
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._body_bytes: Counter[str] = Counter()
        self._total_bytes: Counter[str] = Counter()
        self._latest: deque[tuple[float, str]] = deque(maxlen=_KEPT_CALLS)
        self.server = StubServer(self.respond)

    def respond(self, request: StubRequest, send: Send) -> None:
        if request.target == "/stats":
            send(response(json.dumps(self._stats()).encode()))
            return
        operation = request.headers["x-amz-target"].rpartition(".")[2]
        self._count(operation, request)
        if operation == "GetSecretValue":
            body = _SECRET
        else:
            body = json.dumps(self._tables.answer(operation, json.loads(request.body))).encode()
        send(response(body, headers=(("x-amz-crc32", str(zlib.crc32(body))),)))

    def _count(self, operation: str, request: StubRequest) -> None:
        with self._lock:
            self._calls[operation] += 1
            self._body_bytes[operation] += len(request.body)
            self._total_bytes[operation] += request.size_bytes
            self._latest.append((time.monotonic(), operation))

    def _stats(self) -> Item:
        with self._lock:
            return {
                "connections": self.server.connections,
                "calls": self._calls,
                "body_bytes": self._body_bytes,
                "total_bytes": self._total_bytes,
                "latest": list(self._latest),
            }


if __name__ == "__main__":
    AwsStub().server.run()
