"""A request that is sent twice under one key: one charge, one upstream call, one answer."""

import pytest

from tests.support.chat_gateway import Gateway
from tests.support.fakes import (
    TENANT,
    FakeProvider,
    FakeResponse,
)
from weir.domain.errors import (
    ConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    ProviderError,
    StoreUnavailableError,
    UnprocessableError,
)
from weir.domain.requests import ChatRequest
from weir.domain.tenants import Tenant


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_replayed_free_of_charge_when_the_key_is_sent_again(*, stream: bool) -> None:
    gateway = Gateway()
    first = gateway.answer(stream=stream, idempotency_key="order-17")
    sent = b"".join(first.body)

    again = gateway.answer(stream=stream, idempotency_key="order-17")

    assert b"".join(again.body) == sent == b"ausage[DONE]"
    assert again.headers == {**first.headers, "Idempotent-Replayed": "true"}
    assert len(gateway.provider.sent) == 1
    assert len(list(gateway.ledger.records())) == 1


def test_a_request_in_flight_is_not_started_twice() -> None:
    gateway = Gateway()
    gateway.answer(stream=True, idempotency_key="order-17")

    with pytest.raises(ConflictError):
        gateway.answer(stream=True, idempotency_key="order-17")

    assert len(gateway.provider.sent) == 1


def test_another_request_under_the_same_key_is_refused_and_not_sent() -> None:
    gateway = Gateway()
    list(gateway.answer(idempotency_key="order-17").body)

    with pytest.raises(UnprocessableError):
        gateway.answer(idempotency_key="order-17", digest=b"another")

    assert len(gateway.provider.sent) == 1


def test_a_refused_request_starts_afresh_when_it_is_sent_again() -> None:
    gateway = Gateway(credit=1)
    with pytest.raises(InsufficientCreditsError):
        gateway.answer(idempotency_key="order-17")
    gateway.ledger.grant(
        TENANT.tenant_id, amount_nano_usd=10**9, reference="r", lanes=1, now_ms=gateway.clock.ms
    )

    reply = gateway.answer(idempotency_key="order-17")

    assert list(reply.body) == [b"ausage[DONE]"]


def test_an_answer_that_broke_is_raised_and_replayed_when_it_is_asked_for_again() -> None:
    gateway = Gateway(outcome=FakeResponse([b"a", ProviderError("cut", cost_is_zero=False)]))
    with pytest.raises(ProviderError):
        gateway.answer(idempotency_key="order-17")

    again = gateway.answer(idempotency_key="order-17")

    assert (again.status, list(again.body)) == (502, [b"cut"])
    assert len(gateway.provider.sent) == 1


def test_nothing_is_sent_when_the_key_cannot_be_claimed() -> None:
    gateway = Gateway()
    gateway.answers.failing.add("claim")

    with pytest.raises(StoreUnavailableError):
        gateway.answer(idempotency_key="order-17")

    assert (gateway.provider.sent, gateway.ledger.calls) == ([], [])


def test_a_malformed_request_claims_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway()

    def refuse(tenant: Tenant, *, stream: bool) -> ChatRequest:
        raise InvalidRequestError("model is missing")

    monkeypatch.setattr(gateway, "read", refuse)

    with pytest.raises(InvalidRequestError):
        gateway.answer(idempotency_key="order-17")

    assert gateway.answers.calls == []


def test_an_unforeseen_fault_leaves_the_key_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway()

    def fail(*_: object, **__: object) -> FakeResponse:
        raise RecursionError

    monkeypatch.setattr(FakeProvider, "send", fail)
    with pytest.raises(RecursionError):
        gateway.answer(idempotency_key="order-17")

    with pytest.raises(ConflictError):
        gateway.answer(idempotency_key="order-17")
