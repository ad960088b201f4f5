"""What accounts must look like, in the fewest words: the model beside the ledger's machine."""

from dataclasses import dataclass, field, replace

from weir.domain import periods
from weir.domain.accounts import Account
from weir.domain.generations import GenerationId
from weir.domain.holds import Hold
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod

HOUR_MS = 3_600_000


@dataclass
class ModelAccount:
    """One account lane.

    Attributes:
        holds: Open ones, with the period of the limit they were taken from.
        charges: Everything that was ever charged, in order.
        minutes: Epoch minute → requests and tokens, however old.
        remaining: Period key → what is left of the limit.
    """

    credit: int
    available: int
    limits: AccountLimits
    active: bool = True
    holds: dict[GenerationId, Hold] = field(default_factory=dict)
    charges: list[tuple[GenerationId, int]] = field(default_factory=list)
    minutes: dict[int, tuple[int, int]] = field(default_factory=dict)
    remaining: dict[str, int] = field(default_factory=dict)

    def expected_status(self, hold: Hold, *, minute: int) -> int:
        """Predict the answer to a reservation: 200 or the status of its refusal."""
        requests, tokens = self.minutes.get(minute, (0, 0))
        if not self.active:
            return 403
        if len(self.holds) >= self.limits.in_flight:
            return 429
        if requests >= self.limits.requests_per_minute or tokens >= self.limits.tokens_per_minute:
            return 429
        key = periods.period_key(self.limits.period, hold.generation_id)
        if self.remaining.get(key, self.limits.spend_nano_usd) < hold.estimate_nano_usd:
            return 403
        return 402 if self.available < hold.estimate_nano_usd else 200

    def reserve(self, hold: Hold, *, minute: int, tokens: int) -> None:
        stored = replace(hold, period=self.limits.period)
        self._count(minute, 1, tokens)
        self.remaining.setdefault(_key(stored), self.limits.spend_nano_usd)
        self._give(stored, -stored.estimate_nano_usd)
        self.holds[stored.generation_id] = stored

    def release(self, generation_id: GenerationId, *, minute: int, tokens: int) -> None:
        hold = self.holds.pop(generation_id)
        self._count(minute, -1, -tokens)
        self._give(hold, hold.estimate_nano_usd)

    def settle(self, generation_id: GenerationId, price: int) -> None:
        hold = self.holds.pop(generation_id, None)
        if hold is not None:
            self._give(hold, hold.estimate_nano_usd - price)
            self.charges.append((generation_id, price))

    def adjust(self, generation_id: GenerationId, price: int) -> None:
        key = periods.period_key(self.limits.period, generation_id)
        self.remaining.setdefault(key, self.limits.spend_nano_usd)
        self.remaining[key] -= price
        self.available -= price
        self.charges.append((generation_id, price))

    def add(self, amount: int) -> None:
        self.credit += amount
        self.available += amount

    def spent(self, period: LimitPeriod, now: GenerationId) -> NanoUsd:
        """What was charged in the current period of a kind."""
        key = periods.period_key(period, now)
        return NanoUsd(
            sum(price for name, price in self.charges if periods.period_key(period, name) == key)
        )

    def limit(self, limits: AccountLimits, now: GenerationId) -> None:
        key = periods.period_key(limits.period, now)
        if limits.period is self.limits.period and key in self.remaining:
            self.remaining[key] += limits.spend_nano_usd - self.limits.spend_nano_usd
        else:
            held = sum(
                hold.estimate_nano_usd
                for name, hold in self.holds.items()
                if periods.period_key(limits.period, name) == key
            )
            spent = self.spent(limits.period, now)
            self.remaining[key] = limits.spend_nano_usd - spent - held
        self.limits = limits

    def fold(self, *, now_ms: int) -> None:
        held = {_key(hold) for hold in self.holds.values()}
        for key in [*self.remaining]:
            if key not in held and periods.is_over(key, now_ms=now_ms - HOUR_MS):
                del self.remaining[key]

    def check(self, account: Account, *, minute: int) -> None:
        """Compare with the ledger's account; older minutes may be there or not."""
        assert account.credit_nano_usd == self.credit
        assert account.available_nano_usd == self.available
        assert account.remaining_by_period == self.remaining
        assert account.holds.keys() == self.holds.keys()
        assert {hold.period for hold in account.holds.values()} == {
            hold.period for hold in self.holds.values()
        }
        requests = account.requests_by_minute.get(minute, 0)
        tokens = account.tokens_by_minute.get(minute, 0)
        assert (requests, tokens) == self.minutes.get(minute, (0, 0))

    def _count(self, minute: int, requests: int, tokens: int) -> None:
        before = self.minutes.get(minute, (0, 0))
        self.minutes[minute] = (before[0] + requests, before[1] + tokens)

    def _give(self, hold: Hold, amount: int) -> None:
        self.available += amount
        self.remaining[_key(hold)] += amount


def _key(hold: Hold) -> str:
    return periods.period_key(hold.period, hold.generation_id)
