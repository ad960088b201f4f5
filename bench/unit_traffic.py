"""Requests of one tenant, written by the ledger's own adapters, in items as large as they get."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from weir.adapters.answers_bucket import AnswersBucket
from weir.adapters.dynamodb.account_items import new_account
from weir.adapters.dynamodb.answers import DynamoDBAnswers
from weir.adapters.dynamodb.credits import put_account
from weir.adapters.dynamodb.ledger import DynamoDBLedger
from weir.adapters.dynamodb.wire import DynamoDB
from weir.domain.accounts import AccountId, charged_accounts, tenant_account
from weir.domain.answers import KeptAnswer, claim_of
from weir.domain.generations import RANDOM_BYTES, new_generation_id
from weir.domain.holds import Hold, Level, Reservation
from weir.domain.limits import UNLIMITED, AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.tenants import Tenant, TenantId
from weir.domain.usage import RecordSource, RecordStatus, Usage, UsageRecord

NOON_MS = 1_795_003_200_000
_DAY_MS = 86_400_000
_MINUTE_MS = 60_000
_ANSWER_BYTES = 2_048
_LIMITS = AccountLimits(
    requests_per_minute=6_000,
    tokens_per_minute=2_000_000,
    in_flight=64,
    spend_nano_usd=NanoUsd(5_000_000_000_000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One kind of request.

    Attributes:
        levels: The accounts below the tenant's that it is charged to.
        most: The write units it may take; None where the design sets no goal.
    """

    name: str
    levels: frozenset[Level] = frozenset()
    checkpoint: bool = False
    idempotency_key: bool = False
    most: int | None = None


@dataclass
class Traffic:
    """Requests of one tenant, in items as large as they are in production."""

    db: DynamoDB
    tenant_id: TenantId
    serial: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def ledger(self) -> DynamoDBLedger:
        return DynamoDBLedger(self.db, accounts_table="accounts", usage_table="usage")

    def open(self, levels: frozenset[Level]) -> None:
        """Open the accounts, with counters of two days and of an earlier minute in them."""
        for account_id in charged_accounts(self.tenant_id, self._hold(levels)):
            is_tenant = account_id == tenant_account(self.tenant_id)
            credit = 2_345_678_901_234 if is_tenant else UNLIMITED
            item = new_account(account_id, lane=0, credit_nano_usd=credit, limits=_LIMITS)
            assert put_account(self.db, table="accounts", item=item)
        self._settled(self._hold(levels, now_ms=NOON_MS - _DAY_MS), cost=123_456_789_012)
        self._settled(self._hold(levels, now_ms=NOON_MS - _MINUTE_MS), cost=1_234_567_891)

    def leave_in_flight(self, levels: frozenset[Level]) -> None:
        """Take the holds of a request that is open all the time, checkpointed."""
        hold = self._hold(levels)
        self._reserve(hold)
        self._checkpoint(hold)

    def request(self, scenario: Scenario) -> UsageRecord:
        """Run one request from its first write to its last."""
        hold = self._hold(scenario.levels)
        claim = claim_of(
            Tenant(tenant_id=self.tenant_id, namespace_key=bytes(32)),
            key=hold.generation_id,
            digest=bytes(32),
            owner=hold.generation_id,
            now_ms=NOON_MS,
            life_ms=960_000,
        )
        answers = DynamoDBAnswers(
            self.db, table="ephemeral", bucket=AnswersBucket(_no_client, name="-")
        )
        if scenario.idempotency_key:
            answers.claim(claim)
        self._reserve(hold)
        if scenario.checkpoint:
            self._checkpoint(hold)
        record = self._settle(hold, cost=1_234_567)
        if scenario.idempotency_key:
            assert answers.keep(claim, answer=_answer(), now_ms=NOON_MS)
        return record

    def _hold(self, levels: frozenset[Level], *, now_ms: int = NOON_MS) -> Hold:
        letters = random.Random(next(self.serial)).randbytes(RANDOM_BYTES)
        return Hold(
            generation_id=new_generation_id(now_ms=now_ms, lane=0, random=letters),
            estimate_nano_usd=NanoUsd(123_456_789),
            key_id="0123abcd",
            model="anthropic/claude-opus-4",
            end_user="customer-4711" if Level.END_USER in levels else None,
            levels=levels,
        )

    def _accounts(self, hold: Hold) -> tuple[AccountId, ...]:
        return charged_accounts(self.tenant_id, hold)

    def _reserve(self, hold: Hold, *, now_ms: int = NOON_MS) -> None:
        reservation = Reservation(hold=hold, tokens=4_321, now_ms=now_ms)
        for account_id in self._accounts(hold):
            self.ledger.reserve(account_id, reservation=reservation)

    def _checkpoint(self, hold: Hold) -> None:
        upstream_id = "gen-1795003201-" + hold.generation_id[-20:]
        self.ledger.checkpoint(self.tenant_id, hold=hold, upstream_generation_id=upstream_id)

    def _settle(self, hold: Hold, *, cost: int) -> UsageRecord:
        record = self.ledger.record(self._record(hold, cost=cost))
        for account_id in reversed(self._accounts(hold)):
            price = record.price_nano_usd
            assert self.ledger.settle(account_id, hold=hold, price_nano_usd=price, now_ms=NOON_MS)
        return record

    def _settled(self, hold: Hold, *, cost: int) -> None:
        self._reserve(hold, now_ms=NOON_MS - _MINUTE_MS)
        self._settle(hold, cost=cost)

    def _record(self, hold: Hold, *, cost: int) -> UsageRecord:
        usage = Usage(
            cost_nano_usd=NanoUsd(cost),
            prompt_tokens=12_345,
            completion_tokens=1_234,
            reasoning_tokens=567,
            cached_tokens=10_000,
        )
        return UsageRecord(
            tenant_id=self.tenant_id,
            generation_id=hold.generation_id,
            status=RecordStatus.COMPLETED,
            source=RecordSource.REQUEST,
            usage=usage,
            price_nano_usd=NanoUsd(cost),
            estimate_nano_usd=hold.estimate_nano_usd,
            key_id=hold.key_id,
            model=hold.model,
            end_user=hold.end_user,
            levels=hold.levels,
            upstream_generation_id="gen-1795003201-" + hold.generation_id[-20:],
            provider="Amazon Bedrock",
            finish_reason="stop",
            streamed=True,
            http_status=200,
            latency_ms=1_234,
            generation_ms=12_345,
        )


def _answer() -> KeptAnswer:
    """Make an answer that shrinks as prose does: to about half."""
    letters = random.Random(0).choices("abcdefghijklmnop", k=_ANSWER_BYTES)
    return KeptAnswer(status=200, headers={}, stream=False, body="".join(letters).encode())


def _no_client() -> Any:
    raise AssertionError("an answer of this size needs no bucket")
