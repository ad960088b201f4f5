"""The audit log: who changed what of a tenant, when, what it was before and what it is now.

An entry is written with the change or before it, and never changed. Not to be taken for the audit
of the books, which is `services.audit`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from weir.domain.tenants import TenantId

RANDOM_BYTES = 6

_DONE = 0x80

Facts = Mapping[str, object]
"""What a thing is, in the API's words: plain JSON values, amounts in USD as Decimal."""


class Action(StrEnum):
    """What was done. The stored words.

    KEY_CHANGING is written before the limits of a key change, which another table has; KEY_CHANGED
    of the same request tells that it was done.
    """

    TENANT_CREATED = "tenant.created"
    TENANT_CHANGED = "tenant.changed"
    TENANT_CLOSED = "tenant.closed"
    CREDIT_GRANTED = "credit.granted"
    KEY_CREATED = "key.created"
    KEY_CHANGING = "key.changing"
    KEY_CHANGED = "key.changed"
    KEY_ROTATED = "key.rotated"
    KEY_DELETED = "key.deleted"
    SIGN_IN_CHANGED = "sign_in.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks for a change, and in which request.

    Attributes:
        who: Name of the operator's key, or the label of a tenant's.
        request_id: As the logs have it.
    """

    who: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What was done to what.

    Attributes:
        subject: The tenant's id, the key's hash, or the payment's reference.
        before: Empty for what is new.
        after: Empty for what is gone.
    """

    action: Action
    subject: str
    before: Facts = field(default_factory=dict)
    after: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One entry of a tenant's audit log.

    Attributes:
        entry_id: Sorts by time.
        at_ms: Epoch milliseconds.
    """

    entry_id: str
    tenant_id: TenantId
    at_ms: int
    actor: Actor
    deed: Deed


class AuditLog(Protocol):
    """Reads the audit log."""

    def page(self, tenant_id: TenantId, *, before: str | None, count: int) -> Sequence[AuditEntry]:
        """Return up to that many entries of a tenant, the newest first.

        Args:
            tenant_id: Whose.
            before: Entry id that the page begins below; None begins with the newest.
            count: At most.

        Raises:
            StoreUnavailableError: They cannot be read.
        """
        ...


def new_entry(
    deed: Deed, *, tenant_id: TenantId, actor: Actor, at_ms: int, random: bytes
) -> AuditEntry:
    """Return the entry of a deed.

    Args:
        deed: What is done.
        tenant_id: In whose log it is written.
        actor: Who does it.
        at_ms: Epoch milliseconds.
        random: `RANDOM_BYTES` of them; each attempt takes others, so that a repetition is told from
            what it repeats.
    """
    # Of one millisecond, what is only announced comes before what is done.
    rank = 0 if deed.action is Action.KEY_CHANGING else _DONE
    return AuditEntry(
        entry_id=f"{at_ms:013d}-{(random[0] & ~_DONE) | rank:02x}{random[1:].hex()}",
        tenant_id=tenant_id,
        at_ms=at_ms,
        actor=actor,
        deed=deed,
    )


def difference(before: Facts, after: Facts) -> tuple[Facts, Facts]:
    """Return of both what is not the same in both."""
    return _unlike(before, after), _unlike(after, before)


def _unlike(facts: Facts, others: Facts) -> Facts:
    return {
        name: value for name, value in facts.items() if name not in others or others[name] != value
    }
