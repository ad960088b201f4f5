"""Upstream's ledger and catalogue, read over HTTP."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.support.fakes import FakeClock
from tests.support.fault_server import FaultServer, Peer, Script, answer
from tests.support.upstream import CANARY, upstream
from weir.adapters.upstream import api
from weir.adapters.upstream.catalogue import (
    ABSENT_TTL_MS,
    FOUND_TTL_MS,
    STALE_MS,
    UpstreamPrices,
    parse_price,
)
from weir.adapters.upstream.generations import UpstreamGenerations
from weir.domain.errors import ProviderError, UpstreamTimeoutError
from weir.domain.money import NanoUsd, PicoUsd
from weir.domain.prices import ModelPrice
from weir.domain.usage import ArchivedGeneration, Usage

PRICING = {"prompt": "0.000003", "completion": "0.000015"}


def data(**fields: Any) -> Script:
    return answer(body=json.dumps({"data": fields}).encode())


def generation_from(script: Script, *, generation_id: str = "gen-1-abc") -> ArchivedGeneration:
    with FaultServer(script) as server, upstream(server) as weir:
        found = UpstreamGenerations(weir.api).generation(generation_id)
    assert found is not None
    return found


def usage_from(script: Script) -> Usage:
    return generation_from(script).usage


def test_usage_is_exact_when_upstream_knows_the_generation() -> None:
    body = b'{"data": {"total_cost": 0.0012345675, "native_tokens_prompt": 10, "tokens_prompt": 8, \
"native_tokens_completion": 25, "native_tokens_reasoning": 5, "native_tokens_cached": 3}}'

    assert usage_from(answer(body=body)) == Usage(
        cost_nano_usd=NanoUsd(1_234_568),
        prompt_tokens=10,
        completion_tokens=25,
        reasoning_tokens=5,
        cached_tokens=3,
    )


def test_tokens_fall_back_when_the_native_counts_are_missing() -> None:
    script = data(total_cost=0, native_tokens_prompt=None, tokens_prompt=8, tokens_completion=7)

    assert usage_from(script) == Usage(
        cost_nano_usd=NanoUsd(0), prompt_tokens=8, completion_tokens=7
    )


def test_tokens_are_not_counted_when_they_are_booleans() -> None:
    script = data(total_cost=0, native_tokens_prompt=True, tokens_prompt=8, tokens_completion=True)

    assert usage_from(script) == Usage(cost_nano_usd=NanoUsd(0), prompt_tokens=8)


def test_generation_is_told_with_its_names_when_upstream_states_them() -> None:
    script = data(total_cost=0, model="a/b-1", provider_name="P", finish_reason="stop")

    assert generation_from(script) == ArchivedGeneration(
        usage=Usage(cost_nano_usd=NanoUsd(0)), model="a/b-1", provider="P", finish_reason="stop"
    )


def test_names_can_be_stored_when_upstream_states_odd_ones() -> None:
    script = data(total_cost=0, model="", provider_name=7, finish_reason="\ud800" + "x" * 300)

    generation = generation_from(script)

    assert (generation.model, generation.provider) == (None, None)
    assert generation.finish_reason == "?" + "x" * 255


def test_tokens_are_not_counted_when_no_model_takes_so_many() -> None:
    assert usage_from(data(total_cost=0, native_tokens_prompt=10**40)).prompt_tokens == 0


def test_usage_is_read_when_upstream_pauses_within_its_answer() -> None:
    body = [b'{"data": {"total', b'_cost": 1}}']
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n"
    pausing = lambda peer: peer.drip([head, *body], every_s=0.15)  # noqa: E731
    with FaultServer(pausing) as server, upstream(server, idle_s=0.03) as weir:
        generation = UpstreamGenerations(weir.api).generation("gen-1-abc")

    assert generation == ArchivedGeneration(usage=Usage(cost_nano_usd=NanoUsd(10**9)))


def test_generation_is_asked_for_with_the_key() -> None:
    with FaultServer(data(total_cost=0)) as server, upstream(server) as weir:
        UpstreamGenerations(weir.api).generation("gen-1:a.b")

    assert server.requests[0].line == "GET /api/v1/generation?id=gen-1%3Aa.b HTTP/1.1"
    assert server.requests[0].headers["authorization"] == f"Bearer {CANARY}"


def test_usage_is_unknown_when_upstream_does_not_know_the_generation() -> None:
    with FaultServer(answer(404)) as server, upstream(server) as weir:
        assert UpstreamGenerations(weir.api).generation("gen-1-abc") is None


@pytest.mark.parametrize("generation_id", ["", "a b", "../keys", "gen&id=other", "x" * 129, "é"])
def test_upstream_is_not_asked_when_the_id_is_malformed(generation_id: str) -> None:
    with FaultServer(answer(500)) as server, upstream(server) as weir:
        assert UpstreamGenerations(weir.api).generation(generation_id) is None
        assert server.connections == 0


@pytest.mark.parametrize(
    "script",
    [
        answer(500),
        answer(body=b"{"),
        answer(body=b"[]"),
        answer(body=b'{"data": null}'),
        answer(body=b"[" * 100_000),
        answer(body=b'{"data": {"x": "' + b"x" * 4_000_000 + b'"}}'),
        data(),
        data(total_cost=None),
        data(total_cost="0.1"),
        data(total_cost=True),
        data(total_cost=-1),
        answer(body=b'{"data": {"total_cost": 1e999}}'),
    ],
)
def test_error_is_raised_when_upstream_states_no_cost(script: Script) -> None:
    with pytest.raises(ProviderError):
        usage_from(script)


def test_lookup_times_out_when_upstream_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "LOOKUP_DEADLINE_MS", 200)

    with pytest.raises(UpstreamTimeoutError):
        usage_from(Peer.hang)


def test_price_is_the_highest_that_can_apply() -> None:
    model = {
        "context_length": 200_000,
        "top_provider": {"max_completion_tokens": 64_000},
        "pricing": {
            **PRICING,
            "input_cache_write": "0.00000375",
            "input_cache_write_1h": "0.000006",
            "input_cache_read": "0.9",
            "internal_reasoning": "0.00002",
            "request": "0.01",
            "image": "0.0048",
            "web_search": "0.01",
            "discount": 0.5,
            "overrides": [
                {"min_prompt_tokens": 200_000, "prompt": "0.000007", "completion": "0.00003"},
                {"utc_start": "00:00", "prompt": "0.000001"},
                "not an entry",
            ],
        },
    }

    assert parse_price(model) == ModelPrice(
        prompt_pico_usd=PicoUsd(7_000_000),
        completion_pico_usd=PicoUsd(30_000_000),
        request_pico_usd=PicoUsd(10_000_000_000),
        image_pico_usd=PicoUsd(4_800_000_000),
        web_search_pico_usd=PicoUsd(10_000_000_000),
        context_tokens=200_000,
    )


@pytest.mark.parametrize(
    "model",
    [
        {},
        {"pricing": None},
        {"pricing": {"prompt": "-1", "completion": "-1"}},
        {"pricing": {"prompt": "0.1"}},
        {"pricing": {"completion": "0.1"}},
        {"pricing": {**PRICING, "prompt": "cheap"}},
        {"pricing": {**PRICING, "prompt": None}},
        {"pricing": {**PRICING, "overrides": [{"completion": "NaN"}]}},
    ],
)
def test_price_is_unknown_when_the_catalogue_states_none(model: dict[str, Any]) -> None:
    assert parse_price(model) is None


@pytest.mark.parametrize("context", [None, True, 0, "8000"])
def test_context_is_unknown_when_the_catalogue_states_none(context: object) -> None:
    price = parse_price({"pricing": PRICING, "context_length": context, "top_provider": None})

    assert price == ModelPrice(
        prompt_pico_usd=PicoUsd(3_000_000), completion_pico_usd=PicoUsd(15_000_000)
    )


@pytest.mark.parametrize(
    "model",
    ["openai/gpt-4.1:free", "~anthropic/claude-latest", "meta-llama/Llama-3_1", "a/b:nitro"],
)
def test_model_is_asked_for_by_its_name(model: str) -> None:
    with FaultServer(data(pricing=PRICING)) as server, upstream(server) as weir:
        assert UpstreamPrices(weir.api, clock=FakeClock()).price(model) is not None

    assert server.requests[0].line == f"GET /api/v1/model/{model} HTTP/1.1"


@pytest.mark.parametrize(
    "model",
    [
        "",
        "gpt-4",
        "@preset/mine",
        "../keys",
        "a/..",
        "a/b..c",
        "a/./b",
        "a/b/c",
        "a/b?c=d",
        "a/b#c",
        "a/%2e%2e",
        "a/b:",
        "a/b:c:d",
        "a/b\n",
        "a/é",
        "a/" + "b" * 300,
    ],
)
def test_upstream_is_not_asked_when_the_model_is_malformed(model: str) -> None:
    with FaultServer(answer(500)) as server, upstream(server) as weir:
        assert UpstreamPrices(weir.api, clock=FakeClock()).price(model) is None
        assert server.connections == 0


@pytest.mark.parametrize(
    ("script", "remembered_ms"),
    [
        (data(pricing=PRICING), FOUND_TTL_MS),
        (data(pricing={"prompt": "-1", "completion": "-1"}), ABSENT_TTL_MS),
        (answer(404), ABSENT_TTL_MS),
        (answer(400), ABSENT_TTL_MS),
    ],
    ids=["priced", "router", "not found", "not a model"],
)
def test_price_is_remembered_for_its_time(script: Script, remembered_ms: int) -> None:
    clock = FakeClock()
    with FaultServer(script) as server, upstream(server, clock=clock) as weir:
        prices = UpstreamPrices(weir.api, clock=clock)
        first = prices.price("a/b")
        clock.pause(remembered_ms - 1)
        again = prices.price("a/b")
        asked_before = len(server.requests)
        clock.pause(1)
        prices.price("a/b")

        assert first == again
        assert (asked_before, len(server.requests)) == (1, 2)


def test_older_price_serves_for_a_day_when_the_catalogue_is_down() -> None:
    clock = FakeClock()
    with (
        FaultServer(data(pricing=PRICING), answer(500)) as server,
        upstream(server, clock=clock) as weir,
    ):
        prices = UpstreamPrices(weir.api, clock=clock)
        price = prices.price("a/b")
        clock.pause(FOUND_TTL_MS)

        assert (prices.price("a/b"), prices.price("a/b")) == (price, price)
        assert len(server.requests) == 2
        clock.pause(STALE_MS + ABSENT_TTL_MS)
        with pytest.raises(ProviderError):
            prices.price("a/b")


def test_fractions_are_read_without_floats() -> None:
    with FaultServer(answer(body=b'{"data": {"n": 0.1}}')) as server, upstream(server) as weir:
        assert weir.api.look_up("/x") == {"n": Decimal("0.1")}
