"""CORS: a browser may call from any origin, because the key is a header and never a cookie."""

from collections.abc import Mapping
from types import MappingProxyType

CORS_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "X-Generation-Id,X-Provider-Name,Retry-After,request-id",
    }
)
"""Headers of every answer, errors included."""
