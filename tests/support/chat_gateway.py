"""The chat service over fakes, for tests of its story."""

from dataclasses import dataclass, field

from tests.support.fake_answers import FakeAnswers
from tests.support.fake_ledger import FakeLedger
from tests.support.fakes import (
    PRICE,
    TENANT,
    USAGE,
    FakeArchive,
    FakeCancellations,
    FakeClock,
    FakeJournal,
    FakeKeys,
    FakePrices,
    FakeProvider,
    FakeQueue,
    FakeResponse,
    FakeTranslation,
    make_key,
    make_request,
)
from tests.support.metering import make_metering
from weir.domain.answers import Answer, Reply
from weir.domain.api_keys import key_hash, mint
from weir.domain.errors import (
    WeirError,
)
from weir.domain.requests import ChatRequest
from weir.domain.tenants import Tenant
from weir.services.admit import Admission
from weir.services.chat import Call, Chat
from weir.services.idempotency import Idempotency

KEY = mint(random=bytes(range(28)))
DEADLINE_MS = 1_795_000_060_000


def reply_to(answer: Answer) -> Reply:
    return Reply(status=200, headers={"X-Generation-Id": answer.generation_id}, body=answer.body)


def reply_to_error(error: WeirError) -> Reply:
    return Reply(status=error.status, headers={}, body=(error.message.encode(),))


@dataclass
class Gateway:
    """A chat service over fakes."""

    outcome: FakeResponse | WeirError = field(
        default_factory=lambda: FakeResponse([b"a", b"usage"])
    )
    credit: int = 10**9
    ledger: FakeLedger = field(default_factory=FakeLedger)
    answers: FakeAnswers = field(default_factory=FakeAnswers)
    clock: FakeClock = field(default_factory=FakeClock)
    serial: int = 0

    def __post_init__(self) -> None:
        self.ledger.open_tenant_account(TENANT.tenant_id, credit_nano_usd=self.credit)
        self.provider = FakeProvider(self.outcome)

    def answer(
        self,
        *,
        stream: bool = False,
        bearer: str | None = KEY,
        idempotency_key: str | None = None,
        digest: bytes = b"request",
    ) -> Reply:
        return self._chat().answer(
            Call(
                bearer=bearer,
                deadline_ms=DEADLINE_MS,
                idempotency_key=idempotency_key,
                digest=lambda: digest,
                read=lambda tenant: self.read(tenant, stream=stream),
                translate=lambda _generation_id, _request, _plan: FakeTranslation(),
                reply=reply_to,
                error_reply=reply_to_error,
            )
        )

    def read(self, tenant: Tenant, *, stream: bool) -> ChatRequest:
        assert tenant == TENANT
        return make_request(stream=stream)

    def random(self, count: int) -> bytes:
        """Bytes that no other call returns."""
        self.serial += 1
        return self.serial.to_bytes(count)

    def _chat(self) -> Chat:
        journal = FakeJournal()
        return Chat(
            keys=FakeKeys({key_hash(KEY): make_key()}),
            key_prefix="sk-weir-v1-",
            idempotency=Idempotency(
                answers=self.answers,
                clock=self.clock,
                journal=journal,
                random=self.random,
                claim_life_ms=960_000,
            ),
            admission=Admission(
                prices=FakePrices({"weir/echo": PRICE}),
                ledger=self.ledger,
                journal=journal,
                random=self.random,
                lane=0,
            ),
            provider=self.provider,
            metering=make_metering(
                self.ledger,
                archive=FakeArchive([USAGE]),
                clock=self.clock,
                journal=journal,
                queue=FakeQueue(),
                cancellations=FakeCancellations(),
            ),
        )
