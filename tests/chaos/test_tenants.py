"""Payments and changes of a tenant from many sides, on a DynamoDB that runs writers at once."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
import pytest_socket

from local.stack import LocalStack
from tests.support.operator_calls import Operator, chat
from tests.support.stacks import upstream_costs
from tests.support.storm_stack import stormy_stack
from weir.domain.tenants import TenantId
from weir.services.audit import audit

pytestmark = pytest.mark.chaos

CLIENTS = 16
PAYMENTS = 6
REQUESTS = 60


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    pytest_socket.enable_socket()
    with stormy_stack(tmp_path_factory.mktemp("tenant-logs")) as (running, _):
        yield running
        report = audit(running.books.ledger, upstream=upstream_costs(running))
        assert report.violations == ()


def test_each_payment_counts_once_when_all_announce_it(stack: LocalStack) -> None:
    operator = Operator(stack)
    tenant_id = operator.tenant(credit=0, lanes=3)

    def announce(number: int) -> int:
        grant = {"amount": 1 + number % PAYMENTS, "reference": f"invoice {number % PAYMENTS}"}
        answer = operator.ask(f"POST /tenants/{tenant_id}/credits", grant)
        # Many transactions on the same lanes: some give up, and are sent again as a client would.
        return announce(number) if answer.status_code == 503 else answer.status_code

    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = Counter(pool.map(announce, range(CLIENTS * PAYMENTS)))

    print(f"{CLIENTS * PAYMENTS} announcements of {PAYMENTS} payments: {dict(statuses)}")
    total = operator.done(f"GET /tenants/{tenant_id}")["data"]["credits"]["total"]
    assert total == sum(range(1, PAYMENTS + 1))
    assert statuses[201] <= PAYMENTS  # the answer of one may have been lost
    log = operator.done(f"GET /tenants/{tenant_id}/audit")["data"]
    assert Counter(entry["action"] for entry in log)["credit.granted"] == PAYMENTS


def test_no_request_and_no_change_is_lost_when_limits_change_under_load(stack: LocalStack) -> None:
    operator = Operator(stack)
    tenant_id = operator.tenant(credit=50, lanes=2)
    key = operator.issue(tenant_id)
    spends = [Decimal(number) for number in range(10, 30)]

    def ask(_: int) -> int:
        return chat(stack, key).status_code

    def limit(spend: Decimal) -> int:
        body = {"limits": {"spend": int(spend)}}
        return operator.ask(f"PATCH /tenants/{tenant_id}", body).status_code

    with ThreadPoolExecutor(CLIENTS) as pool:
        asked = pool.map(ask, range(REQUESTS))
        limited = [limit(spend) for spend in spends]
        answered = Counter(asked)

    print(f"{REQUESTS} requests beside {len(spends)} changes: {dict(answered)}")
    shown = operator.done(f"GET /tenants/{tenant_id}")["data"]
    tenant = stack.books.tenants.find(TenantId(tenant_id))
    assert tenant is not None
    assert (set(answered), set(limited)) == ({200}, {200})
    assert shown["limits"]["spend"] == spends[-1]
    left = sum(sum(lane.remaining_by_period.values()) for lane in stack.books.ledger.lanes(tenant))
    assert Decimal(left) / 10**9 == spends[-1] - shown["credits"]["used"]
