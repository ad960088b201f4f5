"""Requests through the deployed stack become rollups, events and alerts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_socket
import requests

from local.published_events import PublishedEvents
from local.seed import issue_key, seed_tenant
from local.stack import LocalStack
from tests.support.rollup_fakes import expected_buckets, stored_buckets
from tests.support.rollup_stage import inserted
from tests.support.stacks import assert_books_balance, echo_stack, records
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.domain import generations
from weir.domain.accounts import tenant_account
from weir.domain.api_keys import KeyKind
from weir.domain.money import NanoUsd, usd
from weir.domain.price_plans import PricePlan
from weir.domain.rollups import Family, Sums
from weir.domain.tenants import TenantId
from weir.domain.usage import UsageRecord
from weir.services.rollups import daily_figures

METERED = TenantId("metered")
HALF_MORE = PricePlan(version=1, multiplier_ppm=1_500_000)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack that publishes usage events; its books must balance in the end."""
    pytest_socket.enable_socket()
    logs: Path = tmp_path_factory.mktemp("rollup-logs")
    with echo_stack(logs, parameters={"UsageEvents": "on"}) as running:
        yield running
        assert_books_balance(running)


@pytest.fixture
def published(stack: LocalStack) -> Iterator[PublishedEvents]:
    with PublishedEvents(stack.aws) as events:
        yield events


def ask(stack: LocalStack, key: str, *, user: str | None = None, stream: bool = False) -> int:
    response = requests.post(
        f"{stack.base_url}/chat/completions",
        json={
            "model": "weir/echo",
            "messages": [{"role": "user", "content": "hello"}],
            "max_tokens": 8,
            "stream": stream,
            **({} if user is None else {"user": user}),
        },
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )
    return response.status_code


def rows_of(stack: LocalStack, tenant_id: TenantId) -> list[UsageRecord]:
    return [record for record in records(stack).values() if record.tenant_id == tenant_id]


def rollups_of(stack: LocalStack) -> DynamoDBRollups:
    return DynamoDBRollups(stack.database, table=stack.tables["RollupsTable"])


def days_of(rows: list[UsageRecord]) -> dict[str, str]:
    days = sorted(generations.day(row.generation_id) for row in rows)
    return {"first": days[0], "last": days[-1]}


def test_requests_are_rolled_up_and_published(
    stack: LocalStack, published: PublishedEvents
) -> None:
    tenant = seed_tenant(stack.books, tenant_id=METERED, credit_usd=1, plan=HALF_MORE)
    key = issue_key(stack.books, tenant, kind=KeyKind.INFERENCE, label="rollups")
    for user in (None, "ann", "ann", "bob"):
        assert ask(stack, key, user=user, stream=user == "ann") == 200

    stack.pump_once()

    rows, rollups = rows_of(stack, METERED), rollups_of(stack)
    assert stored_buckets(rollups, METERED, **days_of(rows)) == expected_buckets(rows)
    usage = [e["detail"] for e in published.take() if e["detail-type"] == "weir.usage.recorded"]
    assert {(e["id"], e["price_nano_usd"]) for e in usage} == {
        (row.generation_id, row.price_nano_usd) for row in rows
    }
    assert all(row.price_nano_usd > row.usage.cost_nano_usd for row in rows)

    figures = daily_figures(rollups, METERED, family=Family.END_USER, **days_of(rows))
    by_end_user: dict[str | None, Sums] = {}
    for figure in figures:
        end_user = figure.cell.end_user
        by_end_user[end_user] = by_end_user.get(end_user, Sums()) + figure.sums
    assert {name: sums.requests for name, sums in by_end_user.items()} == {"ann": 2, "bob": 1}


def test_nothing_changes_when_the_stream_is_delivered_again(
    stack: LocalStack, published: PublishedEvents
) -> None:
    assert ask(stack, stack.api_key) == 200
    stack.pump_once()
    rows = [*records(stack).values()]
    tenants = {row.tenant_id for row in rows}
    before = {t: stored_buckets(rollups_of(stack), t, **days_of(rows)) for t in tenants}

    for batch in (rows, rows[::-1] + rows[:1]):
        answer: Any = stack.gateway.invoke("RollupFunction", {"Records": inserted(*batch)})
        assert answer == {"batchItemFailures": []}

    after = {t: stored_buckets(rollups_of(stack), t, **days_of(rows)) for t in tenants}
    assert before == after
    for tenant_id in tenants:
        assert after[tenant_id] == expected_buckets(rows_of(stack, tenant_id))


@pytest.mark.chaos
def test_alerts_are_published_once_while_the_credit_runs_out(
    stack: LocalStack, published: PublishedEvents
) -> None:
    assert ask(stack, stack.api_key) == 200
    estimate = max(row.estimate_nano_usd for row in records(stack).values())
    tenant_id = TenantId("thrifty")
    # When the next estimate is not covered any more, more than half of it is spent.
    tenant = seed_tenant(stack.books, tenant_id=tenant_id, credit_usd=usd(NanoUsd(2 * estimate)))
    key = issue_key(stack.books, tenant, kind=KeyKind.INFERENCE, label="alerts")

    statuses = []
    for _ in range(60):
        statuses.append(ask(stack, key))
        stack.pump_once()
        if statuses[-1] == 402:
            break

    assert set(statuses) == {200, 402}
    alerts = [e["detail"] for e in published.take() if e["detail-type"] == "weir.budget.threshold"]
    (account,) = stack.books.ledger.lanes(tenant)
    spent = account.spent_nano_usd * 100 // account.credit_nano_usd
    assert spent >= 50
    assert [alert["threshold_percent"] for alert in alerts] == [
        threshold for threshold in (50, 80, 100) if threshold <= spent
    ]
    assert {alert["account_id"] for alert in alerts} == {tenant_account(tenant_id)}
    assert {alert["limit_nano_usd"] for alert in alerts} == {2 * estimate}
