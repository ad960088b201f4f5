"""The models on offer and the bodies of the catalogue routes; all of them are public."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.simulator.faults import NAMES, STATUS_CODES, fault_of_model
from local.simulator.prices import Price

PROVIDER: Final = "Weir Simulator"
PROVIDER_SLUG: Final = "weir-simulator"
ECHO_ID: Final = "weir/echo"
SMALL_MODEL_ID: Final = "weir/smollm2-135m"
SLOW_INTERVAL_S: Final = 0.25

_CREATED: Final = 1_760_000_000
_ECHO_PRICE: Final = Price(prompt_nano_usd=150, completion_nano_usd=600)
_FREE: Final = Price(prompt_nano_usd=0, completion_nano_usd=0)
_SMALL_MODEL_PRICE: Final = Price(prompt_nano_usd=20, completion_nano_usd=60)
# Variants that only steer routing: the model behind them is the same.
_ROUTING_VARIANTS: Final = frozenset({"nitro", "floor", "exacto", "online"})
_UNSUPPORTED: Final = frozenset({"category", "distillable", "region"})
_SUPPORTED_PARAMETERS: Final = (
    "max_tokens", "temperature", "top_p", "top_k", "min_p", "seed", "stop",
    "frequency_penalty", "presence_penalty", "repetition_penalty", "tools", "tool_choice",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """One model. `token_interval_s` paces its answers; None leaves that to the simulator."""

    id: str
    name: str
    description: str
    price: Price
    context_length: int = 131_072
    max_completion_tokens: int = 16_384
    token_interval_s: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the `Model` of `GET /models`."""
        return {
            "id": self.id,
            "canonical_slug": self.id,
            "hugging_face_id": None,
            "name": self.name,
            "created": _CREATED,
            "description": self.description,
            "context_length": self.context_length,
            "architecture": _architecture(),
            "pricing": self.price.as_json(),
            "top_provider": {
                "context_length": self.context_length,
                "max_completion_tokens": self.max_completion_tokens,
                "is_moderated": False,
            },
            "per_request_limits": None,
            "supported_parameters": list(_SUPPORTED_PARAMETERS),
            "default_parameters": {},
            "supported_voices": None,
            "knowledge_cutoff": None,
            "expiration_date": None,
            "links": {"details": f"/api/v1/models/{self.id}/endpoints"},
        }


