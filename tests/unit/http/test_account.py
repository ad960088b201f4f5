"""Credits, generations and activity on the wire."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.account_gateway import (
    HOLDER,
    MANAGER,
    STRANGER,
    AccountGateway,
    sample,
    shape,
)
from tests.support.fakes import TENANT
from tests.support.ledger_values import ACME, make_hold, make_record, new_id
from tests.support.usage_figures import cell, put_closed, put_open
from weir.domain.api_keys import key_hash
from weir.domain.money import NanoUsd
from weir.domain.rollups import Family
from weir.domain.usage import RecordStatus, Usage, UsageRecord
from weir.http.wire_values import workspace_id

GONE = (
    '{"error":{"code":410,"message":"The Coinbase APIs used by this endpoint have been deprecated, '
    "so the Coinbase Commerce credits API has been removed. Use the web credits purchase flow "
    'instead."}}'
)
HOLDER_ID = key_hash(HOLDER)[:8]


@pytest.fixture
def gateway() -> AccountGateway:
    return AccountGateway()


def recorded(gateway: AccountGateway, **changes: Any) -> UsageRecord:
    record = make_record(
        make_hold(),
        usage=Usage(
            cost_nano_usd=NanoUsd(1_000),
            prompt_tokens=10,
            completion_tokens=25,
            reasoning_tokens=5,
            cached_tokens=2,
        ),
        price_nano_usd=NanoUsd(1_500_000),
        upstream_generation_id="gen-upstream",
        **changes,
    )
    gateway.records[record.generation_id] = record
    return record


def test_credits_are_shown_as_openrouter_shows_them(gateway: AccountGateway) -> None:
    gateway.ledger.open_tenant_account(ACME, credit_nano_usd=100_500_000_000)

    answer = gateway.ask("GET /credits")

    assert shape(answer.body) == shape(sample("credits"))
    assert answer.text == '{"data":{"total_credits":100.5,"total_usage":0}}'


@pytest.mark.parametrize("key", [None, HOLDER, MANAGER, "sk-garbled"])
def test_credits_cannot_be_bought_with_coins_any_more(
    gateway: AccountGateway, key: str | None
) -> None:
    answer = gateway.ask("POST /credits/coinbase", key=key, body={"amount": 5})

    assert (answer.status, answer.text) == (410, GONE)


def test_a_generation_is_shown_as_openrouter_shows_it(gateway: AccountGateway) -> None:
    record = recorded(
        gateway,
        provider="OpenAI",
        finish_reason="stop",
        streamed=True,
        http_status=200,
        latency_ms=1_250,
        generation_ms=1_200,
        end_user="ann",
    )

    answer = gateway.ask("GET /generation", key=HOLDER, id=record.generation_id)

    expected = sample("generation")
    for name in ("endpoint_id", "id"):  # optional, and not known here
        del expected["data"]["provider_responses"][0][name]
    assert [name for name, _ in shape(answer.data)] == [name for name, _ in shape(expected["data"])]
    assert answer.data["provider_responses"] == [
        {
            "status": 200,
            "is_byok": False,
            "model_permaslug": record.model,
            "latency": 1_250,
            "provider_name": "OpenAI",
        }
    ]
    figures = {
        "id": record.generation_id,
        "total_cost": Decimal("0.0015"),
        "usage": Decimal("0.0015"),
        "created_at": "2026-11-18T12:00:00+00:00",
        "tokens_prompt": 10,
        "native_tokens_completion": 25,
        "native_tokens_reasoning": 5,
        "native_tokens_cached": 2,
        "latency": 1_250,
        "generation_time": 1_200,
        "finish_reason": "stop",
        "streamed": True,
        "cancelled": False,
        "external_user": "ann",
        "workspace_id": workspace_id(TENANT.tenant_id),
    }
    assert {name: answer.data[name] for name in figures} == figures


def test_a_generation_shows_nothing_of_the_operators_account(gateway: AccountGateway) -> None:
    record = recorded(gateway)

    answer = gateway.ask("GET /generation", id=record.generation_id)

    assert "upstream-" not in answer.text
    assert answer.data["upstream_id"] is None
    assert "0.000001" not in answer.text


def test_what_is_not_known_of_a_generation_is_null(gateway: AccountGateway) -> None:
    record = recorded(gateway, http_status=500)
    bare = recorded(gateway, status=RecordStatus.CANCELLED)

    shown = gateway.ask("GET /generation", id=record.generation_id).data
    cancelled = gateway.ask("GET /generation", id=bare.generation_id).data

    assert shown["provider_responses"] == [
        {"status": 500, "is_byok": False, "model_permaslug": record.model}
    ]
    assert cancelled["provider_responses"] is None
    assert cancelled["cancelled"] is True
    assert cancelled["streamed"] is None


def test_a_generation_of_another_tenant_reads_like_one_that_does_not_exist(
    gateway: AccountGateway,
) -> None:
    theirs, absent = recorded(gateway).generation_id, new_id()

    answers = [gateway.ask("GET /generation", key=STRANGER, id=name) for name in (theirs, absent)]

    assert [answer.status for answer in answers] == [404, 404]
    texts = {
        answer.text.replace(name, "")
        for answer, name in zip(answers, (theirs, absent), strict=True)
    }
    assert len(texts) == 1


@pytest.mark.parametrize(
    "query", [{}, {"id": ""}, {"id": "x" * 513}], ids=["none", "empty", "long"]
)
def test_a_generation_must_be_named(gateway: AccountGateway, query: dict[str, str]) -> None:
    assert gateway.ask("GET /generation", **query).status == 400


def test_activity_is_shown_as_openrouter_shows_it(gateway: AccountGateway) -> None:
    put_closed(gateway.rollups, "2026-11-16", cell(model="b"), 15_000_000)
    put_open(gateway.rollups, "2026-11-17", cell(model="b", provider=None), 2)
    put_open(gateway.rollups, "2026-11-17", cell(model="a"), 3)
    put_open(gateway.rollups, "2026-11-17", cell(model="a", key_id="ffff0000"), 4, minute=10)
    put_open(gateway.rollups, "2026-11-18", cell(), 5)  # today
    put_open(gateway.rollups, "2026-10-18", cell(), 6)  # too long ago

    answer = gateway.ask("GET /activity")

    assert shape(answer.body) == shape(sample("activity"))
    assert [(row["date"], row["model"], row["usage"]) for row in answer.data] == [
        ("2026-11-17", "a", Decimal("0.000000007")),
        ("2026-11-17", "b", Decimal("0.000000002")),
        ("2026-11-16", "b", Decimal("0.015")),
    ]
    assert answer.data[2] == {
        "date": "2026-11-16",
        "model": "b",
        "model_permaslug": "b",
        "endpoint_id": answer.data[2]["endpoint_id"],
        "provider_name": "Maker",
        "usage": Decimal("0.015"),
        "byok_usage_inference": 0,
        "requests": 1,
        "prompt_tokens": 3,
        "completion_tokens": 5,
        "reasoning_tokens": 2,
        "cached_tokens": 1,
    }
    assert gateway.ask("GET /activity", key=STRANGER).data == []


def test_activity_is_filtered(gateway: AccountGateway) -> None:
    of_ann = cell(family=Family.END_USER, end_user="ann", key_id=HOLDER_ID)
    put_open(gateway.rollups, "2026-11-16", cell(key_id=HOLDER_ID), 1)
    put_open(gateway.rollups, "2026-11-17", cell(key_id=HOLDER_ID), 10)
    put_open(gateway.rollups, "2026-11-17", cell(), 100)
    put_open(gateway.rollups, "2026-11-17", of_ann, 1_000)

    def usage(**query: str) -> int:
        rows = gateway.ask("GET /activity", **query).data
        return int(sum(row["usage"] for row in rows) * 10**9)

    assert usage() == 111
    assert usage(date="2026-11-16") == 1
    assert usage(api_key_hash=key_hash(HOLDER)) == 11
    assert usage(user_id="ann") == 1_000
    assert usage(user_id="bob") == 0
    assert usage(workspace_id=workspace_id(TENANT.tenant_id)) == 111
    assert usage(workspace_id="0df9e665-d932-5740-b2c7-b52af166bc11") == 0
    (row,) = gateway.ask("GET /activity", group_by="workspace", date="2026-11-16").data
    assert row["workspace_id"] == workspace_id(TENANT.tenant_id)


@pytest.mark.parametrize(
    "query",
    [
        {"date": "2026-11-18"},
        {"date": "2026-10-18"},
        {"date": "yesterday"},
        {"date": "2026-02-30"},
        {"date": "0001-01-01"},
        {"group_by": "model"},
    ],
    ids=str,
)
def test_activity_is_refused_when_the_query_is_not_clear(
    gateway: AccountGateway, query: dict[str, str]
) -> None:
    assert gateway.ask("GET /activity", **query).status == 400


@pytest.mark.parametrize("named", [key_hash(STRANGER), key_hash("absent"), "x"])
def test_activity_of_a_key_that_is_not_the_tenants_is_not_found(
    gateway: AccountGateway, named: str
) -> None:
    answer = gateway.ask("GET /activity", api_key_hash=named)

    assert (answer.status, answer.body["error"]["message"]) == (404, "API key not found")
