"""The routes of the account and export functions over stores in memory, and two tenants."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.support.fake_keys import FakeRegister
from tests.support.fake_ledger import FakeLedger
from tests.support.fakes import TENANT, FakeClock, FakeJournal, make_key
from tests.support.ledger_values import NOON_MS
from tests.support.rollup_fakes import FakeRollups
from weir.domain.accounts import Account, AccountId
from weir.domain.api_keys import KeyKind, key_hash, mint
from weir.domain.generations import GenerationId
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord
from weir.http.access import Gate
from weir.http.activity import ActivityEndpoint
from weir.http.api_keys import KeyEndpoints
from weir.http.credits import CreditEndpoints
from weir.http.generations import GenerationEndpoint
from weir.http.routes import Routes
from weir.http.usage_reports import UsageEndpoints
from weir.services.api_keys import ApiKeyDesk
from weir.services.key_mints import KeyMint
from weir.services.spending import SpendingBook
from weir.services.usage_reports import UsageReports

PREFIX = "sk-weir-v1-"
OTHER = replace(TENANT, tenant_id=TenantId("other"))
MANAGER, HOLDER, STRANGER = (mint(random=bytes([number]) * 28) for number in (1, 2, 3))
CREATED_MS = NOON_MS - 3 * 86_400_000
SAMPLES = Path(__file__).parents[1] / "samples"


@dataclass
class Answer:
    """What a client gets."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        """The JSON of the answer, its numbers exact."""
        return json.loads(self.text, parse_float=Decimal)

    @property
    def data(self) -> Any:
        """What stands under `data`."""
        return self.body["data"]


@dataclass
class AccountGateway:
    """Answers requests; the tenant acme has a manager and a holder, the tenant other a stranger."""

    register: FakeRegister = field(default_factory=FakeRegister)
    ledger: FakeLedger = field(default_factory=FakeLedger)
    rollups: FakeRollups = field(default_factory=FakeRollups)
    records: dict[GenerationId, UsageRecord] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOON_MS))

    def __post_init__(self) -> None:
        serial = itertools.count(16)

        def random(count: int) -> bytes:
            return next(serial).to_bytes(count)

        self.mint = KeyMint(
            register=self.register, ledger=self.ledger, random=random, key_prefix=PREFIX
        )
        self.desk = ApiKeyDesk(
            register=self.register,
            mint=self.mint,
            ledger=self.ledger,
            limits=self.ledger,
            budgets=self,
            spendings=SpendingBook(self.rollups),
            random=random,
        )
        reports = UsageReports(rollups=self.rollups, register=self.register)
        self.routes = Routes(
            table={
                **KeyEndpoints(desk=self.desk).routes(),
                **CreditEndpoints(budgets=self).routes(),
                **GenerationEndpoint(records=self).routes(),
                **ActivityEndpoint(reports=reports).routes(),
                **UsageEndpoints(reports=reports).routes(),
                **UsageEndpoints(reports=reports).streamed_routes(),
            },
            gate=Gate(keys=self.register, key_prefix=PREFIX),
            clock=self.clock,
            journal=FakeJournal(),
        )
        for key, kind, tenant in (
            (MANAGER, KeyKind.MANAGEMENT, TENANT),
            (HOLDER, KeyKind.INFERENCE, TENANT),
            (STRANGER, KeyKind.MANAGEMENT, OTHER),
        ):
            self.register.put_key(
                make_key(
                    key_hash=key_hash(key),
                    kind=kind,
                    tenant=tenant,
                    created_ms=CREATED_MS,
                    name="made by the operator",
                )
            )

    def lanes(self, account_id: AccountId) -> Sequence[Account]:
        return [lane for lane in self.ledger.accounts() if lane.account_id == account_id]

    def find(self, tenant_id: TenantId, generation_id: GenerationId) -> UsageRecord | None:
        record = self.records.get(generation_id)
        return record if record is not None and record.tenant_id == tenant_id else None

    def ask(
        self, route: str, *, key: str | None = MANAGER, body: Any = None, **query: str
    ) -> Answer:
        """Send a request; `GET /keys/<hash>` names its resource by itself."""
        method, _, path = route.partition(" ")
        parts = path.split("/")
        named = parts[2] if len(parts) > 2 and parts[1] == "keys" else None
        if named is not None:
            parts[2] = "{hash}"
        result = self.routes.respond(
            {
                "httpMethod": method,
                "resource": "/api/v1" + "/".join(parts),
                "pathParameters": None if named is None else {"hash": named},
                "queryStringParameters": query or None,
                "multiValueQueryStringParameters": {name: [text] for name, text in query.items()},
                "headers": {} if key is None else {"Authorization": f"Bearer {key}"},
                "body": body if body is None or isinstance(body, str) else json.dumps(body),
            },
            request_id="request-1",
        )
        return Answer(result["statusCode"], result["headers"], result["body"])

    def create(self, **wishes: Any) -> Any:
        """Make a key and return what its maker is told."""
        answer = self.ask("POST /keys", body={"name": "app", **wishes})
        assert answer.status == 201, answer.text
        return answer.body


def sample(name: str) -> Any:
    """A full body as OpenRouter sends it."""
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def shape(value: Any) -> Any:
    """The fields of a body in their order, without their values; of a list, those of the first."""
    if isinstance(value, dict):
        return [(name, shape(item)) for name, item in value.items()]
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return None
