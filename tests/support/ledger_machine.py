"""The ledger on DynamoDB beside its model: a Hypothesis state machine.

Hypothesis chooses what happens: requests on several accounts, crashes, retries, releases, top-ups,
transfers, suspensions, other limits, sweeps, what is found out later, and the passing of time on
clocks that differ. After every step the audit must find nothing and the model must agree.
"""

from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from tests.support.ledger_values import ACME, make_hold
from tests.support.ledger_world import (
    ACCOUNTS,
    HOLD_LIFE_MS,
    KEY,
    LANES,
    PLAN,
    TENANT,
    USER,
    LedgerWorld,
    Request,
)
from weir.domain.accounts import AccountId, AccountStatus
from weir.domain.errors import ConflictError
from weir.domain.holds import Level, Reservation
from weir.domain.limits import UNLIMITED, AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod

DAY_MS = 86_400_000
LEVELS = [frozenset[Level](), frozenset({Level.KEY}), frozenset({Level.END_USER}), frozenset(Level)]

# Few amounts, and one scarce thing at a time, so that limits are met exactly and often.
AMOUNTS = st.sampled_from([0, 300, 1_000, 2_500])
NEXT = st.sampled_from(["nothing", "nothing", "repeat", "give up", "finish"])
SKEWS_MS = st.sampled_from([0, 0, 0, -90_000, 90_000])


def spending(period: LimitPeriod) -> AccountLimits:
    return AccountLimits(spend_nano_usd=NanoUsd(2_300), period=period)


SCARCE = {
    "credit": (TENANT, AccountLimits()),
    "in flight": (TENANT, AccountLimits(in_flight=2)),
    "requests of a key": (KEY, AccountLimits(requests_per_minute=2)),
    "tokens of a user": (USER, AccountLimits(tokens_per_minute=10)),
    "month": (TENANT, spending(LimitPeriod.MONTHLY)),
    "week of a key": (KEY, spending(LimitPeriod.WEEKLY)),
    "day of a user": (USER, spending(LimitPeriod.DAILY)),
    "total of a key": (KEY, spending(LimitPeriod.TOTAL)),
}


