"""Which answers are kept, which keys are freed, and what whoever asks again is told."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from tests.support.fake_answers import FakeAnswers
from tests.support.fakes import TENANT, FakeClock, FakeJournal
from weir.domain.answers import KEPT_MS, MAX_KEPT_BYTES, Answer, Claim, Reply
from weir.domain.errors import (
    ConflictError,
    InsufficientCreditsError,
    ProviderError,
    StoreUnavailableError,
    UnprocessableError,
    WeirError,
)
from weir.domain.generations import GenerationId
from weir.domain.tenants import Tenant, TenantId
from weir.services.idempotency import Idempotency

GENERATION_ID = GenerationId("gen-1795000000-00abcdefghijklmnopqr")
LIFE_MS = 960_000
HEADERS = {"Content-Type": "text/event-stream", "X-Generation-Id": GENERATION_ID}
OTHER_TENANT = replace(TENANT, tenant_id=TenantId("globex"), namespace_key=b"m" * 32)


@dataclass
class Desk:
    """Keys are claimed here; each claim has another owner."""

    answers: FakeAnswers = field(default_factory=FakeAnswers)
    clock: FakeClock = field(default_factory=FakeClock)
    journal: FakeJournal = field(default_factory=FakeJournal)
    owners: Iterator[int] = field(default_factory=lambda: iter(range(100)))

    @property
    def service(self) -> Idempotency:
        return Idempotency(
            answers=self.answers,
            clock=self.clock,
            journal=self.journal,
            random=lambda count: next(self.owners).to_bytes(count),
            claim_life_ms=LIFE_MS,
        )

    def ask(self, *, tenant: Tenant = TENANT, digest: bytes = b"request") -> Claim | Reply:
        return self.service.claim(tenant, key="order-17", digest=digest)

    def claimed(self) -> Claim:
        claim = self.ask()
        assert isinstance(claim, Claim)
        return claim

    def replayed(self) -> Reply:
        reply = self.ask()
        assert isinstance(reply, Reply)
        return reply

    def stream(self, claim: Claim, *pieces: bytes) -> Iterator[bytes]:
        """The body of a kept stream; the request is over before its last piece."""
        left = list(pieces)

        def body() -> Iterator[bytes]:
            while left:
                yield left.pop(0)

        answer = Answer(
            generation_id=GENERATION_ID,
            model="weir/echo",
            stream=True,
            body=body(),
            is_over=lambda: not left,
        )
        reply = Reply(status=200, headers=HEADERS, body=answer.body)
        return iter(self.service.keeping(claim, reply=reply, answer=answer).body)

    def fail(self, claim: Claim, error: WeirError, *, body: bytes = b"{}") -> None:
        error.generation_id = GENERATION_ID
        reply = Reply(status=error.status, headers={"Retry-After": "7"}, body=(body,))
        self.service.failed(claim, error=error, reply=reply)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_stream_is_replayed_as_it_was_sent(desk: Desk) -> None:
    sent = list(desk.stream(desk.claimed(), b"data: 1\n", b"\ndata: 2\n\n", b"data: [DONE]\n\n"))

    again = desk.replayed()

    assert again.status == 200
    assert again.headers == {**HEADERS, "Idempotent-Replayed": "true"}
    assert list(again.body) == [b"data: 1\n\n", b"data: 2\n\n", b"data: [DONE]\n\n"]
    assert b"".join(sent) == b"data: 1\n\ndata: 2\n\ndata: [DONE]\n\n"
    assert desk.journal.lines == [("replayed", HEADERS["X-Generation-Id"])]


def test_an_answer_is_kept_before_its_last_piece_is_sent(desk: Desk) -> None:
    body = desk.stream(desk.claimed(), b"data: 1\n\n", b"data: [DONE]\n\n")

    next(body)
    with pytest.raises(ConflictError):
        desk.ask()
    last = next(body)

    assert last == b"data: [DONE]\n\n"
    assert desk.replayed().status == 200


def test_the_rest_is_read_and_kept_when_the_client_leaves(desk: Desk) -> None:
    body = desk.stream(desk.claimed(), b"data: 1\n\n", b"data: 2\n\n", b"data: [DONE]\n\n")
    next(body)

    body.close()  # type: ignore[attr-defined]  # it is a generator

    assert list(desk.replayed().body) == [b"data: 1\n\n", b"data: 2\n\n", b"data: [DONE]\n\n"]


def test_whoever_comes_while_it_is_in_flight_is_asked_to_come_back(desk: Desk) -> None:
    desk.claimed()

    with pytest.raises(ConflictError) as caught:
        desk.ask()

    assert caught.value.retry_after_s == 2


def test_a_key_that_was_used_for_another_request_is_refused(desk: Desk) -> None:
    list(desk.stream(desk.claimed(), b"data: [DONE]\n\n"))

    with pytest.raises(UnprocessableError):
        desk.ask(digest=b"another request")


def test_another_tenant_may_use_the_same_key(desk: Desk) -> None:
    desk.claimed()

    assert isinstance(desk.ask(tenant=OTHER_TENANT), Claim)


def test_an_answer_is_forgotten_after_a_day(desk: Desk) -> None:
    list(desk.stream(desk.claimed(), b"data: [DONE]\n\n"))

    desk.clock.ms += KEPT_MS - 1
    assert desk.replayed().status == 200
    desk.clock.ms += 1
    assert isinstance(desk.ask(), Claim)


def test_a_crash_leaves_the_key_claimed_until_no_request_can_be_alive(desk: Desk) -> None:
    desk.claimed()

    desk.clock.ms += LIFE_MS - 1
    with pytest.raises(ConflictError):
        desk.ask()
    desk.clock.ms += 1
    assert isinstance(desk.ask(), Claim)


def test_a_slow_owner_cannot_overwrite_the_answer_of_whoever_took_over(desk: Desk) -> None:
    slow = desk.claimed()
    desk.clock.ms += LIFE_MS
    list(desk.stream(desk.claimed(), b"data: new\n\n"))

    late = list(desk.stream(slow, b"data: late\n\n"))

    assert late == [b"data: late\n\n"]
    assert desk.journal.lines == [
        ("degraded", "idempotency: the claim had lapsed before the answer was there")
    ]
    assert list(desk.replayed().body) == [b"data: new\n\n"]


@pytest.mark.parametrize(
    "error",
    [
        InsufficientCreditsError("no credit"),
        StoreUnavailableError("down"),
        ProviderError("refused", cost_is_zero=True, status=429),
    ],
)
def test_the_key_is_free_again_when_certainly_nothing_was_charged(
    desk: Desk, error: WeirError
) -> None:
    desk.fail(desk.claimed(), error)

    assert isinstance(desk.ask(), Claim)


def test_the_key_is_free_again_when_upstream_failed_before_anything_was_sent(desk: Desk) -> None:
    """As when it could not be asked for a price."""
    claim = desk.claimed()
    error = ProviderError("no answer", cost_is_zero=False)

    desk.service.failed(claim, error=error, reply=Reply(status=502, headers={}, body=(b"{}",)))

    assert isinstance(desk.ask(), Claim)


def test_an_error_that_may_have_cost_money_is_replayed(desk: Desk) -> None:
    desk.fail(desk.claimed(), ProviderError("cut", cost_is_zero=False), body=b'{"error":{}}')

    again = desk.replayed()

    assert (again.status, list(again.body)) == (502, [b'{"error":{}}'])
    assert again.headers == {"Retry-After": "7", "Idempotent-Replayed": "true"}


@pytest.mark.parametrize("pieces", [2, 3])
def test_an_answer_that_is_too_large_is_sent_but_not_kept(desk: Desk, pieces: int) -> None:
    piece = bytes(MAX_KEPT_BYTES // 2 + 1)

    sent = list(desk.stream(desk.claimed(), *[piece] * pieces))

    assert len(sent) == pieces
    with pytest.raises(ConflictError, match="too large") as caught:
        desk.ask()
    assert caught.value.retry_after_s is None


def test_the_largest_answer_there_may_be_is_kept(desk: Desk) -> None:
    list(desk.stream(desk.claimed(), bytes(MAX_KEPT_BYTES)))

    assert len(b"".join(desk.replayed().body)) == MAX_KEPT_BYTES


def test_nothing_starts_when_nobody_knows_whether_the_key_is_free(desk: Desk) -> None:
    desk.answers.failing.add("claim")

    with pytest.raises(StoreUnavailableError):
        desk.ask()


def test_the_answer_goes_out_when_it_cannot_be_kept(desk: Desk) -> None:
    desk.answers.failing.add("keep")

    sent = list(desk.stream(desk.claimed(), b"data: 1\n\n", b"data: [DONE]\n\n"))

    assert sent == [b"data: 1\n\n", b"data: [DONE]\n\n"]
    assert desk.journal.lines == [("degraded", "idempotency: The answers are out of reach.")]
    with pytest.raises(ConflictError):
        desk.ask()


def test_a_key_that_cannot_be_freed_lapses(desk: Desk) -> None:
    desk.answers.failing.add("release")

    desk.fail(desk.claimed(), InsufficientCreditsError("no credit"))

    assert desk.journal.lines == [("degraded", "idempotency: The answers are out of reach.")]
    with pytest.raises(ConflictError):
        desk.ask()
    desk.clock.ms += LIFE_MS
    assert isinstance(desk.ask(), Claim)
