"""The routes of the operator function over stores in memory."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.account_gateway import HOLDER, MANAGER, PREFIX, AccountGateway, Answer
from tests.support.fake_tenants import FakeTenants
from tests.support.fakes import FakeJournal
from tests.support.rollup_fakes import FakeRollups
from weir.domain.api_keys import KeyKind
from weir.domain.audit_log import AuditEntry
from weir.domain.tenants import TenantId
from weir.http.access import Gate
from weir.http.routes import Routes
from weir.http.tenant_keys import TenantKeyEndpoints
from weir.http.tenants import TenantEndpoints
from weir.services.api_keys import ApiKeyDesk
from weir.services.key_mints import KeyMint
from weir.services.spending import SpendingBook
from weir.services.tenant_credits import CreditDesk
from weir.services.tenants import TenantDesk

OPERATOR = "sk-weir-operator-" + "0" * 64
__all__ = ["HOLDER", "MANAGER", "OPERATOR", "OperatorGateway"]


@dataclass
class OperatorGateway:
    """Answers the operator's requests; what it makes is in `tenants` and `register`."""

    accounts: AccountGateway = field(default_factory=AccountGateway)
    tenants: FakeTenants = field(default_factory=FakeTenants)

    def __post_init__(self) -> None:
        serial = itertools.count(1_000)
        self.register = self.accounts.register

        def random(count: int) -> bytes:
            return next(serial).to_bytes(count)

        desk = TenantDesk(register=self.tenants, rollups=FakeRollups(), random=random)
        keys = ApiKeyDesk(
            register=self.register,
            mint=KeyMint(
                register=self.register,
                ledger=self.accounts.ledger,
                random=random,
                key_prefix=PREFIX,
            ),
            ledger=self.accounts.ledger,
            limits=self.accounts.ledger,
            budgets=self.accounts,
            spendings=SpendingBook(FakeRollups()),
            random=random,
            kinds=tuple(KeyKind),
        )
        credits_ = CreditDesk(tenants=desk, grants=self.tenants, random=random)
        endpoints = TenantEndpoints(desk=desk, credits=credits_, log=self)
        self.routes = Routes(
            table={**endpoints.routes(), **TenantKeyEndpoints(desk=desk, keys=keys).routes()},
            gate=Gate(keys=self.register, key_prefix=PREFIX, operator=self),
            clock=self.accounts.clock,
            journal=FakeJournal(),
        )

    def holder(self, presented: str) -> str | None:
        return "alice" if presented == OPERATOR else None

    def page(self, tenant_id: TenantId, *, before: str | None, count: int) -> Sequence[AuditEntry]:
        log = sorted(self.tenants.log, key=lambda entry: entry.entry_id, reverse=True)
        own = [entry for entry in log if entry.tenant_id == tenant_id]
        return [entry for entry in own if before is None or entry.entry_id < before][:count]

    def ask(
        self, route: str, body: Any = None, *, key: str | None = OPERATOR, **query: str
    ) -> Answer:
        """Send a request; `GET /tenants/acme/keys/<hash>` names its resources by itself."""
        method, _, path = route.partition(" ")
        parts = path.split("/")
        named = dict(zip(("id", "hash"), parts[2:6:2], strict=False))
        pattern = "/".join([*parts[:2], *(("{id}",) if len(parts) > 2 else ()), *parts[3:4]])
        pattern += "/{hash}" if "hash" in named else ""
        result = self.routes.respond(
            {
                "httpMethod": method,
                "resource": f"/api/v1{pattern}",
                "pathParameters": named,
                "queryStringParameters": query,
                "headers": {} if key is None else {"Authorization": f"Bearer {key}"},
                "body": body if body is None or isinstance(body, str) else json.dumps(body),
            },
            request_id="request-1",
        )
        return Answer(result["statusCode"], result["headers"], result["body"])

    def data(self, route: str, body: Any = None, **query: str) -> Any:
        """Send a request that must succeed, and return what it tells."""
        answer = self.ask(route, body, **query)
        assert answer.status < 300, answer.text
        return answer.data
