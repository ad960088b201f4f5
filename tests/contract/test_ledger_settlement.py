"""The contract of the ledger's ports after the upstream call: checkpoint, record, settle."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.ledger_steps import ACCOUNT, Ledger, finish, only_account, reserve
from tests.support.ledger_tables import embedded_dynamodb, new_tables
from tests.support.ledger_values import (
    ACME,
    NOON_MS,
    make_hold,
    make_record,
    new_id,
)
from weir.domain.accounts import AccountId
from weir.domain.holds import Level
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId
from weir.domain.usage import RecordSource, RecordStatus, Usage
from weir.services.audit import audit

MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with embedded_dynamodb() as made:
        yield made


@pytest.fixture(params=["fake", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "fake":
        return FakeLedger()
    return new_tables(request.getfixturevalue("client")).ledger()


class TestCheckpoint:
    @pytest.mark.parametrize(
        "upstream",
        [
            "gen-1795003203-AbCdEfGhIjKlMnOpQrSt",
            "gen-1795003199-AbCdEfGhIjKlMnOpQrSt",
            "chatcmpl;odd%3B^1-id é",
            "^1-AbCdEfGhIjKlMnOpQrSt",
        ],
    )
    def test_hold_names_upstreams_id_when_it_is_open(self, ledger: Ledger, upstream: str) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        hold = reserve(ledger)

        ledger.checkpoint(ACME, hold=hold, upstream_generation_id=upstream)

        expected = replace(hold, upstream_generation_id=upstream)
        assert only_account(ledger).holds == {hold.generation_id: expected}

    def test_hold_stays_gone_when_it_was_settled(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        hold = reserve(ledger)
        finish(ledger, hold, cost=1)
        before = only_account(ledger)

        ledger.checkpoint(ACME, hold=hold, upstream_generation_id="gen-x")
        ledger.checkpoint(TenantId("other"), hold=hold, upstream_generation_id="gen-x")

        assert only_account(ledger) == before


class TestRecord:
    def test_every_field_is_kept_when_a_record_is_stored(self, ledger: Ledger) -> None:
        record = make_record(
            make_hold(),
            usage=Usage(
                cost_nano_usd=NanoUsd(7),
                prompt_tokens=1,
                completion_tokens=2,
                reasoning_tokens=3,
                cached_tokens=4,
            ),
            upstream_generation_id="gen-up",
            provider="Maker",
            finish_reason="stop",
            streamed=False,
            http_status=200,
            latency_ms=5,
            generation_ms=6,
            price_nano_usd=NanoUsd(9),
            plan_version=3,
            end_user="ann",
            levels=frozenset({Level.KEY, Level.END_USER}),
            adjusts=new_id(),
            adjusted_by=new_id(),
        )

        stored = ledger.record(record)

        assert stored == record
        assert list(ledger.records()) == [record]

    def test_absent_facts_stay_absent_when_a_record_is_stored(self, ledger: Ledger) -> None:
        record = make_record(make_hold(), status=RecordStatus.FAILED, cost=0)

        ledger.record(record)

        assert list(ledger.records()) == [record]

    def test_first_writer_wins_when_two_record_the_same_request(self, ledger: Ledger) -> None:
        hold = make_hold()
        first = make_record(hold, cost=7, source=RecordSource.SWEEP)
        ledger.record(first)

        stored = ledger.record(make_record(hold, cost=9))

        assert stored == first
        assert list(ledger.records()) == [first]


class TestSettle:
    @pytest.mark.parametrize("cost", [0, 400, 1_000, 1_700])
    def test_hold_is_replaced_by_the_cost_when_it_is_open(self, ledger: Ledger, cost: int) -> None:
        limits = AccountLimits(spend_nano_usd=NanoUsd(5_000))
        ledger.open_tenant_account(ACME, credit_nano_usd=1_000, limits=limits)
        hold = reserve(ledger, estimate=1_000)

        assert finish(ledger, hold, cost=cost)

        account = only_account(ledger)
        assert account.holds == {}
        assert (account.in_flight, account.sequence) == (0, 1)
        assert (account.available_nano_usd, account.spent_nano_usd) == (1_000 - cost, cost)
        assert account.remaining_by_period == {"m2611": 5_000 - cost}
        assert account.spent_by_day == {"261118": cost}
        assert audit(ledger, swept=True).violations == ()

    def test_nothing_changes_when_the_hold_was_settled_before(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        hold = reserve(ledger)
        finish(ledger, hold, cost=1)
        before = only_account(ledger)

        assert not finish(ledger, hold, cost=2)

        assert only_account(ledger) == before

    def test_nothing_changes_when_the_hold_is_unknown(self, ledger: Ledger) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        before = only_account(ledger)
        stranger = make_hold()

        for account_id in (ACCOUNT, AccountId("other")):
            assert not ledger.settle(
                account_id, hold=stranger, price_nano_usd=NanoUsd(1), now_ms=NOON_MS
            )

        assert only_account(ledger) == before

    def test_cost_goes_to_the_holds_month_and_day_when_settled_much_later(
        self, ledger: Ledger
    ) -> None:
        ledger.open_tenant_account(ACME, credit_nano_usd=9_000)
        hold = reserve(ledger, estimate=1_000)
        limit = AccountLimits().spend_nano_usd

        finish(ledger, hold, cost=400, now_ms=NOON_MS + 40 * 86_400_000)

        account = only_account(ledger)
        assert account.remaining_by_period == {"m2611": limit - 400}
        assert account.spent_by_day == {"261118": 400}
