"""Three tenants on one stack, over real HTTP: a Hypothesis state machine.

Hypothesis chooses who does what, with keys that are new, rotated, disabled or deleted, and who asks
for whose things. Nobody may ever see a mark of anybody else, what is another's must answer as what
does not exist, and every tenant's sums must be those of its own usage records.
"""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

import requests
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from typing_extensions import override

from local.stack import LocalStack
from tests.support.isolation_rows import ABSENT
from tests.support.marked_tenants import (
    MODEL,
    MarkedTenant,
    chat_body,
    open_marked_tenant,
)
from tests.support.stacks import records
from weir.domain.api_keys import key_hash
from weir.domain.money import NanoUsd, usd

TENANTS = st.integers(0, 2)
ANY = st.integers(0, 99)
PATIENCE_S = 30


@dataclass
class StoryKey:
    """An inference key in a story.

    `is_good` is what the register says; a function that knows it already may believe otherwise for
    half a minute.
    """

    secret: str
    hash: str
    is_good: bool = True
    is_deleted: bool = False
    was_used: bool = False


@dataclass
class Actor:
    """A tenant, and what it made in the story."""

    tenant: MarkedTenant
    keys: list[StoryKey] = field(default_factory=list)
    generations: list[str] = field(default_factory=list)

    @property
    def marks(self) -> set[str]:
        """Texts that nobody else may see."""
        made = {text for key in self.keys for text in (key.secret, key.hash)}
        return {*self.tenant.marks, *made, *self.generations}

    def hash(self, number: int) -> str:
        """Return the hash of one of its keys."""
        hashes = [self.tenant.key_hash, *(key.hash for key in self.keys if not key.is_deleted)]
        return hashes[number % len(hashes)]


