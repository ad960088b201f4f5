"""End users: the tenant's own customers, known by whatever the field `user` of a request says."""

import hashlib

MAX_BYTES = 64
_DIGEST_DIGITS = 32
_DIGEST_MARK = "sha256:"


def stored_name(user: str) -> str:
    """Return what holds, usage records and rollups call an end user.

    A name that is too long for an account item, or that looks like such a replacement, is replaced
    by its digest: it stays one end user, and no two names become one.
    """
    raw = user.encode()
    if len(raw) <= MAX_BYTES and not user.startswith(_DIGEST_MARK):
        return user
    return _DIGEST_MARK + hashlib.sha256(raw).hexdigest()[:_DIGEST_DIGITS]
