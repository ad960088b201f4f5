"""A ledger of plain dicts: `CreditLedger` and `LedgerReader` for service tests.

It obeys the same contract suite as the DynamoDB ledger (`tests/contract/test_ledger.py`) and adds
switches that make one call fail, before or after its effect.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from weir.domain import generations, periods
from weir.domain.accounts import Account, AccountId, AccountLimits, AccountStatus
from weir.domain.errors import StoreUnavailableError
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold, Reservation
from weir.domain.money import NanoUsd
from weir.domain.refusals import refusal
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord

Period = TypeVar("Period", int, str)


class FakeLedger:
    """The ledger in memory.

    Attributes:
        calls: Names of the port methods called, in order, failed ones included.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._accounts: dict[tuple[AccountId, int], Account] = {}
        self._records: dict[GenerationId, UsageRecord] = {}
        self._failures: list[tuple[str, bool]] = []

    def open_account(
        self,
        tenant_id: TenantId,
        credit_nano_usd: int,
        limits: AccountLimits | None = None,
        lane: int = 0,
    ) -> bool:
        """Open one lane of a tenant's account; False when it is open already."""
        key = (AccountId(tenant_id), lane)
        if key in self._accounts:
            return False
        self._accounts[key] = Account(
            account_id=key[0],
            lane=lane,
            status=AccountStatus.ACTIVE,
            credit_nano_usd=NanoUsd(credit_nano_usd),
            available_nano_usd=NanoUsd(credit_nano_usd),
            spent_nano_usd=NanoUsd(0),
            in_flight=0,
            sequence=0,
            limits=limits or AccountLimits(),
            holds={},
        )
        return True

    def set_status(self, tenant_id: TenantId, *, status: AccountStatus, lane: int = 0) -> None:
        """Suspend an account, or make it active again."""
        account = self.account(tenant_id, lane=lane)
        self._put(replace(account, status=status))

    def fail_next(self, method: str, *, times: int = 1, applied: bool = False) -> None:
        """Make the next calls of a port method raise StoreUnavailableError.

        `applied` loses the answer only: the effect is there.
        """
        self._failures += [(method, applied)] * times

    def account(self, tenant_id: TenantId, *, lane: int = 0) -> Account:
        """Return an account lane as it is."""
        return self._accounts[AccountId(tenant_id), lane]

    def stored(self, generation_id: GenerationId) -> UsageRecord | None:
        """Return the usage record of a request, if there is one."""
        return self._records.get(generation_id)

    def reserve(self, tenant_id: TenantId, *, reservation: Reservation) -> Account:
        """Take the hold, or raise why not."""
        lost = self._enter("reserve")
        hold = reservation.hold
        account = self._of(tenant_id, hold.generation_id)
        if not account or hold.generation_id not in account.holds:
            if error := refusal(account, reservation=reservation):
                raise error
            assert account
            account = self._put(_held(account, reservation))
        self._leave(lost=lost)
        return account

    def checkpoint(self, tenant_id: TenantId, *, hold: Hold, upstream_generation_id: str) -> None:
        """Write upstream's id into an open hold."""
        lost = self._enter("checkpoint")
        account = self._of(tenant_id, hold.generation_id)
        if account and hold.generation_id in account.holds:
            noted = replace(hold, upstream_generation_id=upstream_generation_id)
            self._put(replace(account, holds={**account.holds, hold.generation_id: noted}))
        self._leave(lost=lost)

    def record(self, tenant_id: TenantId, *, record: UsageRecord) -> UsageRecord:
        """Store the record unless there is one; return the stored one."""
        lost = self._enter("record")
        assert record.tenant_id == tenant_id
        stored = self._records.setdefault(record.generation_id, record)
        self._leave(lost=lost)
        return stored

    def settle(
        self, tenant_id: TenantId, *, hold: Hold, cost_nano_usd: NanoUsd, now_ms: int
    ) -> bool:
        """Replace the hold by its cost; False when it is gone."""
        lost = self._enter("settle")
        account = self._of(tenant_id, hold.generation_id)
        settled = account is not None and hold.generation_id in account.holds
        if account and settled:
            self._put(_settled(account, hold, cost_nano_usd))
        self._leave(lost=lost)
        return settled

    def accounts(self) -> Iterator[Account]:
        """Yield every account lane."""
        yield from list(self._accounts.values())

    def records(self) -> Iterator[UsageRecord]:
        """Yield every usage record."""
        yield from list(self._records.values())

    def _of(self, tenant_id: TenantId, generation_id: GenerationId) -> Account | None:
        return self._accounts.get((AccountId(tenant_id), generations.lane(generation_id)))

    def _put(self, account: Account) -> Account:
        self._accounts[account.account_id, account.lane] = account
        return account

    def _enter(self, method: str) -> bool:
        """Note the call; fail now, or tell whether its answer must get lost."""
        self.calls.append(method)
        for failure in self._failures:
            if failure[0] == method:
                self._failures.remove(failure)
                if not failure[1]:
                    self._leave(lost=True)
                return True
        return False

    @staticmethod
    def _leave(*, lost: bool) -> None:
        if lost:
            raise StoreUnavailableError("The ledger is unavailable.", retry_after_s=1)


def _held(account: Account, reservation: Reservation) -> Account:
    hold, minute = reservation.hold, periods.minute(reservation.now_ms)
    day, month = periods.day(hold.generation_id), periods.month(hold.generation_id)
    estimate = hold.estimate_nano_usd
    remaining = {month: account.limits.monthly_nano_usd, **account.remaining_by_month}
    return replace(
        account,
        available_nano_usd=NanoUsd(account.available_nano_usd - estimate),
        in_flight=account.in_flight + 1,
        sequence=account.sequence + 1,
        holds={**account.holds, hold.generation_id: hold},
        requests_by_minute=_added(account.requests_by_minute, minute, 1),
        tokens_by_minute=_added(account.tokens_by_minute, minute, reservation.tokens),
        remaining_by_month=_added(remaining, month, -estimate),
        requests_by_day=_added(account.requests_by_day, day, 1),
    )


def _settled(account: Account, hold: Hold, cost: NanoUsd) -> Account:
    generation_id = hold.generation_id
    back = hold.estimate_nano_usd - cost
    month, day = periods.month(generation_id), periods.day(generation_id)
    return replace(
        account,
        available_nano_usd=NanoUsd(account.available_nano_usd + back),
        in_flight=account.in_flight - 1,
        spent_nano_usd=NanoUsd(account.spent_nano_usd + cost),
        holds={key: held for key, held in account.holds.items() if key != generation_id},
        remaining_by_month=_added(account.remaining_by_month, month, back),
        spent_by_day=_added(account.spent_by_day, day, cost),
    )


def _added(counters: Mapping[Period, int], period: Period, amount: int) -> dict[Period, int]:
    return {**counters, period: counters.get(period, 0) + amount}
