"""Builders of claims and answers for tests of kept answers."""

import random
from dataclasses import replace
from typing import Any

from weir.domain.answers import Claim, KeptAnswer, claim_of
from weir.domain.tenants import Tenant, TenantId

NOW_MS = 1_795_003_200_000
LIFE_MS = 960_000
ACME = Tenant(tenant_id=TenantId("acme"), namespace_key=bytes(range(32)))
GLOBEX = Tenant(tenant_id=TenantId("globex"), namespace_key=bytes(range(1, 33)))
ANSWER = KeptAnswer(
    status=200,
    headers={"Content-Type": "application/json", "X-Generation-Id": "gen-1"},
    stream=False,
    body=b'{"content": "ANSWER-CANARY \xc3\xa9\n"}',
)


def make_claim(
    *, tenant: Tenant = ACME, owner: str = "a", now_ms: int = NOW_MS, **changes: Any
) -> Claim:
    """A claim of one key for one request, unless changed."""
    facts = {"key": "order-17", "digest": b"request", **changes}
    return claim_of(tenant, owner=owner, now_ms=now_ms, life_ms=LIFE_MS, **facts)


def large_answer(size: int) -> KeptAnswer:
    """An answer that compression makes no smaller."""
    return replace(ANSWER, stream=True, body=random.Random(size).randbytes(size))
