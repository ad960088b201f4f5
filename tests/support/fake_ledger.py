"""A ledger of plain dicts: every port of the ledger, for service tests.

It obeys the same contract suite as the DynamoDB ledger (`tests/contract/test_ledger*.py`) and adds
switches that make one call fail, before or after its effect.
"""

from collections.abc import Iterator
from dataclasses import replace

from tests.support import fake_accounts
from weir.domain import periods
from weir.domain.accounts import (
    Account,
    AccountId,
    AccountStatus,
    charged_accounts,
    lane_of,
    tenant_account,
)
from weir.domain.errors import ConflictError, NotFoundError, StoreUnavailableError
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold, Reservation
from weir.domain.limits import UNLIMITED, AccountLimits, portion, share
from weir.domain.money import NanoUsd
from weir.domain.refusals import refusal
from weir.domain.tenants import Tenant, TenantId
from weir.domain.usage import RecordStatus, UsageRecord


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
        self._grants: dict[tuple[TenantId, str], int] = {}
        self._transfers: set[tuple[TenantId, str]] = set()

    def open_tenant_account(
        self,
        tenant_id: TenantId,
        *,
        credit_nano_usd: int,
        limits: AccountLimits | None = None,
        lanes: int = 1,
    ) -> bool:
        """Open every lane of a tenant's account; False when one is open already."""
        whole, account_id = limits or AccountLimits(), tenant_account(tenant_id)
        if any((account_id, lane) in self._accounts for lane in range(lanes)):
            return False
        for lane in range(lanes):
            self.open_lane(
                tenant_id,
                lane=lane,
                credit_nano_usd=portion(credit_nano_usd, lane=lane, lanes=lanes),
                limits=share(whole, lane=lane, lanes=lanes),
            )
        return True

    def open_lane(
        self,
        tenant_id: TenantId,
        *,
        credit_nano_usd: int,
        limits: AccountLimits | None = None,
        lane: int = 0,
    ) -> None:
        """Open one lane of a tenant's account, whatever the others have."""
        account_id = tenant_account(tenant_id)
        limits = limits or AccountLimits()
        self._put(
            fake_accounts.opened(account_id, lane=lane, credit=credit_nano_usd, limits=limits)
        )

    def fail_next(self, method: str, *, times: int = 1, applied: bool = False) -> None:
        """Make the next calls of a port method raise StoreUnavailableError.

        `applied` loses the answer only: the effect is there.
        """
        self._failures += [(method, applied)] * times

    def account(self, account_id: AccountId | TenantId, *, lane: int = 0) -> Account:
        """Return an account lane as it is."""
        return self._accounts[AccountId(account_id), lane]

    def stored(self, generation_id: GenerationId) -> UsageRecord | None:
        """Return the usage record of a request, if there is one."""
        return self._records.get(generation_id)

    def reserve(self, account_id: AccountId, *, reservation: Reservation) -> Account:
        """Take the hold, or raise why not."""
        lost = self._enter("reserve")
        generation_id = reservation.hold.generation_id
        account = self._of(account_id, generation_id)
        if not account or generation_id not in account.holds:
            if error := refusal(account, reservation=reservation):
                raise error
            assert account
            account = self._put(fake_accounts.reserved(account, reservation))
        self._leave(lost=lost)
        return account

    def release(self, account_id: AccountId, *, hold: Hold, reservation: Reservation) -> bool:
        """Undo a reservation; False when it is gone."""
        lost = self._enter("release")
        account, stored = self._open(account_id, hold)
        if account and stored:
            self._put(fake_accounts.released(account, stored, reservation))
        self._leave(lost=lost)
        return stored is not None

    def open_account(self, account_id: AccountId, *, limits: AccountLimits) -> bool:
        """Open an account below a tenant's; False when it is open."""
        lost = self._enter("open_account")
        is_new = (account_id, 0) not in self._accounts
        if is_new:
            self._put(fake_accounts.opened(account_id, lane=0, credit=UNLIMITED, limits=limits))
        self._leave(lost=lost)
        return is_new

    def held(self, account_id: AccountId, generation_id: GenerationId) -> Hold | None:
        """Return a request's open hold on one account."""
        lost = self._enter("held")
        account = self._of(account_id, generation_id)
        self._leave(lost=lost)
        return account.holds.get(generation_id) if account else None

    def checkpoint(self, tenant_id: TenantId, *, hold: Hold, upstream_generation_id: str) -> None:
        """Write upstream's id into an open hold."""
        lost = self._enter("checkpoint")
        account, stored = self._open(tenant_account(tenant_id), hold)
        if account and stored:
            noted = replace(stored, upstream_generation_id=upstream_generation_id)
            self._put(replace(account, holds={**account.holds, hold.generation_id: noted}))
        self._leave(lost=lost)

    def record(self, record: UsageRecord) -> UsageRecord:
        """Store the record unless there is one; return the stored one."""
        lost = self._enter("record")
        stored = self._records.setdefault(record.generation_id, record)
        self._leave(lost=lost)
        return stored

    def settle(
        self, account_id: AccountId, *, hold: Hold, price_nano_usd: NanoUsd, now_ms: int
    ) -> bool:
        """Replace the hold by its price; False when it is gone."""
        lost = self._enter("settle")
        account, stored = self._open(account_id, hold)
        if account and stored:
            self._put(fake_accounts.settled(account, stored, price_nano_usd))
        self._leave(lost=lost)
        return stored is not None

    def tenants(self) -> Iterator[Tenant]:
        """Yield every tenant that has an account."""
        self._leave(lost=self._enter("tenants"))
        yield from fake_accounts.tenants_of(list(self._accounts.values()))

    def lanes(self, tenant: Tenant) -> Iterator[Account]:
        """Yield every lane of a tenant's own account."""
        self._leave(lost=self._enter("lanes"))
        account_id = tenant_account(tenant.tenant_id)
        found = [self._accounts.get((account_id, lane)) for lane in range(tenant.lanes)]
        yield from filter(None, found)

    def accounts(self) -> Iterator[Account]:
        """Yield every account lane."""
        yield from list(self._accounts.values())

    def records(self) -> Iterator[UsageRecord]:
        """Yield every usage record."""
        yield from list(self._records.values())

    def set_status(
        self, account_id: AccountId | TenantId, *, status: AccountStatus, lane: int = 0
    ) -> bool:
        """Suspend an account, or make it active again; False when there is none."""
        account = self._accounts.get((AccountId(account_id), lane))
        if account:
            self._put(replace(account, status=status))
        return account is not None

    def set_limits(
        self,
        account_id: AccountId,
        *,
        limits: AccountLimits,
        now_ms: int,
        spent_nano_usd: NanoUsd = NanoUsd(0),
        lane: int = 0,
    ) -> bool:
        """Give an account lane other limits; False when there is none."""
        account = self._accounts.get((account_id, lane))
        if account:
            spent = spent_nano_usd
            self._put(fake_accounts.limited(account, limits, spent=spent, now_ms=now_ms))
        return account is not None

    def grant(
        self, tenant_id: TenantId, *, amount_nano_usd: int, reference: str, lanes: int, now_ms: int
    ) -> bool:
        """Add credit once per reference; False when it was added before."""
        if amount_nano_usd <= 0:
            raise ValueError("no grant")
        if (known := self._grants.get((tenant_id, reference))) is not None:
            if known != amount_nano_usd:
                raise ConflictError("another payment has this reference")
            return False
        found = [self._accounts.get((tenant_account(tenant_id), lane)) for lane in range(lanes)]
        if None in found:
            raise NotFoundError("no such account")
        self._grants[tenant_id, reference] = amount_nano_usd
        for account in filter(None, found):
            amount = portion(amount_nano_usd, lane=account.lane, lanes=lanes)
            self._put(fake_accounts.credited(account, amount))
        return True

    def transfer(
        self, tenant_id: TenantId, *, transfer_id: str, source: int, target: int, amount: NanoUsd
    ) -> bool:
        """Move credit once per id; False when it did not happen now."""
        if amount <= 0 or source == target:
            raise ValueError("no transfer")
        account_id = tenant_account(tenant_id)
        giver = self._accounts.get((account_id, source))
        taker = self._accounts.get((account_id, target))
        is_new = (tenant_id, transfer_id) not in self._transfers
        if not is_new or not giver or not taker or giver.available_nano_usd < amount:
            return False
        self._transfers.add((tenant_id, transfer_id))
        self._put(fake_accounts.credited(giver, -amount))
        self._put(fake_accounts.credited(taker, amount))
        return True

    def adjust(self, adjustment: UsageRecord) -> bool:
        """Store an adjustment and charge its accounts, once per request."""
        if adjustment.adjusts is None or not adjustment.is_adjustment:
            raise ValueError("no adjustment")
        lost = self._enter("adjust")
        original = self._records.get(adjustment.adjusts)
        is_first = (
            original is not None
            and original.status is RecordStatus.UNKNOWN
            and original.adjusted_by is None
        )
        if original is not None and is_first:
            self._records[adjustment.adjusts] = replace(
                original, adjusted_by=adjustment.generation_id
            )
            self._records[adjustment.generation_id] = adjustment
            for account_id in charged_accounts(adjustment.tenant_id, adjustment):
                if account := self._of(account_id, adjustment.generation_id):
                    self._put(fake_accounts.charged(account, adjustment))
        self._leave(lost=lost)
        return is_first

    def fold(self, account: Account, *, day: str, now_ms: int) -> bool:
        """Add a day's counters to the sums of closed days, if they are as they were read."""
        now = self.account(account.account_id, lane=account.lane)
        counted = day in now.requests_by_day or day in now.spent_by_day
        is_open = any(periods.day(generation_id) == day for generation_id in account.holds)
        is_as_read = fake_accounts.of_day(now, day) == fake_accounts.of_day(account, day)
        if not counted or is_open or not is_as_read:
            return False
        self._put(fake_accounts.folded(now, day, now_ms=now_ms))
        return True

    def _of(self, account_id: AccountId, generation_id: GenerationId) -> Account | None:
        return self._accounts.get((account_id, lane_of(account_id, generation_id)))

    def _open(self, account_id: AccountId, hold: Hold) -> tuple[Account | None, Hold | None]:
        account = self._of(account_id, hold.generation_id)
        return account, account.holds.get(hold.generation_id) if account else None

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
