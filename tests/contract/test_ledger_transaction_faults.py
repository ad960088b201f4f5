"""What moves credit by a transaction, under every fault: a repetition finds it done, or does it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.retries.standard import ExponentialBackoff

from tests.support.faults import ENDINGS, Faults
from tests.support.ledger_books import LedgerBooks
from tests.support.ledger_steps import reserve
from tests.support.ledger_tables import Tables, embedded_dynamodb, new_tables
from tests.support.ledger_values import ACME, NOON_MS, make_adjustment, make_record
from weir.domain.money import NanoUsd
from weir.domain.usage import RecordStatus
from weir.services.audit import audit
from weir.services.settlement import settle_record


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made:
        yield made


@pytest.fixture
def made(client: Any, monkeypatch: pytest.MonkeyPatch) -> Tables:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)
    return new_tables(client)


def granted(ledger: LedgerBooks) -> object:
    return ledger.grant(ACME, amount_nano_usd=600, reference="p", lanes=2, now_ms=NOON_MS)


def moved(ledger: LedgerBooks) -> object:
    return ledger.transfer(ACME, transfer_id="x", source=0, target=1, amount=NanoUsd(600))


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize(
    ("write", "expected"), [(granted, {1_300}), (moved, {400, 1_600})], ids=["grant", "transfer"]
)
def test_credit_moves_once_when_a_transaction_fails_and_is_repeated(
    made: Tables, write: Callable[[LedgerBooks], object], expected: set[int], kind: str
) -> None:
    ledger = made.ledger()
    ledger.open_tenant_account(ACME, credit_nano_usd=2_000, lanes=2)

    ended = Faults({0: kind}).play(made.client, lambda: write(ledger))
    write(ledger)

    assert ended == ENDINGS[kind]
    assert {account.credit_nano_usd for account in ledger.accounts()} == expected
    assert audit(ledger, swept=True).violations == ()


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("call", range(2), ids=["read", "transaction"])
def test_price_is_adjusted_once_when_a_call_fails_and_it_is_repeated(
    made: Tables, call: int, kind: str
) -> None:
    ledger = made.ledger()
    ledger.open_tenant_account(ACME, credit_nano_usd=2_000)
    record = make_record(reserve(ledger), cost=0, status=RecordStatus.UNKNOWN)
    settle_record(ledger, record, holds={}, now_ms=NOON_MS)

    for cost in (300, 300):
        found = make_adjustment(record, cost=cost)
        Faults({call: kind}).play(made.client, lambda: ledger.adjust(found))  # noqa: B023 - at once
    ledger.adjust(make_adjustment(record, cost=300))

    assert {account.spent_nano_usd for account in ledger.accounts()} == {300}
    assert len(list(ledger.records())) == 2
    assert audit(ledger, swept=True).violations == ()
