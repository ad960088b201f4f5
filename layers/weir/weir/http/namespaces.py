"""Namespaces: what keeps one tenant's end users and sessions apart from another's upstream.

All tenants share the operator's upstream account, so equal values of two tenants would meet there:
in sticky routing, in prompt caches, in abuse reports.
"""

import hmac

NAMESPACED_FIELDS = ("user", "session_id", "prompt_cache_key")

_HEX_DIGITS = 32


def namespaced(value: str, *, field: str, namespace_key: bytes) -> str:
    """Return what goes upstream for a client's value: stable per tenant, equal for no two."""
    digest = hmac.digest(namespace_key, f"{field}\0{value}".encode(), "sha256")
    return digest.hex()[:_HEX_DIGITS]
