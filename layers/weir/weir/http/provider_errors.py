"""Errors that upstream reports inside an answer of status 200."""

from collections.abc import Mapping
from typing import Any

from weir.domain.errors import ProviderError

_MAX_CHARS = 1024
_STATUSES = range(400, 600)
_UNEXPLAINED = "Provider returned error"
# They are about the operator's own account, of which a tenant must not learn.
_OPERATORS_OWN = frozenset({401, 402})
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


def reported_error(content: Any) -> ProviderError:
    """Turn the `error` member of an upstream answer into ours. What it cost is not known here."""
    fields = content if isinstance(content, dict) else {}
    code = fields.get("code")
    known = isinstance(code, int) and code in _STATUSES and code not in _OPERATORS_OWN
    if not known:
        return ProviderError(_UNEXPLAINED, cost_is_zero=False)
    message = _text(fields.get("message")) or _UNEXPLAINED
    metadata = fields.get("metadata")
    return ProviderError(
        message,
        cost_is_zero=False,
        status=code,
        metadata=_metadata(metadata) if isinstance(metadata, dict) else None,
    )


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
    return value[:_MAX_CHARS].encode("utf-8", "replace").decode()