class LedgerMachine(RuleBasedStateMachine):
    """Random stories of one tenant."""

    requests = Bundle("requests")
    client: ClassVar[Any]

    @initialize(scarce=st.sampled_from(sorted(SCARCE)), credit=st.sampled_from([300, 3_000]))
    def open(self, scarce: str, credit: int) -> None:
        limited, limits = SCARCE[scarce]
        credit += 0 if scarce == "credit" else 100_000
        self.world = LedgerWorld(self.client, credit=credit, limits={limited: limits})
        self.limits_unchanged = True
        self.payments = 0

    @rule(
        target=requests,
        estimate=AMOUNTS,
        levels=st.sampled_from(LEVELS),
        lane=st.sampled_from([0, 0, 1]),
        skew_ms=SKEWS_MS,
        # How many arrive together, of how many tokens, and what becomes of the last at once.
        arrival=st.tuples(st.sampled_from([1, 3]), st.sampled_from([0, 5, 10]), NEXT),
    )
    def reserve(
        self,
        estimate: int,
        levels: frozenset[Level],
        lane: int,
        skew_ms: int,
        arrival: tuple[int, int, str],
    ) -> Any:
        """Requests are admitted or refused as the model predicts."""
        now_ms, (count, tokens, then) = self.world.now_ms + skew_ms, arrival
        admitted = []
        for _ in range(count):
            hold = make_hold(
                estimate=estimate,
                now_ms=now_ms,
                lane=lane,
                levels=levels,
                end_user="ann",
                plan_version=PLAN.version,
            )
            request = Request(hold, Reservation(hold=hold, tokens=tokens, now_ms=now_ms))
            if self.world.admit(request):
                admitted.append(request)
        for request in admitted[-1:]:
            self._then(request, then)
        return multiple(*admitted)

    @rule(request=requests, is_late=st.booleans())
    def give_up(self, request: Request, is_late: bool) -> None:  # noqa: FBT001 - drawn by name
        """A request is undone before it is sent, twice; or too late."""
        if self.world.is_held(request) and request.name not in self.world.prices:
            if is_late:
                self.world.sweep_all()
            for account_id in (*reversed(request.accounts), TENANT):
                self.world.release(account_id, request)

    @rule(request=requests, cost=AMOUNTS)
    def checkpoint(self, request: Request, cost: int) -> None:
        world = self.world
        if world.is_held(request) and request.name not in world.prices:
            upstream_id = f"up-{request.name}"
            world.upstream.billed.setdefault(upstream_id, NanoUsd(cost))
            hold = world.account(TENANT, request).holds[request.name]
            world.ledger.checkpoint(ACME, hold=hold, upstream_generation_id=upstream_id)

    @rule(request=requests, cost=AMOUNTS)
    def finish(self, request: Request, cost: int) -> None:
        """A request ends: perhaps twice, perhaps after the sweep, perhaps with another cost."""
        if self.world.was_sent(request):
            self.world.settle(request, self.world.record(request, cost))

    @rule(request=requests, cost=AMOUNTS, in_between=st.booleans())
    def crash_after_record(
        self,
        request: Request,
        cost: int,
        in_between: bool,  # noqa: FBT001 - drawn by name
    ) -> None:
        """The process dies before it settles, or between two accounts."""
        if self.world.was_sent(request):
            stored = self.world.record(request, cost)
            if in_between and len(request.accounts) > 1:
                self.world.settle_on(request.accounts[-1], request, stored)
            self.world.sweep_all()

    @rule(request=requests, first=AMOUNTS, second=AMOUNTS)
    def two_finish_at_once(self, request: Request, first: int, second: int) -> None:
        """Both record before either settles, and the late one settles first."""
        if self.world.was_sent(request):
            self.world.record(request, first)
            late = self.world.record(request, second)
            self.world.settle(request, late)
            self.world.settle(request, late)

    @rule(amount=st.integers(1, 3_000), again=st.sampled_from([0, 0, 1]))
    def grant(self, amount: int, again: int) -> None:
        """A payment is announced twice; the second announcement may name another amount."""
        self.payments += 1
        assert self._grant(amount)
        self.world.model[TENANT, 0].add(amount - amount // 2)
        self.world.model[TENANT, 1].add(amount // 2)
        try:
            added = self._grant(amount + again)
        except ConflictError:
            assert again
        else:
            assert not added
            assert not again

    @rule(part=st.sampled_from([1, 3, 3]), above=st.booleans(), source=st.integers(0, 1))
    def transfer(self, part: int, above: bool, source: int) -> None:  # noqa: FBT001 - by name
        """A part of what there is moves, once, or all of it, or does not because it is too much."""
        giver, taker = self.world.model[TENANT, source], self.world.model[TENANT, 1 - source]
        amount = max(1, giver.available // part + above)
        is_there = giver.available >= amount
        self.payments += 1

        moved = [self._transfer(amount, source) for _ in range(2)]

        assert moved == [is_there, False]
        if is_there:
            giver.add(-amount)
            taker.add(amount)

    @rule(account=st.sampled_from(ACCOUNTS), status=st.sampled_from("SAA").map(AccountStatus))
    def set_status(self, account: tuple[AccountId, int], status: AccountStatus) -> None:
        """The operator suspends an account or makes it active; the next request feels it."""
        assert self.world.ledger.set_status(account[0], status=status, lane=account[1])
        self.world.model[account].active = status is AccountStatus.ACTIVE

    @rule(
        account=st.sampled_from(ACCOUNTS),
        period=st.sampled_from(LimitPeriod),
        spend=st.sampled_from([1_300, 6_000, UNLIMITED, UNLIMITED]),
    )
    def set_limits(self, account: tuple[AccountId, int], period: LimitPeriod, spend: int) -> None:
        self.limits_unchanged = False
        limits = AccountLimits(spend_nano_usd=NanoUsd(spend), period=period)
        self.world.set_limits(*account, limits)

    @rule(step_ms=st.sampled_from([500, 20_000, 61_000, HOLD_LIFE_MS, 20 * DAY_MS]))
    def wait(self, step_ms: int) -> None:
        self.world.now_ms += step_ms

    @rule(
        what=st.sampled_from(["sweep", "find out", "find out", "fold"]),
        reachable=st.booleans(),
        costs=st.tuples(AMOUNTS, AMOUNTS),
    )
    def keep_books(
        self,
        what: str,
        reachable: bool,  # noqa: FBT001 - drawn by name
        costs: tuple[int, int],
    ) -> None:
        """What runs on a schedule; upstream may not answer, two runs may find out the same."""
        if what == "fold":
            self.world.now_ms += DAY_MS
            self.world.fold()
            return
        self.world.upstream.reachable = reachable
        self.world.sweep()
        if what == "find out":
            self.world.sweep_all()
            for record in self.world.unknown.values():
                for cost in costs:
                    self.world.adjust(record, cost)

    @invariant()
    def nothing_is_wrong(self) -> None:
        if hasattr(self, "world"):
            self.world.check(limits_unchanged=self.limits_unchanged)

    def _then(self, request: Request, then: str) -> None:
        world = self.world
        match then:
            case "repeat":
                for account_id in request.accounts:
                    assert world.reserve(account_id, request) == 200
            case "give up":
                for account_id in (*reversed(request.accounts), TENANT):
                    world.release(account_id, request)
            case "finish":
                world.settle(request, world.record(request, request.hold.estimate_nano_usd // 2))

    def _grant(self, amount: int) -> bool:
        return self.world.ledger.grant(
            ACME,
            amount_nano_usd=amount,
            reference=f"payment-{self.payments}",
            lanes=LANES,
            now_ms=self.world.now_ms,
        )

    def _transfer(self, amount: int, source: int) -> bool:
        return self.world.ledger.transfer(
            ACME,
            transfer_id=str(self.payments),
            source=source,
            target=1 - source,
            amount=NanoUsd(amount),
        )