class TenantStories(RuleBasedStateMachine):
    """Random stories of three tenants."""

    stack: ClassVar[LocalStack]
    completions: ClassVar[bool]

    def __init__(self) -> None:
        super().__init__()
        self.actors: list[Actor] = []

    @initialize()
    def open(self) -> None:
        names = ("one", "two", "three")
        self.actors = [Actor(open_marked_tenant(self.stack, name)) for name in names]
        for actor in self.actors:
            actor.generations.append(actor.tenant.generation)

    def call(
        self,
        who: int,
        method: str,
        path: str,
        *,
        body: object = None,
        key: str | None = None,
        said: str = "",
    ) -> requests.Response:
        """Send a request of a tenant; nothing of the others may be in its answer."""
        actor = self.actors[who]
        answer = requests.request(
            method,
            f"{self.stack.base_url}{path}",
            json=body,
            headers={"Authorization": f"Bearer {key or actor.tenant.management}"},
            timeout=PATIENCE_S,
        )
        whole = str(answer.headers) + answer.text
        if said:
            whole = whole.replace(said, "")
        for other in self.actors:
            if other is not actor:
                seen = {mark for mark in other.marks if mark in whole}
                assert not seen, f"{path} tells {actor.tenant.marker} of {seen}"
        return answer

    @rule(who=TENANTS, limited=st.booleans())
    def make_key(self, who: int, *, limited: bool) -> None:
        actor = self.actors[who]
        wish = {"name": f"{actor.tenant.marker} made", **({"limit": 1} if limited else {})}
        answer = self.call(who, "POST", "/keys", body=wish)
        assert answer.status_code == 201
        self._keep(actor, answer.json())

    @rule(who=TENANTS, number=ANY, disabled=st.booleans())
    def switch_key(self, who: int, number: int, *, disabled: bool) -> None:
        key = self._key(who, number)
        if key is not None:
            path = f"/keys/{key.hash}"
            answer = self.call(who, "PATCH", path, body={"disabled": disabled})
            assert answer.status_code == 200
            key.is_good = not disabled

    @rule(who=TENANTS, number=ANY)
    def delete_key(self, who: int, number: int) -> None:
        key = self._key(who, number)
        if key is not None:
            assert self.call(who, "DELETE", f"/keys/{key.hash}").json() == {"deleted": True}
            key.is_good, key.is_deleted = False, True

    @rule(who=TENANTS, number=ANY, overlap_s=st.sampled_from([0, 3_600]))
    def rotate_key(self, who: int, number: int, overlap_s: int) -> None:
        key = self._key(who, number)
        if key is None or not key.is_good:
            return
        path = f"/keys/{key.hash}/rotate"
        answer = self.call(who, "POST", path, body={"overlap_seconds": overlap_s})
        if answer.status_code == 201:
            self._keep(self.actors[who], answer.json())
            key.is_good = overlap_s > 0
        else:  # it was rotated before, and has expired
            assert answer.status_code == 409

    @rule(who=TENANTS, number=ANY, stream=st.booleans(), text=st.booleans())
    def ask(self, who: int, number: int, *, stream: bool, text: bool) -> None:
        actor, key = self.actors[who], self._key(who, number, deleted=True)
        marker = actor.tenant.marker
        path, body = "/chat/completions", chat_body(marker, stream=stream)
        if text and self.completions:
            path = "/completions"
            body = {"model": MODEL, "prompt": f"a secret of {marker}", "stream": stream}
        secret = actor.tenant.inference if key is None else key.secret
        answer = self.call(who, "POST", path, body=body, key=secret)
        expected = {200} if key is None or key.is_good else {401}
        if key is not None and key.was_used:
            expected = {200, 401}
        assert answer.status_code in expected, answer.text
        if answer.status_code == 200:
            actor.generations.append(answer.headers["X-Generation-Id"])
            if key is not None:
                key.was_used = True

    @rule(who=TENANTS, whose=TENANTS, number=ANY)
    def read_generation(self, who: int, whose: int, number: int) -> None:
        self._compare(who, whose, self._generation(whose, number), "GET", "/generation?id={}", 200)

    @rule(who=TENANTS, whose=TENANTS, number=ANY)
    def cancel(self, who: int, whose: int, number: int) -> None:
        path = "/generation/{}/cancel"
        self._compare(who, whose, self._generation(whose, number), "POST", path, 409)

    @rule(who=TENANTS, whose=TENANTS, number=ANY)
    def read_key(self, who: int, whose: int, number: int) -> None:
        self._compare(who, whose, self.actors[whose].hash(number), "GET", "/keys/{}", 200)

    @rule(who=TENANTS, whose=TENANTS, number=ANY)
    def report_on_key(self, who: int, whose: int, number: int) -> None:
        path = "/usage?group_by=key,end_user,model&api_key_hash={}"
        self._compare(who, whose, self.actors[whose].hash(number), "GET", path, 200)

    @rule(
        who=TENANTS,
        whose=TENANTS,
        number=ANY,
        means=st.sampled_from(
            [("DELETE", "", None), ("PATCH", "", {"disabled": True}),
             ("POST", "/rotate", {"overlap_seconds": 0})]
        ),
    )  # fmt: skip
    def touch_anothers_key(
        self, who: int, whose: int, number: int, means: tuple[str, str, Any]
    ) -> None:
        if who != whose:
            method, rest, body = means
            named = self.actors[whose].hash(number)
            self._compare(who, whose, named, method, "/keys/{}" + rest, 0, body=body)

    @rule(
        who=TENANTS,
        path=st.sampled_from(
            ["/key", "/keys?include_disabled=true", "/credits", "/activity", "/usage", "/usage.csv",
             "/usage?group_by=key,end_user", "/models/user", "/models?limit=2"]
        ),
    )  # fmt: skip
    def look_around(self, who: int, path: str) -> None:
        assert self.call(who, "GET", path).status_code == 200

    @override
    def teardown(self) -> None:
        self.stack.pump_once()
        stored = records(self.stack).values()
        for who, actor in enumerate(self.actors):
            own = [row for row in stored if row.tenant_id == actor.tenant.tenant.tenant_id]
            price = usd(NanoUsd(sum(row.price_nano_usd for row in own)))
            assert {row.generation_id for row in own} == set(actor.generations)
            spent = self._told(who, "/credits")["total_usage"]
            rows = self._told(who, "/usage?group_by=key")
            assert spent == sum((row["usage"] for row in rows), Decimal(0)) == price
            assert sum(row["requests"] for row in rows) == len(own)

    def _told(self, who: int, path: str) -> Any:
        answer = self.call(who, "GET", path)
        return json.loads(answer.text, parse_float=Decimal)["data"]

    def _compare(
        self, who: int, whose: int, named: str, method: str, path: str, ok: int, *, body: Any = None
    ) -> None:
        """Ask for what is named: one's own is found, another's is told as what is not there."""
        answer = self.call(who, method, path.format(named), body=body, said=named)
        if who == whose:
            assert answer.status_code == ok, answer.text
            return
        absent = ABSENT.generation if named.startswith("gen-") else ABSENT.key_hash
        nothing = self.call(who, method, path.format(absent), body=body)
        assert answer.status_code == nothing.status_code == 404
        assert answer.text.replace(named, absent) == nothing.text

    def _keep(self, actor: Actor, made: Any) -> None:
        assert made["data"]["hash"] == key_hash(made["key"])
        actor.keys.append(StoryKey(secret=made["key"], hash=made["data"]["hash"]))

    def _key(self, who: int, number: int, *, deleted: bool = False) -> StoryKey | None:
        keys = [key for key in self.actors[who].keys if deleted or not key.is_deleted]
        return keys[number % len(keys)] if keys else None

    def _generation(self, whose: int, number: int) -> str:
        generations = self.actors[whose].generations
        return generations[number % len(generations)]
