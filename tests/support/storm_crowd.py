"""The crowd of a storm: tenants of every kind, and clients that ask on and on."""

import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

import requests

from local.seed import issue_key, seed_tenant
from local.simulator import Fault
from local.stack import LocalStack
from tests.support.stacks import simulator
from weir.domain.api_keys import KeyKind
from weir.domain.limits import AccountLimits
from weir.domain.money import nano_usd
from weir.domain.periods import LimitPeriod
from weir.domain.price_plans import PricePlan
from weir.domain.tenants import TenantId

CLIENTS = 12
HALF_MORE = PricePlan(version=1, multiplier_ppm=1_500_000)
FAULTS = (
    (60, None),
    (3, Fault(name="cut")),
    (3, Fault(name="mid-stream-error")),
    (3, Fault(name="no-usage")),
    (3, Fault(name="status", code=429)),
    (2, Fault(name="no-usage", hidden_s=5)),
    (2, Fault(name="cut", hidden_s=3_600)),
    (4, Fault(name="silence", pause_s=0.6)),
    (20, Fault(name="drip", interval_s=0.03, cap=40)),
)


@dataclass(frozen=True)
class Caller:
    """Who asks: a key, and the end users it names."""

    key: str
    end_users: Sequence[str | None] = (None,)


def callers(stack: LocalStack) -> Iterator[Caller]:
    """Tenants with one lane, with four, and one with limits at every level and a price plan."""
    yield Caller(stack.api_key)
    # Little enough credit that the sweeps have to move it between the lanes.
    credit = Decimal("0.012")
    lanes = seed_tenant(stack.books, tenant_id=TenantId("lanes"), credit_usd=credit, lanes=4)
    yield Caller(issue_key(stack.books, lanes, kind=KeyKind.INFERENCE, label="lanes"))
    metered = seed_tenant(
        stack.books,
        tenant_id=TenantId("metered"),
        credit_usd=10,
        plan=HALF_MORE,
        end_user_limits=AccountLimits(requests_per_minute=40, in_flight=4),
    )
    limits = AccountLimits(spend_nano_usd=nano_usd(1), period=LimitPeriod.WEEKLY, in_flight=10)
    yield Caller(
        issue_key(stack.books, metered, kind=KeyKind.INFERENCE, label="metered", limits=limits),
        end_users=(None, "ann", "bob", "cid"),
    )


@dataclass
class Crowd:
    """Clients in threads, who ask until they are told that it is enough."""

    stack: LocalStack
    callers: Sequence[Caller]
    answers: Counter[str] = field(default_factory=Counter)
    generation_ids: set[str] = field(default_factory=set)
    is_enough: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def sent(self) -> int:
        return self.answers.total()

    def __enter__(self) -> Self:
        self.threads = [
            threading.Thread(target=self._ask_on, args=(n,), name=f"client-{n}")
            for n in range(CLIENTS)
        ]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.is_enough.set()
        for thread in self.threads:
            thread.join()

    def _ask_on(self, seed: int) -> None:
        chance = random.Random(seed)
        weights, faults = zip(*FAULTS, strict=True)
        while not self.is_enough.is_set():
            (fault,) = chance.choices(faults, weights)
            if fault is not None:
                simulator(self.stack).faults.push(fault)
            self.answers[self._ask(chance)] += 1

    def _ask(self, chance: random.Random) -> str:
        """Send one request; its answer may be cut, refused or whole."""
        caller = chance.choice(self.callers)
        user = chance.choice(caller.end_users)
        body: dict[str, Any] = {
            "model": "weir/echo",
            "messages": [{"role": "user", "content": "word " * chance.randint(1, 40)}],
            "max_tokens": 64,
            "stream": chance.random() < 0.6,
            **({"user": user} if user else {}),
        }
        try:
            answer = requests.post(
                f"{self.stack.base_url}/chat/completions",
                json=body,
                headers={"Authorization": f"Bearer {caller.key}"},
                timeout=90,
                stream=True,
            )
            if generation_id := answer.headers.get("X-Generation-Id"):
                self.generation_ids.add(generation_id)
            whole = answer.content.endswith(b"data: [DONE]\n\n") or not body["stream"]
        except requests.RequestException:
            return "broken off"  # the worker was killed in mid-answer: what the storm is about
        return (
            f"{answer.status_code}" if whole or answer.status_code != 200 else "200 with an error"
        )
