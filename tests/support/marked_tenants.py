"""Tenants whose words all carry a mark, so that a word of one in an answer to another is seen."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import requests

from local.seed import issue_key, seed_tenant
from local.stack import LocalStack
from weir.domain.api_keys import KeyKind, key_hash
from weir.domain.policies import Policy
from weir.domain.price_plans import PricePlan
from weir.domain.tenants import Tenant, TenantId
from weir.http.wire_values import workspace_id

MODEL = "weir/echo"
# Said by the gateway itself about the request, and different every time.
_OF_THE_REQUEST = frozenset({"date", "x-amzn-requestid", "request-id", "x-generation-id", "age"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedTenant:
    """A tenant with one thing of each kind.

    Attributes:
        marker: In its id, its policy, its plan, its keys' names, its end users, its prompts.
        inference: A key.
        management: A key.
        key_hash: Of another key, which nobody holds.
        generation: A request that has ended.
    """

    marker: str
    tenant: Tenant
    inference: str
    management: str
    key_hash: str
    generation: str

    @property
    def end_user(self) -> str:
        """An end user of its requests."""
        return f"user-{self.marker}"

    @property
    def marks(self) -> frozenset[str]:
        """Texts that nobody else may see."""
        keys = (self.inference, self.management)
        return frozenset({
            self.marker, *keys, *map(key_hash, keys), self.key_hash, self.generation,
            workspace_id(self.tenant.tenant_id),
        })  # fmt: skip


def open_marked_tenant(stack: LocalStack, name: str, **policy: Any) -> MarkedTenant:
    """Create a tenant, its keys, and a request of it that has ended."""
    marker = f"mk{name}{secrets.token_hex(4)}"
    tenant = seed_tenant(
        stack.books,
        tenant_id=TenantId(marker),
        credit_usd=5,
        policy=Policy(models=("weir/*", f"{marker}/*")),
        plan=PricePlan(
            version=1,
            multiplier_ppm=1_000_000 + secrets.randbelow(100_000),
            models={f"{marker}/model": 2_000_000},
        ),
        **policy,
    )
    inference, management = (
        issue_key(stack.books, tenant, kind=kind, label=f"{marker} {kind}")
        for kind in (KeyKind.INFERENCE, KeyKind.MANAGEMENT)
    )
    answer = post(stack, "/chat/completions", chat_body(marker), key=inference)
    assert answer.status_code == 200, answer.text
    return MarkedTenant(
        marker=marker,
        tenant=tenant,
        inference=inference,
        management=management,
        key_hash=make_key(stack, marker, management=management),
        generation=answer.json()["id"],
    )


def make_key(stack: LocalStack, marker: str, *, management: str) -> str:
    """Make a key that carries the mark, and return its hash."""
    wish = {
        "name": f"{marker} key",
        "limit": 1,
        "creator_user_id": marker,
        "external": {"user": marker},
    }
    answer = post(stack, "/keys", wish, key=management)
    assert answer.status_code == 201, answer.text
    hashed: str = answer.json()["data"]["hash"]
    return hashed


def chat_body(marker: str, **fields: Any) -> dict[str, Any]:
    """Return a request whose prompt and end user carry the mark."""
    return {
        "model": MODEL,
        "messages": [{"role": "user", "content": f"a secret of {marker}"}],
        "user": f"user-{marker}",
        "max_tokens": 20,
        **fields,
    }


def post(stack: LocalStack, path: str, body: object, *, key: str) -> requests.Response:
    """Send JSON below the base URL."""
    return requests.post(
        f"{stack.base_url}{path}",
        data=json.dumps(body),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        timeout=30,
    )


def told(answer: requests.Response) -> tuple[int, dict[str, str], bytes]:
    """Return all that an answer tells: status, headers and body, but what names the request."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    kept = {name: value for name, value in headers.items() if name not in _OF_THE_REQUEST}
    return answer.status_code, kept, answer.content


def marks_in(answer: requests.Response, *, of: Iterable[MarkedTenant], said: str = "") -> set[str]:
    """Return which marks of these tenants an answer tells, but those that the caller said."""
    whole = str(answer.headers).lower() + answer.text.lower()
    marks = {mark for tenant in of for mark in tenant.marks}
    return {mark for mark in marks if mark.lower() in whole and mark not in said}
