"""Idempotency: a request that is sent twice under one key is charged once and answered alike.

An answer that cost money, or may have, is kept as it was sent. An error that certainly cost nothing
frees the key, so that the next attempt starts afresh. A crash leaves the key claimed until no
request can be alive any more: a retry is refused rather than charged.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from weir.domain.answers import (
    MAX_KEPT_BYTES,
    OWNER_BYTES,
    Answer,
    Answers,
    Claim,
    KeptAnswer,
    Reply,
    Standing,
    claim_of,
)
from weir.domain.errors import (
    ConflictError,
    ProviderError,
    StoreUnavailableError,
    UnprocessableError,
    WeirError,
)
from weir.domain.generations import GenerationId
from weir.domain.ports import Clock, Journal
from weir.domain.tenants import Tenant

REPLAYED = {"Idempotent-Replayed": "true"}
RETRY_AFTER_S = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """Claims keys, and keeps and replays answers.

    Attributes:
        random: Returns that many random bytes.
        claim_life_ms: The longest a request can live, and a margin.
    """

    answers: Answers
    clock: Clock
    journal: Journal
    random: Callable[[int], bytes]
    claim_life_ms: int

    def claim(self, tenant: Tenant, *, key: str, digest: bytes) -> Claim | Reply:
        """Claim a key for a request, or return the reply to the same request before.

        Args:
            tenant: Whose key it is.
            key: As the client sent it.
            digest: SHA-256 of all that decides what is asked.

        Raises:
            ConflictError: That request is still in flight, or its reply was too large to be kept.
            UnprocessableError: The key was used for another request.
            StoreUnavailableError: Nobody knows; nothing may be sent.
        """
        claim = claim_of(
            tenant,
            key=key,
            digest=digest,
            owner=self.random(OWNER_BYTES).hex(),
            now_ms=self.clock.now_ms(),
            life_ms=self.claim_life_ms,
        )
        found = self.answers.claim(claim)
        if isinstance(found, KeptAnswer):
            generation_id = found.headers.get("X-Generation-Id", "")
            self.journal.replayed(generation_id=GenerationId(generation_id))
            return Reply(
                status=found.status, headers={**found.headers, **REPLAYED}, body=found.pieces()
            )
        if found is not Standing.CLAIMED:
            refused = _refusal(found)
            raise refused
        return claim

    def failed(self, claim: Claim, *, error: WeirError, reply: Reply) -> None:
        """Keep the reply to a request that failed before its first byte, or free the key."""
        generation_id = GenerationId(error.generation_id or "")
        # Without a generation nothing was sent: upstream failed when it was asked for a price.
        may_have_cost = isinstance(error, ProviderError) and not error.cost_is_zero
        if generation_id and may_have_cost:
            kept = _kept(reply, body=b"".join(reply.body), stream=False)
            self._keep(claim, kept, generation_id=generation_id)
            return
        try:
            self.answers.release(claim)
        except StoreUnavailableError as failure:
            self._degraded(generation_id, failure.message)

    def keeping(self, claim: Claim, *, reply: Reply, answer: Answer) -> Reply:
        """Return the reply, of which a copy is kept before its last piece is sent."""
        return replace(reply, body=self._copied(claim, reply=reply, answer=answer))

    def _copied(self, claim: Claim, *, reply: Reply, answer: Answer) -> Iterator[bytes]:
        copy, is_listened_to = _Copy(), True
        for piece in reply.body:
            copy.add(piece)
            if answer.is_over():
                body = copy.body()
                kept = None if body is None else _kept(reply, body=body, stream=answer.stream)
                self._keep(claim, kept, generation_id=answer.generation_id)
            if is_listened_to:
                try:
                    yield piece
                except GeneratorExit:
                    # The client is gone but will ask again: its answer is read to the end.
                    is_listened_to = False

    def _keep(
        self, claim: Claim, answer: KeptAnswer | None, *, generation_id: GenerationId
    ) -> None:
        try:
            is_kept = self.answers.keep(claim, answer=answer, now_ms=self.clock.now_ms())
        except StoreUnavailableError as failure:
            self._degraded(generation_id, failure.message)
        else:
            if not is_kept:
                self._degraded(generation_id, "the claim had lapsed before the answer was there")

    def _degraded(self, generation_id: GenerationId, reason: str) -> None:
        self.journal.degraded(generation_id=generation_id, reason=f"idempotency: {reason}")


class _Copy:
    """A copy of a body, as far as it may be kept."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size_bytes = 0

    def add(self, piece: bytes) -> None:
        self._size_bytes += len(piece)
        if self._size_bytes > MAX_KEPT_BYTES:
            self._pieces.clear()
        else:
            self._pieces.append(piece)

    def body(self) -> bytes | None:
        return None if self._size_bytes > MAX_KEPT_BYTES else b"".join(self._pieces)


def _kept(reply: Reply, *, body: bytes, stream: bool) -> KeptAnswer:
    return KeptAnswer(status=reply.status, headers=reply.headers, stream=stream, body=body)


def _refusal(standing: Standing) -> WeirError:
    if standing is Standing.IN_FLIGHT:
        return ConflictError(
            "A request with this Idempotency-Key is in flight; its answer can be had in a moment",
            retry_after_s=RETRY_AFTER_S,
        )
    if standing is Standing.NOT_KEPT:
        return ConflictError(
            "A request with this Idempotency-Key was answered, but its answer was too large to be "
            "kept; send another key to ask again"
        )
    return UnprocessableError(
        "This Idempotency-Key was used with another request; send another key"
    )
