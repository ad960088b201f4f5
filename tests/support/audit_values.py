"""Builders of the audit log's values with sensible defaults."""

import itertools
from typing import Any

from tests.support.ledger_values import ACME, NOON_MS
from weir.domain.audit_log import Action, Actor, AuditEntry, Deed, new_entry
from weir.domain.tenants import TenantId

ALICE = Actor(who="alice", request_id="request-1")

_serial = itertools.count(1)


def make_entry(
    *, tenant_id: TenantId = ACME, at_ms: int = NOON_MS, actor: Actor = ALICE, **deed: Any
) -> AuditEntry:
    """An entry that no other call returns."""
    facts: dict[str, Any] = {"action": Action.TENANT_CHANGED, "subject": "acme"}
    return new_entry(
        Deed(**{**facts, **deed}),
        tenant_id=tenant_id,
        actor=actor,
        at_ms=at_ms,
        random=next(_serial).to_bytes(6),
    )
