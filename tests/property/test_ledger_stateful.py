"""The ledger agrees with its model whatever happens; a ledger with one rule taken out does not.

Each mutant must fail on the same machine, or the machine proves little. (Each limit of an account
is met exactly in `tests/contract/test_ledger.py`.)
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.ledger_machine import LedgerMachine
from tests.support.ledger_tables import embedded_dynamodb
from weir.adapters.dynamodb import (
    accounts,
    adjustments,
    folds,
    holds,
    limits,
    transfers,
    usage,
)
from weir.adapters.dynamodb import credits as credit_writes
from weir.domain.holds import Hold
from weir.domain.usage import UsageRecord
from weir.services import settlement
from weir.services import sweep as sweep_service

# Many seeds of few stories each: within a seed, Hypothesis mostly varies the story before.
STORIES = settings(
    max_examples=4,
    stateful_step_count=20,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def _dynamodb() -> Iterator[None]:
    with embedded_dynamodb() as client:
        LedgerMachine.client = client
        yield


SEEDS = (*range(4), *(pytest.param(number, marks=pytest.mark.chaos) for number in range(4, 20)))


@pytest.mark.parametrize("number", SEEDS)
def test_ledger_agrees_with_the_model_when_anything_happens(number: int) -> None:
    run_state_machine_as_test(seed(number)(LedgerMachine), settings=STORIES)


Mutation = Callable[[pytest.MonkeyPatch], None]


def replaced(module: Any, name: str, old: str, new: str) -> Mutation:
    """Change one expression of the ledger."""

    def mutate(monkeypatch: pytest.MonkeyPatch) -> None:
        expression = getattr(module, name)
        assert old in expression, "the mutant has lost its target"
        monkeypatch.setattr(module, name, expression.replace(old, new))

    return mutate


def unconditional(name: str) -> Mutation:
    """Remove a hold whether it is open or not."""

    def mutate(monkeypatch: pytest.MonkeyPatch) -> None:
        payload = getattr(holds, name)

        def blind(*arguments: Any) -> Any:
            made = payload(*arguments)
            values = {k: v for k, v in made["ExpressionAttributeValues"].items() if k != ":period"}
            return {
                **made,
                "ConditionExpression": ALWAYS,
                "ExpressionAttributeValues": values,
            }

        monkeypatch.setattr(holds, name, blind)

    return mutate


def settle_with_own_price(monkeypatch: pytest.MonkeyPatch) -> None:
    stored_first = usage.put_record

    def own(db: Any, *, table: str, record: UsageRecord) -> UsageRecord:
        stored_first(db, table=table, record=record)
        return record

    monkeypatch.setattr("weir.adapters.dynamodb.ledger.put_record", own)


def sweep_with_own_price(monkeypatch: pytest.MonkeyPatch) -> None:
    class Deaf:
        def __init__(self, ledger: Any) -> None:
            self.settle = ledger.settle
            self.held = ledger.held
            self.stored = ledger.record

        def record(self, record: UsageRecord) -> UsageRecord:
            self.stored(record)
            return record

    def deaf(ledger: Any, record: UsageRecord, **more: Any) -> Any:
        return settlement.settle_record(Deaf(ledger), record, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(sweep_service, "settle_record", deaf)


def refund_to_another_period(monkeypatch: pytest.MonkeyPatch) -> None:
    names = holds._names

    def current(hold: Hold) -> dict[str, str]:
        return {**names(hold), "#p": "pm2703"}

    monkeypatch.setattr(holds, "_names", current)


def current_minute_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weir.adapters.dynamodb.counters._KEPT_MINUTES", -1)


ALWAYS = "attribute_exists(pk)"
NEW_FOR_EVER = "attribute_not_exists(nothing)"
MUTANTS: dict[str, Mutation] = {
    "hold twice": replaced(accounts, "ADMITTED", accounts.HOLD_IS_NEW, ALWAYS),
    "hold nothing of the limit": replaced(accounts, "RESERVE", "lim) - :estimate", "lim)"),
    "hold in a guessed period": replaced(
        accounts, "ADMITTED", accounts.PERIOD_IS_AS_GUESSED, f"({ALWAYS} OR per = :period)"
    ),
    "settle without an open hold": unconditional("_settlement"),
    "release without an open hold": unconditional("_undoing"),
    "settle with own price": settle_with_own_price,
    "sweep with own price": sweep_with_own_price,
    "record over a record": replaced(usage, "RECORD_IS_NEW", usage.RECORD_IS_NEW, NEW_FOR_EVER),
    "refund to another period": refund_to_another_period,
    "spend on no day": replaced(holds, "SETTLE", "#c, :zero) + :price", "#c, :zero) + :zero"),
    "forget the current minute": current_minute_is_removed,
    "grant twice": replaced(
        credit_writes, "GRANT_IS_NEW", credit_writes.GRANT_IS_NEW, NEW_FOR_EVER
    ),
    "transfer twice": replaced(
        transfers, "TRANSFER_IS_NEW", transfers.TRANSFER_IS_NEW, NEW_FOR_EVER
    ),
    "transfer what is held": replaced(
        transfers, "SOURCE_COVERS_AMOUNT", "avail >= :amount", "credit >= :amount"
    ),
    "adjust twice": replaced(
        adjustments, "IS_UNKNOWN_AND_UNADJUSTED", " AND attribute_not_exists(aj)", ""
    ),
    "charge no limit": replaced(adjustments, "CHARGE", "lim) - :price", "lim) - :zero"),
    "fold without a sum": replaced(folds, "FOLD", "f + :price", "f + :requests"),
    "raise no remainder": replaced(
        limits, "MOVE_REMAINDER", "#p = #p + :remainder", "seq = seq + :remainder - :remainder"
    ),
}


# These seven die at once; the others take longer to be found, in `make chaos`.
QUICK_MUTANTS = {
    "hold twice",
    "hold nothing of the limit",
    "release without an open hold",
    "settle with own price",
    "refund to another period",
    "grant twice",
    "transfer twice",
}
# Where the search for a mutant's failure begins: seeds that once were quick; any may find it.
QUICK_SEEDS = {
    "charge no limit": 11,
    "adjust twice": 11,
    "fold without a sum": 4,
    "sweep with own price": 2,
    "settle without an open hold": 4,
    "raise no remainder": 1,
}


@pytest.mark.parametrize(
    "name",
    [
        name if name in QUICK_MUTANTS else pytest.param(name, marks=pytest.mark.chaos)
        for name in MUTANTS
    ],
)
def test_machine_fails_when_the_ledger_is_a_mutant(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    MUTANTS[name](monkeypatch)
    quick = settings(STORIES, phases=[Phase.generate], print_blob=False)

    def stories() -> None:
        for number in (QUICK_SEEDS.get(name, 3), *range(30)):
            run_state_machine_as_test(seed(number)(LedgerMachine), settings=quick)

    with pytest.raises(Exception) as failure:
        stories()

    assert not isinstance(failure.value, NotImplementedError)
