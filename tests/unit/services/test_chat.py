from dataclasses import dataclass, field

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.fakes import (
    PRICE,
    TENANT,
    USAGE,
    FakeArchive,
    FakeClock,
    FakeJournal,
    FakeKeys,
    FakePrices,
    FakeProvider,
    FakeResponse,
    FakeTranslation,
    make_key,
    make_request,
)
from weir.domain.api_keys import key_hash, mint
from weir.domain.errors import (
    InsufficientCreditsError,
    InvalidApiKeyError,
    InvalidRequestError,
    ProviderError,
    WeirError,
)
from weir.domain.requests import ChatRequest
from weir.domain.tenants import Tenant
from weir.domain.usage import RecordStatus
from weir.services.admit import Admission
from weir.services.chat import Answer, Call, Chat
from weir.services.meter import Metering

KEY = mint(random=bytes(range(28)))
DEADLINE_MS = 1_795_000_060_000


@dataclass
class Gateway:
    """A chat service over fakes."""

    outcome: FakeResponse | WeirError = field(
        default_factory=lambda: FakeResponse([b"a", b"usage"])
    )
    credit: int = 10**9
    ledger: FakeLedger = field(default_factory=FakeLedger)

    def answer(self, *, stream: bool = False, bearer: str | None = KEY) -> Answer:
        self.ledger.open_account(TENANT.tenant_id, self.credit)
        self.provider = FakeProvider(self.outcome)
        return self._chat().answer(
            Call(
                bearer=bearer,
                deadline_ms=DEADLINE_MS,
                read=lambda tenant: self.read(tenant, stream=stream),
                translate=lambda _generation_id, _request: FakeTranslation(),
            )
        )

    def read(self, tenant: Tenant, *, stream: bool) -> ChatRequest:
        assert tenant == TENANT
        return make_request(stream=stream)

    def _chat(self) -> Chat:
        return Chat(
            keys=FakeKeys({key_hash(KEY): make_key()}),
            key_prefix="sk-weir-v1-",
            admission=Admission(
                prices=FakePrices({"weir/echo": PRICE}),
                ledger=self.ledger,
                random=bytes,
                lane=0,
            ),
            provider=self.provider,
            metering=Metering(
                ledger=self.ledger,
                archive=FakeArchive([USAGE]),
                clock=FakeClock(),
                journal=FakeJournal(),
                checkpoint_after_ms=2_000,
            ),
        )


def test_a_plain_answer_is_settled_when_it_is_returned() -> None:
    gateway = Gateway()

    answer = gateway.answer()

    assert gateway.ledger.calls == ["reserve", "record", "settle"]
    assert list(answer.body) == [b"ausage[DONE]"]
    assert gateway.provider.deadlines_ms == [DEADLINE_MS]


def test_a_stream_is_settled_when_its_body_ends() -> None:
    gateway = Gateway()

    answer = gateway.answer(stream=True)

    assert gateway.ledger.calls == ["reserve"]
    assert list(answer.body) == [b"a", b"usage", b"[DONE]"]
    assert gateway.ledger.calls == ["reserve", "record", "settle"]


def test_a_stranger_is_refused_before_anything_is_read() -> None:
    gateway = Gateway()

    with pytest.raises(InvalidApiKeyError):
        gateway.answer(bearer="nonsense")

    assert gateway.ledger.calls == []
    assert gateway.provider.sent == []


def test_a_malformed_request_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway()

    def refuse(tenant: Tenant, *, stream: bool) -> ChatRequest:
        raise InvalidRequestError("model is missing")

    monkeypatch.setattr(gateway, "read", refuse)

    with pytest.raises(InvalidRequestError):
        gateway.answer()

    assert gateway.ledger.calls == []


def test_nothing_is_sent_when_credit_is_short() -> None:
    gateway = Gateway(credit=1)

    with pytest.raises(InsufficientCreditsError) as caught:
        gateway.answer()

    assert gateway.provider.sent == []
    assert caught.value.generation_id is None


@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_refusal_is_recorded_at_no_cost_and_names_our_generation(
    *, stream: bool
) -> None:
    gateway = Gateway(outcome=ProviderError("Provider returned error", cost_is_zero=True))

    with pytest.raises(ProviderError) as caught:
        gateway.answer(stream=stream)

    (record,) = gateway.ledger.records()
    assert record.status is RecordStatus.FAILED
    assert caught.value.generation_id == record.generation_id
    assert gateway.ledger.account(TENANT.tenant_id).holds == {}


def test_a_plain_answer_that_breaks_is_settled_and_raised() -> None:
    gateway = Gateway(outcome=FakeResponse([b"a", ProviderError("cut", cost_is_zero=False)]))

    with pytest.raises(ProviderError) as caught:
        gateway.answer()

    (record,) = gateway.ledger.records()
    assert (record.status, record.usage) == (RecordStatus.INTERRUPTED, USAGE)
    assert caught.value.generation_id == record.generation_id


def test_no_hold_stays_when_something_unforeseen_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway()

    def fail(*_: object, **__: object) -> FakeResponse:
        raise RecursionError

    monkeypatch.setattr(FakeProvider, "send", fail)

    with pytest.raises(RecursionError):
        gateway.answer()

    (record,) = gateway.ledger.records()
    assert record.status is RecordStatus.UNKNOWN
    assert gateway.ledger.account(TENANT.tenant_id).holds == {}
