"""The wire of a cancellation: the id comes from the path, the key from the header."""

from tests.support.fake_ledger import FakeLedger
from tests.support.fakes import FakeClock, FakeKeys, make_key
from tests.support.ledger_steps import reserve
from tests.support.ledger_values import ACME
from weir.domain.api_keys import key_hash, mint
from weir.domain.generations import GenerationId
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord
from weir.http.cancel import CancelEndpoint
from weir.services.cancel import Cancelling

KEY = mint(random=bytes(28))


class Desk:
    """No request has a record; the last wish is remembered."""

    asked: tuple[TenantId, GenerationId, int]

    def find(self, _tenant_id: TenantId, _generation_id: GenerationId) -> UsageRecord | None:
        return None

    def cancel(self, tenant_id: TenantId, generation_id: GenerationId, *, now_ms: int) -> None:
        self.asked = (tenant_id, generation_id, now_ms)


def test_the_answer_names_the_generation_that_is_asked_to_stop() -> None:
    ledger, desk, clock = FakeLedger(), Desk(), FakeClock()
    ledger.open_tenant_account(ACME, credit_nano_usd=10_000)
    named = reserve(ledger).generation_id
    cancelling = Cancelling(
        keys=FakeKeys({key_hash(KEY): make_key(key_hash=key_hash(KEY))}),
        key_prefix="sk-weir-v1-",
        ledger=ledger,
        records=desk,
        requests=desk,
    )

    answer = CancelEndpoint(cancelling=cancelling, clock=clock).respond(
        {"headers": {"Authorization": f"Bearer {KEY}"}, "pathParameters": {"id": named}}
    )

    assert answer == {"data": {"id": named, "cancelled": True}}
    assert desk.asked == (ACME, named, clock.ms)
