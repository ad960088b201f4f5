"""Authorization codes: what a user has agreed to, until the app exchanges it for a key. PKCE.

A code is shown to the app once and stored as its SHA-256. It is bound to a challenge, so that it
is worth nothing to whoever reads it on its way back to the app (RFC 7636). ADR 0020.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Protocol

from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.tenants import Tenant, TenantId

METHOD = "S256"
CODE_LIFE_MS = 10 * 60 * 1_000
TOKEN_BYTES = 32
MAX_LABEL_CHARS = 100

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_USER_DIGITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTerms:
    """What a key that an app asks for shall be.

    Attributes:
        label: Its name; never empty once a user has agreed.
        spend_nano_usd: Its spending limit; None: it has none of its own.
        period: Of that limit.
        expires_at_ms: Epoch milliseconds; None: never.
    """

    label: str
    spend_nano_usd: NanoUsd | None = None
    period: LimitPeriod = LimitPeriod.TOTAL
    expires_at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthCode:
    """What a code stands for. Never holds the code itself.

    Attributes:
        user: Who agreed, in the tenant's own words; None when the tenant itself did.
        giver: Who the audit log says it was: public id of the user, or label of the tenant's key.
        challenge: Of S256.
        callback_url: Where the code was sent; None when the user carries it to the app.
        created_ms: Epoch milliseconds; it lives for `CODE_LIFE_MS`.
        is_used: An exchange was tried; there is no second one.
    """

    code_hash: str
    tenant_id: TenantId
    user: str | None
    giver: str
    challenge: str
    callback_url: str | None
    terms: KeyTerms
    created_ms: int
    is_used: bool = False

    def is_expired(self, *, now_ms: int) -> bool:
        """Tell whether it is too late to exchange it."""
        return now_ms >= self.created_ms + CODE_LIFE_MS


class AuthCodes(Protocol):
    """Where codes are kept. Every method may raise StoreUnavailableError."""

    def put(self, code: AuthCode) -> None:
        """Store a new code."""
        ...

    def find(self, code_hash: str) -> AuthCode | None:
        """Return a code, consistently read; some hours after its end there is none."""
        ...

    def use(self, code_hash: str) -> bool:
        """Mark a code as used; False when it is already, or is gone: of many callers one wins."""
        ...


def token(random: bytes) -> str:
    """Return random bytes as text that fits into a URL, a cookie and a form."""
    return base64.urlsafe_b64encode(random).decode().rstrip("=")


def is_token(text: str) -> bool:
    """Tell whether a text can be a token of this gateway: 32 bytes."""
    return _CHALLENGE.fullmatch(text) is not None


def token_hash(text: str) -> str:
    """Return what is stored of a token: the lower-case hex SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_challenge(text: str) -> bool:
    """Tell whether a text can be a challenge of S256: a digest in base64url, without padding."""
    return _CHALLENGE.fullmatch(text) is not None


def challenge_of(verifier: str) -> str:
    """Return the challenge of a verifier, by S256."""
    return token(hashlib.sha256(verifier.encode()).digest())


def proves(verifier: str | None, *, challenge: str) -> bool:
    """Tell whether a verifier is the one that a challenge was made of."""
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        return False
    return hmac.compare_digest(challenge_of(verifier), challenge)


def user_id(tenant: Tenant, user: str) -> str:
    """Return the public id of a user: stable within a tenant, equal for no two tenants."""
    digest = hmac.digest(tenant.namespace_key, f"sign-in\0{user}".encode(), "sha256")
    return f"user_{digest.hex()[:_USER_DIGITS]}"