class Catalogue:
    """All models by id. *small_model_note* says who really serves the small model."""

    def __init__(self, *, small_model_note: str) -> None:
        cards = [*_weir_cards(small_model_note), *_fault_cards()]
        self._cards = {card.id: card for card in cards}

    def find(self, model_id: str) -> ModelCard | None:
        """Return the card of a model, or None; routing variants and fault options are resolved."""
        if card := self._cards.get(model_id):
            return card
        slug, _, variant = model_id.partition(":")
        if slug.startswith("fault/"):
            try:
                fault_of_model(model_id.removeprefix("fault/"))
            except ValueError:
                return None
            return self._cards.get(slug)
        return self._cards.get(slug) if variant in _ROUTING_VARIANTS else None

    def models(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return the body of `GET /models`, paged when the query asks for it.

        Raises:
            ValueError: `offset` or `limit` is no number or outside its range, or a filter is asked
                for that the simulator does not have.
        """
        unknown = query.keys() & _UNSUPPORTED
        if unknown:
            raise ValueError(f"the simulator does not filter by {', '.join(sorted(unknown))}")
        named = query.get("providers")
        found = named is None or PROVIDER in named.split(",")
        cards = [card.as_json() for card in self._cards.values()] if found else []
        offset, limit = int(query.get("offset", "0")), int(query.get("limit", "500"))
        if offset < 0 or not 1 <= limit <= 1000:  # noqa: PLR2004 (OpenRouter's range)
            raise ValueError("offset must be at least 0 and limit within 1..1000")
        page = cards[offset : offset + limit] if {"offset", "limit"} & query.keys() else cards
        more = offset + len(page) < len(cards)
        following = f"/api/v1/models?offset={offset + limit}&limit={limit}" if more else None
        return {"data": page, "total_count": len(cards), "links": {"next": following}}

    def zdr(self) -> dict[str, Any]:
        """Return the body of `GET /endpoints/zdr`: whatever misbehaves may also keep prompts."""
        kept = (card for card in self._cards.values() if not card.id.startswith("fault/"))
        return {"data": [_endpoint(card) for card in kept]}

    def count(self) -> dict[str, Any]:
        """Return the body of `GET /models/count`."""
        return {"data": {"count": len(self._cards)}}


def _endpoint(card: ModelCard) -> dict[str, Any]:
    return {
        "name": f"{PROVIDER} | {card.id}",
        "model_id": card.id,
        "model_name": card.name,
        "context_length": card.context_length,
        "pricing": card.price.as_json(),
        "provider_name": PROVIDER,
        "tag": PROVIDER_SLUG,
        "quantization": "unknown",
        "max_completion_tokens": card.max_completion_tokens,
        "max_prompt_tokens": None,
        "supported_parameters": list(_SUPPORTED_PARAMETERS),
        "status": 0,
        "uptime_last_5m": 100,
        "uptime_last_30m": 100,
        "uptime_last_1d": 100,
        "supports_implicit_caching": False,
        "latency_last_30m": None,
        "throughput_last_30m": None,
        "native_tools": {},
        "service_tier": None,
        "supports_diarization": False,
        "supports_tool_choice": dict.fromkeys(("auto", "function", "none", "required"), False),
    }


def endpoints(card: ModelCard) -> dict[str, Any]:
    """Return the body of `GET /models/{author}/{slug}/endpoints`."""
    return {
        "data": {
            "id": card.id,
            "name": card.name,
            "created": _CREATED,
            "description": card.description,
            "architecture": _architecture(),
            "endpoints": [_endpoint(card)],
        }
    }


def providers() -> dict[str, Any]:
    """Return the body of `GET /providers`."""
    provider = {
        "name": PROVIDER,
        "slug": PROVIDER_SLUG,
        "privacy_policy_url": None,
        "terms_of_service_url": None,
        "status_page_url": None,
        "headquarters": None,
        "datacenters": None,
    }
    return {"data": [provider]}


def _architecture() -> dict[str, Any]:
    return {
        "modality": "text->text",
        "input_modalities": ["text"],
        "output_modalities": ["text"],
        "tokenizer": "Other",
        "instruct_type": None,
    }


def _weir_cards(small_model_note: str) -> list[ModelCard]:
    echo = "Answers with the words of the last message; calls the tool one asks it to call."
    return [
        ModelCard(id=ECHO_ID, name="Weir: Echo", description=echo, price=_ECHO_PRICE),
        ModelCard(
            id=f"{ECHO_ID}:slow",
            name="Weir: Echo (slow)",
            description=f"{echo} Four tokens a second.",
            price=_ECHO_PRICE,
            token_interval_s=SLOW_INTERVAL_S,
        ),
        ModelCard(id=f"{ECHO_ID}:free", name="Weir: Echo (free)", description=echo, price=_FREE),
        ModelCard(
            id=SMALL_MODEL_ID,
            name="Weir: SmolLM2 135M",
            description=small_model_note,
            price=_SMALL_MODEL_PRICE,
            context_length=2048,
            max_completion_tokens=2048,
        ),
    ]


def _fault_cards() -> list[ModelCard]:
    names = [*map(str, STATUS_CODES), *sorted(NAMES - {"status"})]
    return [
        ModelCard(
            id=f"fault/{name}",
            name=f"Fault: {name}",
            description="Misbehaves on purpose, otherwise as the echo model.",
            price=_ECHO_PRICE,
        )
        for name in names
    ]
