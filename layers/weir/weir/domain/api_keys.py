"""API keys: their format, their hash, and what a key stands for.

A key is `<prefix><64 hex>`: 28 random bytes, then the CRC-32 of everything before it, so garbage is
refused without a look-up. Only the SHA-256 of a key is ever stored (OpenRouter's `hash`).
"""

import hashlib
import re
import zlib
from dataclasses import dataclass, replace
from enum import StrEnum

from weir.domain.periods import LimitPeriod
from weir.domain.tenants import Tenant

RANDOM_BYTES = 28
DEFAULT_PREFIX = "sk-weir-v1-"

_TAIL = re.compile(r"[0-9a-f]{64}")


class KeyKind(StrEnum):
    """What a key may do."""

    INFERENCE = "inference"
    MANAGEMENT = "management"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A stored key: whose it is and what it may do. Never holds the key itself.

    Attributes:
        label: The key, masked.
        expires_at_ms: Epoch milliseconds; None when the key does not expire.
        created_ms: Epoch milliseconds; of a key that took another's place, when that was made.
        updated_ms: Epoch milliseconds of the last change; None when there was none.
        name: What its tenant calls it.
        creator: Whom its tenant names as the one who made it.
        external_user: Whom its tenant names as the one who uses it.
        includes_byok: Kept and shown; this gateway spends nobody's own upstream keys.
        succeeds: The key id of the key whose place it took by rotation; it is charged and counted
            as that one was.
        limit_period: None for a key without limits of its own; otherwise it has an account below
            the tenant's, and this is the period of its spending limit.
    """

    key_hash: str
    tenant: Tenant
    kind: KeyKind
    label: str
    disabled: bool
    expires_at_ms: int | None
    created_ms: int
    updated_ms: int | None = None
    name: str = ""
    creator: str | None = None
    external_user: str | None = None
    includes_byok: bool = False
    succeeds: str | None = None
    limit_period: LimitPeriod | None = None

    @property
    def key_id(self) -> str:
        """Return the short public name in holds, usage records and logs.

        The first 8 hex digits of the hash, which no two keys of a tenant share; after a rotation
        those of the first key.
        """
        return self.succeeds or short_id(self.key_hash)

    def is_expired(self, *, now_ms: int) -> bool:
        """Tell whether the key works no more because of its age."""
        return self.expires_at_ms is not None and self.expires_at_ms <= now_ms

    def touched(self, now_ms: int) -> "ApiKey":
        """Return the key with a later time of change than it has."""
        return replace(self, updated_ms=max(now_ms, (self.updated_ms or 0) + 1))


def short_id(key_hash: str) -> str:
    """Return the first 8 hex digits of a key's hash."""
    return key_hash[:8]


def mint(*, random: bytes, prefix: str = DEFAULT_PREFIX) -> str:
    """Make a key from 28 random bytes. It is shown once and then only its hash exists.

    Raises:
        ValueError: `random` is not 28 bytes.
    """
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"{RANDOM_BYTES} random bytes are needed, got {len(random)}")
    body = prefix + random.hex()
    return body + _checksum(body)


def is_well_formed(key: str, *, prefix: str = DEFAULT_PREFIX) -> bool:
    """Tell whether a text can be a key of this gateway: prefix, length, alphabet, checksum."""
    if not key.startswith(prefix) or not _TAIL.fullmatch(key, len(prefix)):
        return False
    return _checksum(key[:-8]) == key[-8:]


def key_hash(key: str) -> str:
    """Return the lower-case hex SHA-256 of the whole key."""
    return hashlib.sha256(key.encode()).hexdigest()


def masked(key: str, *, prefix: str = DEFAULT_PREFIX) -> str:
    """Return the label OpenRouter shows for a key: the prefix, three digits, dots, four digits."""
    tail = key.removeprefix(prefix)
    return f"{prefix}{tail[:3]}...{tail[-4:]}"


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
