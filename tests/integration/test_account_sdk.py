"""Keys, credits, generations and activity through OpenRouter's own client, unmodified."""

import csv
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests
from openrouter import OpenRouter, errors

from local.seed import issue_key, seed_tenant
from local.stack import LocalStack
from tests.support.stacks import records
from weir.domain.api_keys import KeyKind, key_hash
from weir.domain.money import NanoUsd, usd
from weir.domain.tenants import TenantId

MODEL = "weir/echo"
# Any: plain dicts, as the documentation writes them.
MESSAGES: Any = [{"role": "user", "content": "one two three"}]


@pytest.fixture(scope="module")
def manager(stack: LocalStack) -> Iterator[OpenRouter]:
    tenant = seed_tenant(stack.books, tenant_id=TenantId("sdk"), credit_usd=Decimal("2.5"))
    key = issue_key(stack.books, tenant, kind=KeyKind.MANAGEMENT, label="manager")
    with client(stack, key) as made:
        yield made


def client(stack: LocalStack, key: str) -> OpenRouter:
    return OpenRouter(api_key=key, server_url=stack.base_url)


def ask(stack: LocalStack, key: str) -> Any:
    with client(stack, key) as holder:
        return holder.chat.send(model=MODEL, messages=MESSAGES)


def create(manager: OpenRouter, name: str, **wishes: Any) -> Any:
    return manager.api_keys.create(name=name, **wishes)


def test_a_key_is_made_shown_changed_and_deleted(stack: LocalStack, manager: OpenRouter) -> None:
    ends = dt.datetime(2040, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
    made = create(manager, "app", limit=1.5, limit_reset="monthly", expires_at=ends)

    assert made.data.hash == key_hash(made.key)
    assert (made.data.name, made.data.limit, made.data.limit_reset) == ("app", 1.5, "monthly")
    assert made.data.expires_at == ends

    result = ask(stack, made.key)
    price = float(usd(records(stack)[result.id].price_nano_usd))
    shown = manager.api_keys.get(hash=made.data.hash).data
    assert price > 0
    assert shown.limit_remaining == pytest.approx(1.5 - price, abs=1e-12)
    assert (shown.usage, shown.usage_daily, shown.usage_monthly) == (price, price, price)

    changed = manager.api_keys.update(hash=made.data.hash, name="old", limit=None, disabled=True)
    assert (changed.data.name, changed.data.limit, changed.data.disabled) == ("old", None, True)
    assert changed.data.limit_reset == "monthly"

    listed = {key.name for key in manager.api_keys.list(include_disabled=True).data}
    assert "old" in listed
    assert "old" not in {key.name for key in manager.api_keys.list().data}

    assert manager.api_keys.delete(hash=made.data.hash).DELETED is True
    with pytest.raises(errors.NotFoundResponseError):
        manager.api_keys.get(hash=made.data.hash)


# The client itself warns of the field `rate_limit`, which it demands.
@pytest.mark.filterwarnings("ignore:.*DEPRECATED:DeprecationWarning")
def test_a_key_tells_its_holder_about_itself(stack: LocalStack, manager: OpenRouter) -> None:
    made = create(manager, "self", limit=2)

    with client(stack, made.key) as holder:
        data = holder.api_keys.get_current_key_metadata().data

    assert (data.label, data.limit, data.limit_remaining) == (made.data.label, 2, 2)
    assert data.is_management_key is False
    assert data.effective_budget is not None
    assert data.effective_budget.scope == "key_limit"
    assert manager.api_keys.get_current_key_metadata().data.is_management_key is True


def test_a_generation_is_told_to_its_own_tenant_alone(
    stack: LocalStack, manager: OpenRouter
) -> None:
    made = create(manager, "asker")
    result = ask(stack, made.key)

    with client(stack, made.key) as holder:
        data = holder.generations.get_generation(id=result.id).data

    record = records(stack)[result.id]
    assert (data.id, data.model) == (result.id, record.model)
    assert data.total_cost == data.usage == float(usd(record.price_nano_usd))
    assert data.tokens_prompt == result.usage.prompt_tokens
    with client(stack, stack.api_key) as other, pytest.raises(errors.NotFoundResponseError):
        other.generations.get_generation(id=result.id)


def test_credits_are_what_was_granted_and_used(stack: LocalStack, manager: OpenRouter) -> None:
    data = manager.credits.get_credits().data

    spent = sum(
        record.price_nano_usd for record in records(stack).values() if record.tenant_id == "sdk"
    )
    assert (data.total_credits, data.total_usage) == (2.5, spent / 1e9)


def test_activity_is_of_full_days_only(manager: OpenRouter) -> None:
    assert manager.analytics.get_user_activity().data == []


def test_an_inference_key_manages_nothing(stack: LocalStack) -> None:
    with client(stack, stack.api_key) as holder:
        for call in (holder.api_keys.list, holder.credits.get_credits):
            with pytest.raises(Exception, match="Only management keys"):
                call()


def test_usage_is_told_in_json_and_streamed_as_csv(stack: LocalStack, manager: OpenRouter) -> None:
    made = create(manager, "measured")
    for _ in range(2):
        ask(stack, made.key)
    stack.pump_once()
    query = {"group_by": "day,key,model", "api_key_hash": made.data.hash}
    headers = {"Authorization": f"Bearer {manager_key(manager)}"}

    shown = requests.get(f"{stack.base_url}/usage", params=query, headers=headers, timeout=20)
    sent = requests.get(f"{stack.base_url}/usage.csv", params=query, headers=headers, timeout=20)

    (row,) = shown.json()["data"]
    (line,) = csv.DictReader(sent.text.splitlines())
    mine = [one for one in records(stack).values() if one.key_id == made.data.hash[:8]]
    assert (row["requests"], row["api_key_hash"]) == (2, made.data.hash)
    assert Decimal(line["usage"]) == usd(NanoUsd(sum(one.price_nano_usd for one in mine)))
    assert [*line] == [*row]
    assert sent.headers["Content-Type"] == "text/csv; charset=utf-8"
    # What the rollups know, keys without an account of their own are told as well.
    assert manager.api_keys.get(hash=made.data.hash).data.usage == pytest.approx(row["usage"])


def test_csv_is_refused_in_the_envelope_when_the_key_is_wrong(stack: LocalStack) -> None:
    headers = {"Authorization": f"Bearer {stack.api_key}"}

    sent = requests.get(f"{stack.base_url}/usage.csv", headers=headers, timeout=20)

    assert (sent.status_code, sent.json()["error"]["code"]) == (403, 403)


def test_a_rotated_key_answers_and_the_old_one_too_for_a_while(
    stack: LocalStack, manager: OpenRouter
) -> None:
    made = create(manager, "rotated", limit=1)
    ask(stack, made.key)
    headers = {"Authorization": f"Bearer {manager_key(manager)}"}

    rotated = requests.post(
        f"{stack.base_url}/keys/{made.data.hash}/rotate",
        json={"overlap_seconds": 3_600},
        headers=headers,
        timeout=20,
    )

    assert rotated.status_code == 201
    new = rotated.json()
    for key in (made.key, new["key"]):
        ask(stack, key)
    price = sum(r.price_nano_usd for r in records(stack).values() if r.key_id == made.data.hash[:8])
    shown = manager.api_keys.get(hash=new["data"]["hash"]).data
    assert shown.usage == pytest.approx(price / 1e9)
    assert shown.limit_remaining == pytest.approx(1 - price / 1e9)


def manager_key(manager: OpenRouter) -> str:
    security: Any = manager.sdk_configuration.security
    return str((security() if callable(security) else security).api_key)
