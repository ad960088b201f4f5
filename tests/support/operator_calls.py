"""The operator's API over HTTP, as a test uses it."""

import itertools
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import requests

from local.stack import LocalStack

_serial = itertools.count(1)


def unused_id(stem: str = "tenant") -> str:
    """A tenant id that no other call returns."""
    return f"{stem}-{next(_serial)}"


@dataclass(frozen=True)
class Operator:
    """Sends requests with a key, the operator's unless told otherwise."""

    stack: LocalStack
    key: str | None = None

    def ask(self, route: str, body: Any = None, **query: Any) -> requests.Response:
        """Send a request; `GET /tenants`."""
        method, _, path = route.partition(" ")
        return requests.request(
            method,
            f"{self.stack.base_url}{path}",
            json=body,
            params=query,
            headers={"Authorization": f"Bearer {self.key or self.stack.operator_key}"},
            timeout=30,
        )

    def done(self, route: str, body: Any = None, **query: Any) -> Any:
        """Send a request that must succeed, and return its body with exact numbers."""
        answer = self.ask(route, body, **query)
        assert answer.ok, answer.text
        return answer.json(parse_float=Decimal)

    def tenant(self, *, credit: float = 1, **wishes: Any) -> str:
        """Make a tenant with credit and return its id."""
        tenant_id = str(wishes.pop("id", unused_id()))
        self.done("POST /tenants", {"id": tenant_id, **wishes})
        if credit:
            grant = {"amount": credit, "reference": "first"}
            self.done(f"POST /tenants/{tenant_id}/credits", grant)
        return tenant_id

    def issue(self, tenant_id: str, *, kind: str = "inference", **wishes: Any) -> str:
        """Make a key of a tenant and return it."""
        body = {"name": "app", "kind": kind, **wishes}
        made: str = self.done(f"POST /tenants/{tenant_id}/keys", body)["key"]
        return made


def chat(stack: LocalStack, key: str, **fields: Any) -> requests.Response:
    """Ask the model something with a tenant's key."""
    messages = [{"role": "user", "content": "one two three"}]
    return requests.post(
        f"{stack.base_url}/chat/completions",
        json={"model": "weir/echo", "messages": messages, **fields},
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )
