"""Kept answers in a dict: `Answers` for service tests.

Obeys the same contract suite as the DynamoDB adapter (`tests/contract/test_answers.py`).
"""

from dataclasses import dataclass, field

from weir.domain.answers import KEPT_MS, Claim, KeptAnswer, Standing
from weir.domain.errors import StoreUnavailableError
from weir.domain.tenants import TenantId


@dataclass(frozen=True, kw_only=True)
class _Row:
    """What a key stands for."""

    claim: Claim
    content: KeptAnswer | Standing
    expires_ms: int


@dataclass
class FakeAnswers:
    """The kept answers in memory.

    Attributes:
        failing: Names of the methods that raise StoreUnavailableError.
        calls: Names of the methods called, in order, failed ones included.
    """

    failing: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    rows: dict[tuple[TenantId, str], _Row] = field(default_factory=dict)

    def claim(self, claim: Claim) -> KeptAnswer | Standing:
        """Claim a key, or say what stands."""
        self._enter("claim")
        found = self.rows.get(_key(claim))
        if found is None or found.expires_ms <= claim.claimed_ms:
            self._put(claim, Standing.IN_FLIGHT, expires_ms=claim.lapses_ms)
            return Standing.CLAIMED
        if found.claim.owner == claim.owner:
            return Standing.CLAIMED
        if found.claim.fingerprint != claim.fingerprint:
            return Standing.OTHER_REQUEST
        return found.content

    def keep(self, claim: Claim, *, answer: KeptAnswer | None, now_ms: int) -> bool:
        """Store the answer, if the claim is still this one."""
        self._enter("keep")
        if not self._is_ours(claim):
            return False
        self._put(claim, answer or Standing.NOT_KEPT, expires_ms=now_ms + KEPT_MS)
        return True

    def release(self, claim: Claim) -> bool:
        """Free the key, if the claim is still this one."""
        self._enter("release")
        if not self._is_ours(claim):
            return False
        del self.rows[_key(claim)]
        return True

    def _is_ours(self, claim: Claim) -> bool:
        found = self.rows.get(_key(claim))
        return found is not None and found.claim.owner == claim.owner

    def _put(self, claim: Claim, content: KeptAnswer | Standing, *, expires_ms: int) -> None:
        self.rows[_key(claim)] = _Row(claim=claim, content=content, expires_ms=expires_ms)

    def _enter(self, method: str) -> None:
        self.calls.append(method)
        if method in self.failing:
            raise StoreUnavailableError("The answers are out of reach.", retry_after_s=1)


def _key(claim: Claim) -> tuple[TenantId, str]:
    return claim.tenant_id, claim.key_digest
