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

_REQUEST_HEADERS = (
    "Authorization,"
    "Content-Type,"
    "HTTP-Referer,"
    "Idempotency-Key,"
    "X-Api-Key,"
    "X-OpenRouter-App-Visibility,"
    "X-OpenRouter-Categories,"
    "X-OpenRouter-Experimental-Metadata,"
    "X-OpenRouter-Metadata,"
    "X-OpenRouter-Title,"
    "X-Session-Id,"
    "X-Stainless-Arch,"
    "X-Stainless-Async,"
    "X-Stainless-Lang,"
    "X-Stainless-OS,"
    "X-Stainless-Package-Version,"
    "X-Stainless-Retry-Count,"
    "X-Stainless-Runtime,"
    "X-Stainless-Runtime-Version,"
    "X-Stainless-Timeout,"
    "X-Title,"
    "x-anthropic-beta"
)

PREFLIGHT_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        **CORS_HEADERS,
        "Access-Control-Allow-Methods": "GET,OPTIONS,PATCH,DELETE,POST,PUT",
        "Access-Control-Allow-Headers": _REQUEST_HEADERS,
        "Access-Control-Max-Age": "600",
    }
)
"""Headers of the answer (204, no body) to an OPTIONS request."""
