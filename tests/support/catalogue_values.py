"""Entries of a catalogue, an upstream that has them, and the stores of their copies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.fakes import FakeClock
from weir.domain.catalogue import MODELS, PROVIDERS, ZDR, Copy, Subject, Topic
from weir.domain.errors import StoreUnavailableError, WeirError


def make_model(model_id: str = "maker/model", **overrides: Any) -> dict[str, Any]:
    """Build a model as upstream describes it."""
    return {
        "id": model_id,
        "canonical_slug": model_id,
        "hugging_face_id": None,
        "name": f"Name of {model_id}",
        "created": 1_790_000_000,
        "description": "d",
        "context_length": 128_000,
        "architecture": {
            "modality": "text->text",
            "input_modalities": ["text"],
            "output_modalities": ["text"],
            "tokenizer": "GPT",
            "instruct_type": None,
        },
        "pricing": {"prompt": "0.00000015", "completion": "0.0000006"},
        "top_provider": {"is_moderated": False},
        "per_request_limits": None,
        "supported_parameters": ["max_tokens", "temperature"],
        "default_parameters": {},
        "supported_voices": None,
        "links": {"details": f"/api/v1/models/{model_id}/endpoints"},
        **overrides,
    }


def make_endpoint(model_id: str = "maker/model", **overrides: Any) -> dict[str, Any]:
    """Build an endpoint as upstream describes it."""
    return {
        "name": f"OpenAI | {model_id}",
        "model_id": model_id,
        "model_name": f"Name of {model_id}",
        "context_length": 128_000,
        "pricing": {"prompt": "0.00000015", "completion": "0.0000006"},
        "provider_name": "OpenAI",
        "tag": "openai",
        **overrides,
    }


def make_provider(slug: str, name: str) -> dict[str, Any]:
    """Build a provider as upstream describes it."""
    return {"name": name, "slug": slug, "privacy_policy_url": None}


def model_topic(model_id: str, subject: Subject = Subject.MODEL) -> Topic:
    """Return the topic of a model."""
    return Topic(subject=subject, name=model_id)


def selection(name: str, value: str) -> Topic:
    """Return the topic of a filter that upstream applies."""
    return Topic(subject=Subject.SELECTION, name=name, value=value)


@dataclass
class FakeSource:
    """Knows what it is given; a model that it is not given is absent, anything else a bug."""

    contents: dict[Topic, Any] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=FakeClock)
    failure: WeirError | None = None
    asked: list[Topic] = field(default_factory=list)
    deadlines_ms: list[int] = field(default_factory=list)

    def read(self, topic: Topic, *, deadline_ms: int) -> Copy:
        self.asked.append(topic)
        self.deadlines_ms.append(deadline_ms)
        if self.failure is not None:
            raise self.failure
        is_known = topic in self.contents or topic.subject not in {Subject.MODEL, Subject.ENDPOINTS}
        content = self.contents[topic] if is_known else None
        return Copy(content=content, read_ms=self.clock.ms)


@dataclass
class FakeShared:
    copies: dict[Topic, Copy] = field(default_factory=dict)

    def get(self, topic: Topic) -> Copy | None:
        return self.copies.get(topic)

    def put(self, topic: Topic, copy: Copy) -> None:
        self.copies[topic] = copy


@dataclass
class FakeLeases:
    """Grants every lease whose name is not taken."""

    taken: dict[str, int] = field(default_factory=dict)
    is_down: bool = False

    def take(self, name: str, *, now_ms: int, for_ms: int) -> bool:
        if self.is_down:
            raise StoreUnavailableError("down")
        if self.taken.get(name, 0) > now_ms:
            return False
        self.taken[name] = now_ms + for_ms
        return True


def contents(
    models: list[dict[str, Any]],
    *,
    providers: Mapping[str, str] | None = None,
    zdr: list[dict[str, Any]] | None = None,
) -> dict[Topic, Any]:
    """Return a catalogue; providers by slug."""
    listed = [make_provider(slug, name) for slug, name in (providers or {}).items()]
    return {MODELS: models, PROVIDERS: listed, ZDR: zdr or []}
