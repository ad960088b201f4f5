"""CORS: a browser may call from any origin, because the key is a header and never a cookie."""

from collections.abc import Mapping
from types import MappingProxyType

_EXPOSED = (
    "X-Generation-Id,X-Provider-Name,X-RateLimit-Limit,X-RateLimit-Remaining,X-RateLimit-Reset,"
    "Idempotent-Replayed,Retry-After,Age,request-id"
)

CORS_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": _EXPOSED,
    }
)
"""Headers of every answer, errors included."""
