"""The story of a chat request: who may ask, what is sent, and what is left when it is over."""

import pytest

from tests.support.chat_gateway import DEADLINE_MS, Gateway
from tests.support.fakes import (
    TENANT,
    USAGE,
    FakeProvider,
    FakeResponse,
)
from weir.domain.errors import (
    InsufficientCreditsError,
    InvalidApiKeyError,
    InvalidRequestError,
    ProviderError,
)
from weir.domain.requests import ChatRequest
from weir.domain.tenants import Tenant
from weir.domain.usage import RecordStatus


def test_a_plain_answer_is_settled_when_it_is_returned() -> None:
    gateway = Gateway()

    reply = gateway.answer()

    assert gateway.ledger.calls == ["reserve", "record", "settle"]
    assert list(reply.body) == [b"ausage[DONE]"]
    assert gateway.provider.deadlines_ms == [DEADLINE_MS]


def test_a_stream_is_settled_when_its_body_ends() -> None:
    gateway = Gateway()

    reply = gateway.answer(stream=True)

    assert gateway.ledger.calls == ["reserve"]
    assert list(reply.body) == [b"a", b"usage", b"[DONE]"]
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
    assert gateway.answers.calls == []
