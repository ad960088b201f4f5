"""The wire of a cancellation: the id comes from the path, the key from the header."""

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_steps import reserve
from tests.support.ledger_values import ACME
from tests.support.requests import body_of, request
from weir.domain.generations import GenerationId
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord
from weir.http.cancel import CancelEndpoint
from weir.services.cancel import Cancelling


class Desk:
    """No request has a record; the last wish is remembered."""

    asked: tuple[TenantId, GenerationId, int]

    def find(self, _tenant_id: TenantId, _generation_id: GenerationId) -> UsageRecord | None:
        return None

    def cancel(self, tenant_id: TenantId, generation_id: GenerationId, *, now_ms: int) -> None:
        self.asked = (tenant_id, generation_id, now_ms)


def test_the_answer_names_the_generation_that_is_asked_to_stop() -> None:
    ledger, desk = FakeLedger(), Desk()
    ledger.open_tenant_account(ACME, credit_nano_usd=10_000)
    named = reserve(ledger).generation_id
    cancelling = Cancelling(ledger=ledger, records=desk, requests=desk)
    asked = request(path={"id": named})

    reply = CancelEndpoint(cancelling=cancelling).respond(asked)

    assert body_of(reply) == {"data": {"id": named, "cancelled": True}}
    assert desk.asked == (ACME, named, asked.now_ms)
