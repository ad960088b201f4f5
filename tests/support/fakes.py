"""Small stand-ins for the ports, for tests of services.

The ledger's is in `fake_ledger`, that of the kept answers in `fake_answers`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from weir.domain.api_keys import ApiKey, KeyKind
from weir.domain.errors import ProviderError, StoreUnavailableError, WeirError
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold
from weir.domain.money import NanoUsd, PicoUsd
from weir.domain.prices import ModelPrice
from weir.domain.requests import ChatRequest
from weir.domain.tenants import Tenant, TenantId
from weir.domain.usage import ArchivedGeneration, Usage, UsageRecord

TENANT = Tenant(tenant_id=TenantId("acme"), namespace_key=b"n" * 32)
PRICE = ModelPrice(prompt_pico_usd=PicoUsd(150_000), completion_pico_usd=PicoUsd(600_000))
USAGE = Usage(cost_nano_usd=NanoUsd(7_350), prompt_tokens=9, completion_tokens=10)


def make_key(**overrides: object) -> ApiKey:
    facts: dict[str, object] = {
        "key_hash": "0f" * 32,
        "tenant": TENANT,
        "kind": KeyKind.INFERENCE,
        "label": "demo",
        "disabled": False,
        "expires_at_ms": None,
        "created_ms": 1_795_000_000_000,
    }
    return ApiKey(**{**facts, **overrides})  # type: ignore[arg-type]  # a builder's overrides


def make_request(**overrides: object) -> ChatRequest:
    facts: dict[str, object] = {
        "body": b"{}",
        "headers": {},
        "models": ("weir/echo",),
        "stream": False,
        "prompt_bytes": 100,
        "messages": 1,
        "media_parts": 0,
        "media_bytes": 0,
        "web_searches": 0,
        "max_tokens": 10,
        "unpriced_feature": None,
    }
    return ChatRequest(**{**facts, **overrides})  # type: ignore[arg-type]  # a builder's overrides


@dataclass
class FakeClock:
    ms: int = 1_795_000_000_000
    pauses: list[int] = field(default_factory=list)

    def now_ms(self) -> int:
        return self.ms

    def pause(self, duration_ms: int) -> None:
        self.pauses.append(duration_ms)
        self.ms += duration_ms


@dataclass
class FakeKeys:
    keys: Mapping[str, ApiKey]
    asked: list[str] = field(default_factory=list)

    def find(self, key_hash: str) -> ApiKey | None:
        self.asked.append(key_hash)
        return self.keys.get(key_hash)


@dataclass
class FakePrices:
    prices: Mapping[str, ModelPrice]

    def price(self, model: str) -> ModelPrice | None:
        return self.prices.get(model)


@dataclass
class FakeReading:
    upstream_generation_id: str | None = None
    usage: Usage | None = None
    model: str | None = None
    provider: str | None = None
    finish_reason: str | None = None


@dataclass
class FakeTranslation:
    """Passes chunks through; b"usage", b"error" and b"complete" are what they say."""

    reading: FakeReading = field(default_factory=FakeReading)
    usage: Usage = USAGE
    ends_cleanly: bool = True
    is_complete: bool = False

    def feed(self, chunk: bytes) -> bytes:
        if chunk == b"complete":
            self.is_complete = True
            return b""
        if chunk == b"usage":
            self.reading.usage = self.usage
        if chunk == b"error":
            raise ProviderError("Provider returned error", cost_is_zero=False)
        return chunk

    def end(self) -> None:
        if not self.ends_cleanly:
            raise ProviderError("ended before it was complete", cost_is_zero=False)

    def ending(self, error: Exception | None) -> bytes:
        return b"[DONE]" if error is None else b"[ERROR]"


@dataclass
class FakeResponse:
    """Yields what it is given; an exception in the list is raised, a callable is called."""

    script: list[object]
    generation_id: str | None = "gen-up"
    closed: bool = False

    def chunks(self) -> Iterator[bytes]:
        for step in self.script:
            if isinstance(step, Exception):
                raise step
            if callable(step):
                step()
            else:
                assert isinstance(step, bytes)
                yield step

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeProvider:
    outcome: FakeResponse | WeirError
    sent: list[ChatRequest] = field(default_factory=list)
    deadlines_ms: list[int] = field(default_factory=list)

    def send(self, request: ChatRequest, *, deadline_ms: int) -> FakeResponse:
        self.sent.append(request)
        self.deadlines_ms.append(deadline_ms)
        if isinstance(self.outcome, WeirError):
            raise self.outcome
        return self.outcome


@dataclass
class FakeArchive:
    """Answers each question with the next entry; the last one for ever."""

    answers: list[Usage | ProviderError | None]
    asked: list[str] = field(default_factory=list)
    model: str | None = None

    def generation(self, upstream_generation_id: str) -> ArchivedGeneration | None:
        self.asked.append(upstream_generation_id)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ProviderError):
            raise answer
        return None if answer is None else ArchivedGeneration(usage=answer, model=self.model)


@dataclass
class FakeCancellations:
    """Answers each question with the next entry; no wish to stop once there is none."""

    answers: list[bool | StoreUnavailableError] = field(default_factory=list)
    asked: list[tuple[TenantId, GenerationId]] = field(default_factory=list)

    def is_cancelled(self, tenant_id: TenantId, generation_id: GenerationId) -> bool:
        self.asked.append((tenant_id, generation_id))
        answer = self.answers.pop(0) if self.answers else False
        if isinstance(answer, StoreUnavailableError):
            raise answer
        return answer


@dataclass
class FakeQueue:
    is_down: bool = False
    records: list[UsageRecord] = field(default_factory=list)

    def put(self, record: UsageRecord) -> None:
        if self.is_down:
            raise StoreUnavailableError("The queue is unavailable.")
        self.records.append(record)


@dataclass
class FakeJournal:
    lines: list[tuple[str, object]] = field(default_factory=list)

    def forwarded(self, *, generation_id: GenerationId, upstream_generation_id: str | None) -> None:
        self.lines.append(("forwarded", upstream_generation_id))

    def refused(self, *, error: WeirError) -> None:
        self.lines.append(("refused", error.status))

    def replayed(self, *, generation_id: GenerationId) -> None:
        self.lines.append(("replayed", generation_id))

    def degraded(self, *, generation_id: GenerationId, reason: str) -> None:
        self.lines.append(("degraded", reason))

    def queued(self, *, generation_id: GenerationId, reason: str) -> None:
        self.lines.append(("queued", reason))

    def unsettled(self, *, generation_id: GenerationId, reason: str) -> None:
        self.lines.append(("unsettled", reason))

    def settled(self, *, record: UsageRecord) -> None:
        self.lines.append(("settled", record.status))


def make_hold(**overrides: object) -> Hold:
    facts: dict[str, object] = {
        "generation_id": GenerationId("gen-1795000000-00abcdefghijklmnopqr"),
        "estimate_nano_usd": NanoUsd(100_000),
        "key_id": "0f0f0f0f",
        "model": "weir/echo",
    }
    return Hold(**{**facts, **overrides})  # type: ignore[arg-type]  # a builder's overrides
