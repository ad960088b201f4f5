"""Errors that upstream reports inside an answer of status 200."""

import logging
import re
from collections.abc import Mapping
from typing import Any

from weir.domain.errors import ProviderError

_MAX_CHARS = 1024
# Those that a refusal before the first byte may have too; clients know no others.
_STATUSES = frozenset({
    400, 402, 403, 404, 408, 409, 410, 412, 413, 422, 429, 500, 502, 503, 504, 524, 529,
})  # fmt: skip
_UNEXPLAINED = "Provider returned error"
# About the operator's own account and key, of which a tenant must not learn.
_PAYMENT_REQUIRED = 402
_FORBIDDEN = 403
_OPERATORS_LIMIT = "openrouter_"
_UNPAID_RETRY_AFTER_S = 60
_KEY = re.compile(r"sk-[\w-]{12,}")
_MASK = "***"
_METADATA = (
    "error_type",
    "provider_code",
    "provider_name",
    "raw",
    "reasons",
    "flagged_input",
    "model_slug",
    "patterns",
)

logger = logging.getLogger(__name__)


def reported_error(content: Any) -> ProviderError:
    """Turn the `error` member of an upstream answer into ours. What it cost is not known here."""
    fields = content if isinstance(content, dict) else {}
    code = fields.get("code")
    if not isinstance(code, int) or code not in _STATUSES:
        return ProviderError(_UNEXPLAINED, cost_is_zero=False)
    metadata = fields.get("metadata")
    if code == _PAYMENT_REQUIRED or (code == _FORBIDDEN and _is_operators_limit(metadata)):
        logger.error("upstream: the operator's account or key is out of credit (code %d)", code)
        return ProviderError(
            "The gateway's upstream account cannot pay for this request right now.",
            status=503,
            cost_is_zero=False,
            retry_after_s=_UNPAID_RETRY_AFTER_S,
        )
    message = _text(fields.get("message")) or _UNEXPLAINED
    return ProviderError(
        message,
        cost_is_zero=False,
        status=code,
        metadata=_metadata(metadata) if isinstance(metadata, dict) else None,
    )


def _is_operators_limit(metadata: Any) -> bool:
    source = metadata.get("limit_source") if isinstance(metadata, dict) else None
    return isinstance(source, str) and source.startswith(_OPERATORS_LIMIT)


def _metadata(metadata: Mapping[str, Any]) -> dict[str, object] | None:
    kept = {name: _plain(metadata[name]) for name in _METADATA if name in metadata}
    return kept or None


def _plain(value: Any) -> object:
    if isinstance(value, list):
        return [text for item in value if (text := _text(item)) is not None]
    return value if isinstance(value, int) else _text(value)


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    # Masked before it is cut: the beginning of a key is no longer found as one.
    return _KEY.sub(_MASK, value)[:_MAX_CHARS].encode("utf-8", "replace").decode()
