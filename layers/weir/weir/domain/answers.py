"""Answers: what goes back to a client, and what is kept of it for an Idempotency-Key (ADR 0011).

A client that sends a key with its request may send the same request again, and is answered once:
charged once, and told the same. A key belongs to a tenant; the first request claims it, and only
the claim's owner may store the answer.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from weir.domain.generations import GenerationId
from weir.domain.tenants import Tenant, TenantId

KEPT_MS = 24 * 60 * 60 * 1_000
MAX_KEPT_BYTES = 20 * 1024 * 1024
OWNER_BYTES = 16

_EVENT_END = b"\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request is answered with: a body of one piece, or of as many as upstream sends.

    The body must be exhausted or closed: the request is recorded and settled as it ends.

    Attributes:
        is_over: Tells whether the request has ended; true from the last piece of the body on.
    """

    generation_id: GenerationId
    model: str
    stream: bool
    body: Iterator[bytes]
    is_over: Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer or an error as it leaves: status and headers first, then the body as it comes."""

    status: int
    headers: Mapping[str, str]
    body: Iterable[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """A reply whose every byte is known; a stream is told apart, to be sent as one again."""

    status: int
    headers: Mapping[str, str]
    stream: bool
    body: bytes

    def pieces(self) -> Iterator[bytes]:
        """Yield the body: event by event if it is a stream, otherwise at once."""
        if not self.stream:
            yield self.body
            return
        *events, rest = self.body.split(_EVENT_END)
        for event in events:
            yield event + _EVENT_END
        if rest:
            yield rest


class Standing(Enum):
    """What a key stands for, when there is no answer to replay."""

    CLAIMED = auto()  # by the very claim that asks
    IN_FLIGHT = auto()
    OTHER_REQUEST = auto()
    NOT_KEPT = auto()  # it was answered, but the answer is too large to be kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One request's claim of a key.

    Attributes:
        key_digest: SHA-256 of the key, hex: the key itself is nowhere stored.
        fingerprint: Tells two requests apart; keyed, so that it confirms no guess of a prompt.
        secret: 32 bytes that only the key and the tenant's secret together give; seals the answer.
        owner: Random; whose claim it is.
        claimed_ms: Epoch milliseconds.
        lapses_ms: When whoever claimed it can no longer be alive.
    """

    tenant_id: TenantId
    key_digest: str
    fingerprint: bytes
    secret: bytes = field(repr=False)
    owner: str
    claimed_ms: int
    lapses_ms: int


class Answers(Protocol):
    """Keeps the answers of requests that came with an Idempotency-Key."""

    def claim(self, claim: Claim) -> KeptAnswer | Standing:
        """Claim a key that is free or whose claim or answer has lapsed; otherwise say what stands.

        Repeating it is harmless.

        Raises:
            StoreUnavailableError: Nobody knows; the request must not start.
        """
        ...

    def keep(self, claim: Claim, *, answer: KeptAnswer | None, now_ms: int) -> bool:
        """Store the answer for `KEPT_MS`; False when the claim is no longer this one.

        Args:
            claim: As it was claimed.
            answer: None when it is too large to be kept.
            now_ms: Epoch milliseconds.

        Raises:
            StoreUnavailableError: The claim stays until it lapses.
        """
        ...

    def release(self, claim: Claim) -> bool:
        """Free the key: nothing was charged. False when the claim is no longer this one.

        Raises:
            StoreUnavailableError: The claim stays until it lapses.
        """
        ...


def claim_of(
    tenant: Tenant, *, key: str, digest: bytes, owner: str, now_ms: int, life_ms: int
) -> Claim:
    """Make the claim of a key.

    Args:
        tenant: Whose key it is.
        key: As the client sent it.
        digest: SHA-256 over all that decides what is asked.
        owner: Random, never used before.
        now_ms: Epoch milliseconds.
        life_ms: The longest a request can live, and a margin.
    """
    return Claim(
        tenant_id=tenant.tenant_id,
        key_digest=hashlib.sha256(key.encode()).hexdigest(),
        fingerprint=_keyed(tenant, "idempotency-fingerprint", digest),
        secret=_keyed(tenant, "idempotency-answer", key.encode()),
        owner=owner,
        claimed_ms=now_ms,
        lapses_ms=now_ms + life_ms,
    )


def _keyed(tenant: Tenant, purpose: str, content: bytes) -> bytes:
    return hmac.digest(tenant.namespace_key, purpose.encode() + b"\0" + content, "sha256")
