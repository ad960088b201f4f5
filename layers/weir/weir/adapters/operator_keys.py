"""The operator's keys: read from a secret, remembered as digests, read anew when one is not known.

The secret is one key, or a JSON object of names and keys: two people, or two keys while one takes
the other's place, are then told apart in the audit log.
"""

import hashlib
import hmac
import json
import logging
import re
import threading
from collections.abc import Mapping
from typing import Any

from weir.adapters.upstream.keys import SecretReader
from weir.domain.ports import Clock

KEY_TTL_MS = 300_000
FORCED_READ_INTERVAL_MS = 30_000
ONLY = "operator"
"""Who holds a key that has no name."""

# A key that can be guessed, or that no header could carry, admits nobody.
_KEY = re.compile(r"[\x21-\x7e]{32,512}")
_NAME = re.compile(r"[\x20-\x7e]{1,64}")

logger = logging.getLogger(__name__)


class SecretOperatorKeys:
    """`OperatorKeys` over a secret.

    Args:
        secret: Reads it.
        clock: Tells how old what is remembered is.
    """

    def __init__(self, secret: SecretReader, *, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock
        self._lock = threading.Lock()
        self._digests: Mapping[str, bytes] = {}
        self._read_ms: int | None = None

    def holder(self, presented: str) -> str | None:
        """Return who holds a credential; None when it is no key of the operator's.

        Raises:
            StoreUnavailableError: The secret cannot be read.
        """
        with self._lock:
            self._read(older_than_ms=KEY_TTL_MS)
            found = self._holder(presented)
            if found is None:
                self._read(older_than_ms=FORCED_READ_INTERVAL_MS)
                found = self._holder(presented)
            return found

    def _holder(self, presented: str) -> str | None:
        """Compare with every key, so that the time it takes tells nothing."""
        digest = _digest(presented)
        found = None
        for name, known in self._digests.items():
            if hmac.compare_digest(known, digest):
                found = name
        return found

    def _read(self, *, older_than_ms: int) -> None:
        now_ms = self._clock.now_ms()
        if self._read_ms is not None and now_ms - self._read_ms < older_than_ms:
            return
        keys = _keys(self._secret.read("AWSCURRENT") or "")
        self._digests = {name: _digest(key) for name, key in keys.items()}
        self._read_ms = now_ms


def _keys(text: str) -> Mapping[str, str]:
    """Return the keys in a secret by their names; what is no good key is left out, and logged."""
    text = text.strip()
    given: Any = {ONLY: text}
    if text.startswith("{"):
        try:
            given = json.loads(text)
        except ValueError:
            logger.error("the operator's secret begins like JSON and is none")  # noqa: TRY400 - its text
            given = {}
    good = {name: key for name, key in given.items() if _is_good(name, key)}
    if len(good) < len(given):
        logger.error("%d of the operator's keys cannot be used", len(given) - len(good))
    return good


def _is_good(name: str, key: object) -> bool:
    return isinstance(key, str) and bool(_KEY.fullmatch(key) and _NAME.fullmatch(name))


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
