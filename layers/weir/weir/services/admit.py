"""May this request start? Hold its worst-case price on every account it concerns, or on none."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from weir.domain.accounts import AccountId, end_user_account, key_account, tenant_account
from weir.domain.api_keys import ApiKey
from weir.domain.errors import (
    ForbiddenError,
    InsufficientCreditsError,
    MissingAccountError,
    RateLimitExceededError,
    StoreUnavailableError,
    WeirError,
)
from weir.domain.generations import RANDOM_BYTES, GenerationId, new_generation_id
from weir.domain.holds import Hold, Level, Reservation, prompt_tokens
from weir.domain.ledgers import CreditLedger
from weir.domain.limits import AccountLimits
from weir.domain.periods import LimitPeriod
from weir.domain.ports import Journal, PriceList
from weir.domain.requests import ChatRequest
from weir.domain.tenants import Tenant
from weir.services.estimates import worst_case
from weir.services.settlement import Holds

# A refusal by one lane is none by the tenant yet; but being refused must stay cheap.
MAX_LANES_TRIED = 8

_REFUSED = (RateLimitExceededError, InsufficientCreditsError, ForbiddenError)
_Reserved = dict[AccountId, Reservation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A request that may start.

    Attributes:
        hold: On the tenant's account, as stored.
        holds: On every account of the request, as stored.
    """

    hold: Hold
    holds: Holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Takes holds.

    Attributes:
        random: Returns that many random bytes.
        lane: The account lane this process draws from first, before it is reduced to the tenant's.
    """

    prices: PriceList
    ledger: CreditLedger
    journal: Journal
    random: Callable[[int], bytes]
    lane: int

    def admit(self, key: ApiKey, *, request: ChatRequest, now_ms: int) -> Admitted:
        """Hold the worst-case price of a request on its tenant's account and those below it.

        Raises:
            InvalidRequestError: It cannot be priced; see `worst_case`.
            StoreUnavailableError: The ledger cannot be reached; what may be held is the sweeper's.
            WeirError: An account refuses; see `CreditLedger.reserve`. Nothing is held then.
        """
        tenant = key.tenant
        hold = Hold(
            generation_id=GenerationId(""),  # it names a lane, which is not known yet
            estimate_nano_usd=worst_case(tenant, request=request, prices=self.prices),
            key_id=key.key_id,
            model=request.models[0],
            end_user=request.end_user,
            levels=frozenset(below.level for below in _accounts_below(key, request)),
            plan_version=tenant.plan.version,
            period=tenant.limit_period,
        )
        tokens = prompt_tokens(request, bound=tenant.prompt_bound) + request.max_tokens
        taken = self._reserved(tenant, Reservation(hold=hold, tokens=tokens, now_ms=now_ms))
        reserved = {tenant_account(tenant.tenant_id): taken}
        for below in _accounts_below(key, request):
            self._reserve_below(below, taken, reserved)
        holds = {account_id: reservation.hold for account_id, reservation in reserved.items()}
        return Admitted(hold=taken.hold, holds=holds)

    def _reserved(self, tenant: Tenant, wanted: Reservation) -> Reservation:
        """Reserve on the tenant's account, on the first of its lanes that admits."""
        refused: WeirError | None = None
        random = self.random(RANDOM_BYTES)
        for step in range(min(tenant.lanes, MAX_LANES_TRIED)):
            lane = (self.lane + step) % tenant.lanes
            generation_id = new_generation_id(now_ms=wanted.now_ms, lane=lane, random=random)
            hold = replace(wanted.hold, generation_id=generation_id)
            try:
                return self._reserve(tenant_account(tenant.tenant_id), replace(wanted, hold=hold))
            except _REFUSED as refusal:
                refused = refused or refusal
        assert refused is not None, "a tenant has at least one lane"
        raise refused

    def _reserve(self, account_id: AccountId, wanted: Reservation) -> Reservation:
        account = self.ledger.reserve(account_id, reservation=wanted)
        return replace(wanted, hold=account.holds[wanted.hold.generation_id])

    def _reserve_below(self, below: "_Below", taken: Reservation, reserved: _Reserved) -> None:
        """Reserve on one account below the tenant's; if it refuses, undo what is reserved.

        Raises:
            StoreUnavailableError: It cannot be reached.
            WeirError: It refuses.
        """
        wanted = replace(taken, hold=replace(taken.hold, period=below.period))
        try:
            reserved[below.account_id] = self._reserve_or_open(below, wanted)
        except StoreUnavailableError as failure:
            # The write may still be on its way and come after an undoing of it; then nobody would
            # find its hold. With the tenant's in its place, the sweeper does.
            self._left_to_sweeper(wanted, failure)
            raise
        except WeirError:
            self._release(reserved)
            raise

    def _reserve_or_open(self, below: "_Below", wanted: Reservation) -> Reservation:
        try:
            return self._reserve(below.account_id, wanted)
        except MissingAccountError:
            if below.opened_with is None:
                raise
        self.ledger.open_account(below.account_id, limits=below.opened_with)
        return self._reserve(below.account_id, wanted)

    def _release(self, reserved: _Reserved) -> None:
        """Undo reservations, the tenant's last; what cannot be undone is left to the sweeper."""
        for account_id, reservation in reversed(reserved.items()):
            try:
                self.ledger.release(account_id, hold=reservation.hold, reservation=reservation)
            except StoreUnavailableError as failure:
                self._left_to_sweeper(reservation, failure)
                return

    def _left_to_sweeper(self, reservation: Reservation, failure: StoreUnavailableError) -> None:
        generation_id = reservation.hold.generation_id
        self.journal.unsettled(generation_id=generation_id, reason=failure.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Below:
    """An account below the tenant's that a request concerns.

    `opened_with` are the limits it gets if it does not exist yet; None: it must exist.
    """

    level: Level
    account_id: AccountId
    period: LimitPeriod
    opened_with: AccountLimits | None


def _accounts_below(key: ApiKey, request: ChatRequest) -> Iterator[_Below]:
    tenant_id, limits = key.tenant.tenant_id, key.tenant.end_user_limits
    if key.limit_period is not None:
        yield _Below(
            level=Level.KEY,
            account_id=key_account(tenant_id, key.key_id),
            period=key.limit_period,
            opened_with=None,
        )
    if limits is not None and request.end_user is not None:
        yield _Below(
            level=Level.END_USER,
            account_id=end_user_account(tenant_id, request.end_user),
            period=limits.period,
            opened_with=limits,
        )
