"""Chat requests for the tests of the inbound edge."""

import json
from collections.abc import Mapping
from typing import Any

from weir.domain.requests import ChatRequest, Mode
from weir.domain.tenants import Tenant, TenantId
from weir.http.chat_request import read_chat_request

TENANT = Tenant(tenant_id=TenantId("acme"), namespace_key=b"a" * 32, default_max_tokens=777)
OTHER_TENANT = Tenant(tenant_id=TenantId("other"), namespace_key=b"b" * 32)

MINIMAL: dict[str, Any] = {
    "model": "openai/gpt-4o-mini",
    "messages": [{"role": "user", "content": "hi"}],
}


def body(**fields: Any) -> bytes:
    """Return a valid request with more members; one that is `...` is left out."""
    members = {**MINIMAL, "max_tokens": 16, **fields}
    return json.dumps({name: value for name, value in members.items() if value != ...}).encode()


def text_body(**fields: Any) -> bytes:
    """Return a valid request for a text completion, as `body` does for a chat."""
    return body(**{"messages": ..., "prompt": "A weir is", **fields})


def read(
    raw: bytes,
    headers: Mapping[str, str] | None = None,
    *,
    tenant: Tenant = TENANT,
    mode: Mode = Mode.CHAT,
) -> ChatRequest:
    return read_chat_request(raw, headers or {}, tenant=tenant, mode=mode)


def parts(*content: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(content)}]
