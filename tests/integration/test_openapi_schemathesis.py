"""The deployed gateway does what its document says, to whoever sends what the document allows.

And to whoever does not: made-up requests of two tenants and of the operator, by schemathesis.
"""

import json

import pytest
import requests
from schemathesis import GenerationMode

from local.openapi import PATH
from local.seed import issue_key, seed_tenant
from local.stack import LocalStack
from tests.support.fuzzing import Caller, Endpoint, Fuzz, operations
from weir.domain.api_keys import KeyKind, key_hash
from weir.domain.tenants import TenantId

MODEL = "weir/echo"
MESSAGES = [{"role": "user", "content": "hi"}]
ANSWERED = {"model": MODEL, "models": None, "max_tokens": 5}
# What only a sign-in, or a request that still runs, can bring to a good end.
NEVER_GOOD = {
    "POST /api/v1/auth/keys",
    "POST /api/v1/credits/coinbase",
    "POST /api/v1/generation/{id}/cancel",
}
OPERATIONS = list(operations(json.loads(PATH.read_text(encoding="utf-8"))))
ALLOWED = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
FORBIDDEN = pytest.mark.parametrize(
    "operation",
    # A path forbids nothing: what is not the name of anything is a 404.
    [operation for operation in OPERATIONS if operation.query or operation.body],
    ids=lambda operation: operation.label,
)


def make_caller(stack: LocalStack, name: str) -> Caller:
    tenant = seed_tenant(stack.books, tenant_id=TenantId(name), credit_usd=1)
    kinds = {"apiKey": KeyKind.INFERENCE, "managementKey": KeyKind.MANAGEMENT}
    keys = {
        word: issue_key(stack.books, tenant, kind=kind, label=name) for word, kind in kinds.items()
    }
    return Caller(keys=keys)


def generation(stack: LocalStack, caller: Caller) -> str:
    """Have a request answered, and return its id."""
    response = requests.post(
        f"{stack.base_url}/chat/completions",
        headers={"Authorization": f"Bearer {caller.keys['apiKey']}"},
        json={**ANSWERED, "messages": MESSAGES},
        timeout=30,
    )
    return str(response.json()["id"])


def spare_key(stack: LocalStack, caller: Caller) -> str:
    """Make a key that nobody asks with, and return its hash."""
    response = requests.post(
        f"{stack.base_url}/keys",
        headers={"Authorization": f"Bearer {caller.keys['managementKey']}"},
        json={"name": "spare"},
        timeout=30,
    )
    return str(response.json()["data"]["hash"])


@pytest.fixture(scope="module")
def fuzz(stack: LocalStack) -> Fuzz:
    """Two tenants with keys and a request each, and the operator."""
    tenants = [make_caller(stack, name) for name in ("made-up-one", "made-up-two")]
    # Not those who ask: the operator suspends and closes them.
    other, _closed = (make_caller(stack, name) for name in ("made-up-three", "made-up-four"))
    callers = list(tenants)
    operator = getattr(stack, "operator_key", None)
    if operator is not None:
        callers.append(Caller(keys={"operatorKey": operator}))
    author, slug = MODEL.split("/")
    generations = [generation(stack, caller) for caller in tenants]
    return Fuzz(
        url=stack.gateway.url,
        callers=callers,
        members={
            "POST /api/v1/chat/completions": [{**ANSWERED, "messages": MESSAGES}, {}],
            "POST /api/v1/completions": [{**ANSWERED, "prompt": "hi"}, {}],
            "GET /api/v1/generation": [{"id": named} for named in (*generations, "other")],
            # The embedded AWS copies a table for each transaction: of many lanes it is slow.
            "POST /api/v1/tenants": [{"lanes": 1}, {"lanes": 2}],
        },
        named={
            ("keys", "hash"): [spare_key(stack, caller) for caller in tenants],
            ("DELETE /api/v1/keys/{hash}", "hash"): [
                spare_key(stack, caller) for caller in tenants
            ],
            ("generation", "id"): generations,
            ("model", "author"): [author],
            ("model/{author}", "slug"): [slug],
            ("models", "author"): [author],
            ("models/{author}", "slug"): [slug],
            ("tenants", "id"): ["made-up-three"],
            ("tenants/{id}/keys", "hash"): [key_hash(other.keys["apiKey"])],
            ("DELETE /api/v1/tenants/{id}", "id"): ["made-up-four"],
            ("DELETE /api/v1/tenants/{id}/keys/{hash}", "hash"): [
                key_hash(other.keys["managementKey"])
            ],
        },
    )


@pytest.mark.chaos
@ALLOWED
def test_every_answer_is_in_the_document_when_many_requests_are_allowed(
    fuzz: Fuzz, operation: Endpoint
) -> None:
    fuzz.statuses.clear()

    fuzz.send(operation, GenerationMode.POSITIVE, examples=30)

    is_page = operation.path.startswith("/auth")
    assert min(fuzz.statuses) < 400 or is_page or operation.label in NEVER_GOOD


@pytest.mark.chaos
@FORBIDDEN
def test_every_answer_is_a_refusal_when_many_requests_are_forbidden(
    fuzz: Fuzz, operation: Endpoint
) -> None:
    fuzz.send(operation, GenerationMode.NEGATIVE, examples=30)
