"""Requests of tenants with policies, for the tests of the inbound edge."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.http.chat_bodies import TENANT, body, read
from weir.domain.errors import ForbiddenError
from weir.domain.policies import DataCollection, Policy
from weir.domain.requests import ChatRequest

MODELS = Policy(models=("openai/gpt-4o-mini", "meta/llama:free", "maker/*"))
PROVIDERS = Policy(providers=("deepinfra", "azure/eu"))
DENY = Policy(data_collection=DataCollection.DENY)
ZDR = Policy(zdr=True)
TOKENS = Policy(max_tokens=1000)
ALL = Policy(
    models=("openai/gpt-4o-mini",),
    providers=("openai",),
    data_collection=DataCollection.DENY,
    zdr=True,
    max_tokens=1000,
)
ENFORCING = {"models": MODELS, "providers": PROVIDERS, "data_collection": DENY, "zdr": ZDR}
PRIVACY = {"data_collection": DENY, "zdr": ZDR}

TEXT = {"type": "text", "text": "hi"}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
NATIVE = {"engine": "native"}
PDF = {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA"}}
OTHER = "rival/other"


def plugin(name: str, **members: Any) -> dict[str, Any]:
    return {"plugins": [{"id": name, **members}]}


def tool(kind: str, **members: Any) -> dict[str, Any]:
    return {"tools": [{"type": kind, **members}]}


def native_parser() -> dict[str, Any]:
    return plugin("file-parser", pdf=NATIVE)


def under(policy: Policy, **fields: Any) -> ChatRequest:
    return read(body(**fields), tenant=replace(TENANT, policy=policy))


def refused(policy: Policy, **fields: Any) -> ForbiddenError:
    with pytest.raises(ForbiddenError) as caught:
        under(policy, **fields)
    return caught.value


def provider_of(policy: Policy, **fields: Any) -> Any:
    return json.loads(under(policy, **fields).body).get("provider")
