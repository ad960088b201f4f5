"""Bodies of the catalogue: upstream's entries, with what the official clients cannot do without.

Members pass as they are. The clients refuse an entry that lacks a member they require, and one that
has null in place of an optional member: the former is added, the latter left out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

from weir.domain.catalogue import Entry


class PageLinks(TypedDict):
    """Where the next page is; None on the last one."""

    next: str | None


class ModelsBody(TypedDict):
    """The body of `GET /models` and `GET /models/user`; the clients require all three."""

    data: Sequence[Entry]
    links: PageLinks
    total_count: int


class DataBody(TypedDict):
    """The body of every other route of the catalogue."""

    data: Any


_MODEL: Final[Mapping[str, Any]] = {
    "context_length": None,
    "per_request_limits": None,
    "supported_parameters": [],
    "default_parameters": None,
    "supported_voices": None,
    "top_provider": {"is_moderated": False},
}
_ENDPOINT: Final[Mapping[str, Any]] = {
    "quantization": None,
    "max_completion_tokens": None,
    "max_prompt_tokens": None,
    "supported_parameters": [],
    "uptime_last_5m": None,
    "uptime_last_30m": None,
    "uptime_last_1d": None,
    "supports_implicit_caching": False,
    "latency_last_30m": None,
    "throughput_last_30m": None,
    "native_tools": {},
    "service_tier": None,
    "supports_diarization": False,
    "supports_tool_choice": dict.fromkeys(("auto", "function", "none", "required"), False),
}
_PROVIDER: Final[Mapping[str, Any]] = {"privacy_policy_url": None}
_NEVER_NULL = frozenset({"description", "status", "reasoning", "benchmarks", "alias_target"})


def model_body(model: Entry) -> Entry:
    """Return a model as the clients take it."""
    links = {"details": f"/api/v1/models/{model['id']}/endpoints"}
    required = {"canonical_slug": model["id"], "name": model["id"], **_MODEL, "links": links}
    shown = _completed(model, required)
    architecture = shown.get("architecture")
    if isinstance(architecture, dict) and architecture.get("tokenizer", "") is None:
        kept = {name: value for name, value in architecture.items() if name != "tokenizer"}
        shown["architecture"] = kept
    return shown


def endpoints_body(model: Entry) -> Entry:
    """Return a model with its endpoints as the clients take it."""
    shown = {"name": model["id"], "description": "", **_without_nulls(model)}
    architecture = shown.get("architecture")
    if isinstance(architecture, dict):
        shown["architecture"] = {"tokenizer": None, "instruct_type": None, **architecture}
    shown["endpoints"] = [endpoint_body(endpoint) for endpoint in model["endpoints"]]
    return shown


def endpoint_body(endpoint: Entry) -> Entry:
    """Return an endpoint as the clients take it."""
    return _completed(endpoint, _ENDPOINT)


def provider_body(provider: Entry) -> Entry:
    """Return a provider as the clients take it."""
    return _completed(provider, _PROVIDER)


def _completed(entry: Entry, required: Mapping[str, Any]) -> dict[str, Any]:
    shown = _without_nulls(entry)
    shown.update((name, value) for name, value in required.items() if name not in shown)
    pricing = shown.get("pricing")
    if isinstance(pricing, dict):
        shown["pricing"] = {name: price for name, price in pricing.items() if price is not None}
    return shown


def _without_nulls(entry: Entry) -> dict[str, Any]:
    return {
        name: value for name, value in entry.items() if value is not None or name not in _NEVER_NULL
    }
