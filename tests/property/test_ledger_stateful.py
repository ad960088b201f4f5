"""The ledger agrees with its model whatever happens; a ledger with one rule taken out does not.

Each mutant must fail on the same machine, or the machine proves little. (Each limit of an account
is met exactly in `tests/contract/test_ledger.py`.)
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.ledger_machine import LedgerMachine
from tests.support.ledger_tables import embedded_dynamodb
from weir.adapters.dynamodb import accounts, usage
from weir.adapters.dynamodb import credits as credit_writes
from weir.domain.holds import Hold
from weir.domain.usage import UsageRecord
from weir.services import sweep as sweep_service

SETTINGS = settings(
    max_examples=20,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def _dynamodb() -> Iterator[None]:
    with embedded_dynamodb() as client:
        LedgerMachine.client = client
        yield


def test_ledger_agrees_with_the_model_when_anything_happens() -> None:
    run_state_machine_as_test(LedgerMachine, settings=SETTINGS)


Mutation = Callable[[pytest.MonkeyPatch], None]


def replaced(module: Any, name: str, old: str, new: str) -> Mutation:
    """Change one expression of the ledger."""

    def mutate(monkeypatch: pytest.MonkeyPatch) -> None:
        expression = getattr(module, name)
        assert old in expression, "the mutant has lost its target"
        monkeypatch.setattr(module, name, expression.replace(old, new))

    return mutate


def settle_with_own_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    stored_first = usage.put_record

    def own(db: Any, *, table: str, record: UsageRecord) -> UsageRecord:
        stored_first(db, table=table, record=record)
        return record

    monkeypatch.setattr("weir.adapters.dynamodb.ledger.put_record", own)


def refund_to_the_month_of_the_settlement(monkeypatch: pytest.MonkeyPatch) -> None:
    original = accounts._settle_payload

    def current(account_id: Any, hold: Hold, cost: Any, stale: Any) -> Any:
        payload = original(account_id, hold, cost, stale)
        payload["ExpressionAttributeNames"]["#m"] = "m2701"
        payload["UpdateExpression"] = payload["UpdateExpression"].replace(
            "#m = #m", "#m = if_not_exists(#m, mlim)"
        )
        return payload

    monkeypatch.setattr(accounts, "_settle_payload", current)


def sweep_with_own_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    original: Any = sweep_service._Repair.__init__

    class Deaf:
        def __init__(self, ledger: Any) -> None:
            self.settle = ledger.settle
            self.stored = ledger.record

        def record(self, tenant_id: Any, *, record: UsageRecord) -> UsageRecord:
            self.stored(tenant_id, record=record)
            return record

    def with_own_cost(repair: Any, ledger: Any, **ports: Any) -> None:
        original(repair, Deaf(ledger), **ports)

    monkeypatch.setattr(sweep_service._Repair, "__init__", with_own_cost)


def current_minute_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weir.adapters.dynamodb.counters._KEPT_MINUTES", -1)


ALWAYS = "attribute_exists(pk)"
MUTANTS: dict[str, Mutation] = {
    "hold twice": replaced(accounts, "ADMITTED", accounts.HOLD_IS_NEW, ALWAYS),
    "hold nothing of the month": replaced(accounts, "RESERVE", "mlim) - :estimate", "mlim)"),
    "settle without an open hold": replaced(
        accounts, "HOLD_IS_OPEN", accounts.HOLD_IS_OPEN, ALWAYS
    ),
    "settle with own cost": settle_with_own_cost,
    "sweep with own cost": sweep_with_own_cost,
    "record over a record": replaced(
        usage, "RECORD_IS_NEW", usage.RECORD_IS_NEW, "attribute_not_exists(nothing)"
    ),
    "refund to another month": refund_to_the_month_of_the_settlement,
    "spend on no day": replaced(accounts, "SETTLE", "#c, :zero) + :cost", "#c, :zero) + :zero"),
    "grant twice": replaced(credit_writes, "GRANT_IS_NEW", credit_writes.GRANT_IS_NEW, ALWAYS),
    "forget the current minute": current_minute_is_removed,
}


@pytest.mark.parametrize("name", MUTANTS)
def test_machine_fails_when_the_ledger_is_a_mutant(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    MUTANTS[name](monkeypatch)
    quick = settings(SETTINGS, max_examples=50, phases=[Phase.generate], print_blob=False)

    with pytest.raises(Exception) as failure:
        run_state_machine_as_test(LedgerMachine, settings=quick)

    assert not isinstance(failure.value, NotImplementedError)
