"""Idempotency-Key: what the header may be, and what makes two requests the same."""

import hashlib
import re
from collections.abc import Mapping

from weir.domain.errors import InvalidRequestError
from weir.http.events import ProxyEvent, body_bytes

MAX_KEY_CHARS = 255

_HEADER = "idempotency-key"
_KEY = re.compile(rf"[\x20-\x7e]{{1,{MAX_KEY_CHARS}}}")
# The forwarded headers that change the answer. The others say who asks, and may differ in a retry:
# a browser's HTTP-Referer is the page it happens to be on.
_TELLING_HEADERS = (
    "x-anthropic-beta",
    "x-openrouter-experimental-metadata",
    "x-openrouter-metadata",
)


def idempotency_key(headers: Mapping[str, str]) -> str | None:
    """Return the key of a request; None when it has none.

    Args:
        headers: By lower-case name.

    Raises:
        InvalidRequestError: It is empty, too long or not printable ASCII.
    """
    key = headers.get(_HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidRequestError(
            f"Header Idempotency-Key must be 1 to {MAX_KEY_CHARS} printable ASCII characters"
        )
    return key


def request_digest(event: ProxyEvent, headers: Mapping[str, str]) -> bytes:
    """Return the SHA-256 of all that decides what is asked: route, body and telling headers.

    Raises:
        InvalidRequestError: The body cannot be read; see `body_bytes`.
        PayloadTooLargeError: It is too large.
    """
    head = [event.get("httpMethod", ""), event.get("path", "")]
    head += [headers.get(name, "") for name in _TELLING_HEADERS]
    digest = hashlib.sha256()
    for part in (*(text.encode() for text in head), body_bytes(event)):
        # With its length before it, no part can pass for the end of the one before.
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()
