"""A tenant with a price plan sees its own prices, and nothing of upstream's cost."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.http.chunks import (
    CHUNKS,
    DONE,
    OUR_ID,
    UPSTREAM_ID,
    USAGE,
    chunk,
    content_of,
    event,
    renamed,
    stream,
)
from weir.domain.errors import ProviderError
from weir.domain.money import PicoUsd
from weir.domain.price_plans import PricePlan, TokenPrices
from weir.http.body_translation import BodyTranslation
from weir.http.stream_translation import StreamTranslation

PLAN = PricePlan(version=1, multiplier_ppm=1_150_000)
FIXED = PricePlan(
    version=2,
    models={
        "openai/gpt-4o-mini": TokenPrices(
            prompt_pico_usd=PicoUsd(1_000_000), completion_pico_usd=PicoUsd(2_000_000)
        ),
        "asked/for": 7_000_000,
    },
)


def answer(usage: Any, **extra: Any) -> dict[str, Any]:
    choices = [{"index": 0, "message": {"content": 'my "cost": 5'}, "cost": 0.5}]
    return {
        "id": UPSTREAM_ID,
        "model": "openai/gpt-4o-mini",
        "choices": choices,
        **extra,
        "usage": usage,
    }


def shown(body: bytes | dict[str, Any], plan: PricePlan = PLAN) -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    translation = BodyTranslation(OUR_ID, model="asked/for", plan=plan)
    translation.feed(raw)
    translation.end()
    return translation.ending(None)


def usage_of(body: bytes) -> dict[str, Any]:
    usage = json.loads(body, parse_float=Decimal)["usage"]
    assert isinstance(usage, dict)
    return usage


def test_only_money_differs_when_a_plan_has_a_multiplier() -> None:
    raw = json.dumps(answer(USAGE), indent=1).encode()

    assert shown(raw) == (
        renamed(raw)
        .replace(b'"cost": 0.00012,', b'"cost": 0.000138,')
        .replace(b"4e-05", b"0.000046")
        .replace(b"8e-05", b"0.000092")
    )


def test_every_byte_is_upstreams_when_the_plan_is_at_cost() -> None:
    raw = json.dumps(answer(USAGE, openrouter_metadata={"cost_usd": 0.5})).encode()

    assert shown(raw, PricePlan(version=9)) == renamed(raw)


def test_price_counts_tokens_when_the_answering_model_has_fixed_prices() -> None:
    usage = usage_of(shown(answer(USAGE), FIXED))

    assert usage["cost"] == Decimal("0.000032")
    # 32,000 nano-USD, shared as upstream's two parts share its cost.
    assert usage["cost_details"] == {
        "upstream_inference_cost": None,
        "upstream_inference_prompt_cost": Decimal("0.000010666"),
        "upstream_inference_completions_cost": Decimal("0.000021333"),
    }


@pytest.mark.parametrize("model", [..., None, "", 7])
def test_model_asked_for_is_priced_when_upstream_names_none(model: object) -> None:
    content = {**answer(USAGE), "model": model}
    if model is ...:
        del content["model"]

    assert usage_of(shown(content, FIXED))["cost"] == Decimal("0.00084")


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (None, None),
        ("0.00012", None),
        ([0.00012], None),
        ({}, {}),
        (
            {"upstream_inference_cost": 0.00012, "server_tool_cost": 0.1, "tomorrows": {"x": 1}},
            {"upstream_inference_cost": None, "server_tool_cost": None, "tomorrows": None},
        ),
        (
            {"upstream_inference_prompt_cost": None, "upstream_inference_completions_cost": "4"},
            {"upstream_inference_prompt_cost": None, "upstream_inference_completions_cost": None},
        ),
        (
            {"upstream_inference_prompt_cost": 0, "upstream_inference_completions_cost": 0.00006},
            {
                "upstream_inference_prompt_cost": 0,
                "upstream_inference_completions_cost": Decimal("0.000069"),
            },
        ),
        (  # with a provider key of the operator's own: more than upstream charges
            {"upstream_inference_prompt_cost": 0.003, "upstream_inference_completions_cost": 0.001},
            {
                "upstream_inference_prompt_cost": Decimal("0.0001035"),
                "upstream_inference_completions_cost": Decimal("0.0000345"),
            },
        ),
    ],
    ids=["null", "text", "list", "empty", "other", "no numbers", "tools", "own provider key"],
)
def test_details_keep_their_shape_when_their_amounts_are_replaced(
    details: object, expected: object
) -> None:
    usage = usage_of(shown(answer({**USAGE, "cost_details": details})))

    assert usage["cost"] == Decimal("0.000138")
    assert usage["cost_details"] == expected


@pytest.mark.parametrize("cost", [None, "0.00012", -0.5, True, [0.00012]])
def test_cost_is_null_when_it_cannot_be_billed(cost: object) -> None:
    body = shown(answer({**USAGE, "cost": cost}))

    assert usage_of(body)["cost"] is None
    assert usage_of(body)["cost_details"] is None


@pytest.mark.parametrize("usage", [None, 7, "text", [], {}])
def test_usage_stays_when_it_tells_nothing(usage: object) -> None:
    body = json.dumps(answer(usage)).encode()

    assert shown(body) == renamed(body)


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ({"openrouter_metadata": {"pipeline": [{"cost_usd": 0.5, "name": "x"}]}}, None),
        ({"openrouter_metadata": {"pipeline": [{"a": {"total_COST": {"b": 1}}}, 2]}}, None),
        ({"cost": 0.5}, {"cost": None}),
        ({"pricing": {"prompt": 0.5}}, {"pricing": None}),
        ({"x": {"\u0063ost": 0.5, "y": "cost"}}, {"x": {"cost": None, "y": "cost"}}),
        ({"x": [{"cache_discount": [0.5]}]}, {"x": [{"cache_discount": None}]}),
        ({"x": {"costs": {"cost": 0.5}, "y": 1}}, {"x": {"costs": None, "y": 1}}),
        ({"x": {'a"cost': 0.5, "b\\": "cost"}}, {"x": {'a"cost': None, "b\\": "cost"}}),
        ({"x": "cost: 0.5"}, {"x": "cost: 0.5"}),
    ],
)
def test_amounts_are_hidden_when_they_stand_elsewhere(
    member: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    body = json.loads(shown(answer(USAGE, **member)))

    if expected is not None:
        assert {name: body[name] for name in member} == expected
    else:
        hidden = json.dumps(body["openrouter_metadata"])
        assert "0.5" not in hidden
        assert '"b"' not in hidden
        assert "null" in hidden
    assert body["choices"] == answer(USAGE)["choices"]


def test_name_is_recognised_when_it_is_written_with_escapes() -> None:
    body = json.dumps(answer(USAGE)).replace('"usage"', '"x": {"\\u0063ost" : 0.5}, "usage"')

    assert b'"x": {"\\u0063ost" : null}' in shown(body.encode())


def test_amounts_are_hidden_when_they_stand_elsewhere_in_the_usage() -> None:
    usage = {**USAGE, "discount_usd": 0.5, "iterations": [{"prompt_tokens": 3, "cost": 0.5}]}

    priced = usage_of(shown(answer(usage)))

    assert priced["discount_usd"] is None
    assert priced["iterations"] == [{"prompt_tokens": 3, "cost": None}]
    assert priced["prompt_tokens_details"] == USAGE["prompt_tokens_details"]


def test_price_has_no_exponent_when_it_is_tiny() -> None:
    assert b'"cost": 0.000000002,' in shown(answer({**USAGE, "cost": 1e-9}))


def test_answer_is_refused_when_its_usage_states_two_costs() -> None:
    body = json.dumps(answer(USAGE)).replace('"is_byok"', '"cost": 1, "is_byok"')
    translation = BodyTranslation(OUR_ID, plan=PLAN)
    translation.feed(body.encode())

    with pytest.raises(ProviderError, match="not JSON"):
        translation.end()

    assert translation.reading.usage is not None


def test_reading_keeps_upstreams_cost_when_a_price_is_shown() -> None:
    translation = BodyTranslation(OUR_ID, plan=PLAN)
    translation.feed(json.dumps(answer(USAGE)).encode())
    translation.end()

    assert translation.reading.usage is not None
    assert translation.reading.usage.cost_nano_usd == 120_000


@pytest.mark.parametrize("spaced", [False, True])
def test_stream_differs_in_id_and_money_when_a_plan_is_not_at_cost(spaced: bool) -> None:  # noqa: FBT001
    translation = StreamTranslation(OUR_ID, model="asked/for", plan=PLAN)
    body = stream(spaced=spaced)

    sent = translation.feed(body)
    translation.end()

    space = b" " if spaced else b""
    assert sent + translation.ending(None) == (
        renamed(body)
        .replace(b'"cost":%b0.00012,' % space, b'"cost":%b0.000138,' % space)
        .replace(b"4e-05", b"0.000046")
        .replace(b"8e-05", b"0.000092")
    )


def test_every_count_is_priced_when_usage_comes_more_than_once() -> None:
    translation = StreamTranslation(OUR_ID, plan=PLAN)
    early = event(chunk({"content": "x"}, usage={**USAGE, "cost": 0.00002, "cost_details": None}))

    sent = content_of(translation.feed(early))
    translation.feed(stream())

    assert sent["usage"]["cost"] == 0.000023
    assert translation.reading.usage is not None
    assert translation.reading.usage.cost_nano_usd == 120_000


def test_model_of_the_usage_stays_when_a_later_chunk_names_another() -> None:
    translation = StreamTranslation(OUR_ID, model="asked/for", plan=FIXED)
    later = chunk({"content": ""}, finish="stop")

    translation.feed(event(CHUNKS[-1]) + event({**later, "model": "asked/for"}) + DONE)

    assert translation.reading.model == "openai/gpt-4o-mini"


def test_chunk_is_looked_through_when_it_tells_money_without_usage() -> None:
    translation = StreamTranslation(OUR_ID, plan=PLAN)
    translation.feed(event(CHUNKS[0]))
    content = chunk({"content": 'the "cost": 5'}, openrouter_metadata={"cost_usd": 0.5})

    sent = content_of(translation.feed(event(content)))

    assert sent["openrouter_metadata"] == {"cost_usd": None}
    assert sent["choices"] == content["choices"]


def test_bytes_are_kept_when_they_are_not_utf8() -> None:
    raw = json.dumps(answer(USAGE)).encode()
    odd = raw.replace(b'"is_byok": false', b'"is_byok": "\xff\xed\xa0\x80"')

    assert b'"is_byok": "\xff\xed\xa0\x80"' in shown(odd)
