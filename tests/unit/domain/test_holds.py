from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import PRICE, make_request
from weir.domain.holds import estimate, prompt_tokens
from weir.domain.money import NanoUsd, PicoUsd
from weir.domain.price_plans import AT_COST, PricePlan, TokenPrices
from weir.domain.prices import ModelPrice
from weir.domain.requests import ChatRequest
from weir.domain.tenants import PromptBound

MODEL = "weir/echo"


def strict_estimate(
    request: ChatRequest, *prices: ModelPrice, plan: PricePlan = AT_COST
) -> NanoUsd:
    """The estimate when models `weir/echo`, `weir/echo-1`, … with these prices may answer."""
    models = [MODEL, *(f"{MODEL}-{number}" for number in range(1, len(prices)))]
    known = dict(zip(models, prices, strict=True))
    return estimate(request, prices=known, bound=PromptBound.STRICT, plan=plan)


@pytest.mark.parametrize(("bound", "tokens"), [("strict", 101 + 32), ("typical", 51 + 32)])
def test_a_prompt_is_bounded_by_its_bytes_and_messages(bound: str, tokens: int) -> None:
    request = make_request(prompt_bytes=101, messages=2)

    assert prompt_tokens(request, bound=PromptBound(bound)) == tokens


def test_media_count_by_part_and_size() -> None:
    request = make_request(prompt_bytes=0, messages=0, media_parts=2, media_bytes=4_000)

    assert prompt_tokens(request, bound=PromptBound.STRICT) == 2 * 8192 + 1_000


@given(
    prompt=st.integers(0, 10**6),
    completion=st.integers(1, 10**6),
    rates=st.tuples(*[st.integers(0, 10**9)] * 2),
)
def test_an_estimate_is_the_exact_price_rounded_up(
    prompt: int, completion: int, rates: tuple[int, int]
) -> None:
    price = ModelPrice(prompt_pico_usd=PicoUsd(rates[0]), completion_pico_usd=PicoUsd(rates[1]))
    request = make_request(prompt_bytes=prompt, messages=0, max_tokens=completion)

    held = strict_estimate(request, price)

    assert 0 <= held - Fraction(prompt * rates[0] + completion * rates[1], 1000) < 1


def test_the_context_of_the_model_bounds_prompt_and_completion() -> None:
    request = make_request(prompt_bytes=10**6, messages=0, max_tokens=10**6)
    price = ModelPrice(
        prompt_pico_usd=PicoUsd(1_000),
        completion_pico_usd=PicoUsd(1_000),
        context_tokens=8_000,
    )

    assert strict_estimate(request, price) == 16_000


def test_the_context_of_the_model_bounds_each_completion_when_several_are_asked_for() -> None:
    request = make_request(prompt_bytes=0, messages=0, max_tokens=3 * 10**6, completions=3)
    price = ModelPrice(
        prompt_pico_usd=PicoUsd(1_000), completion_pico_usd=PicoUsd(1_000), context_tokens=8_000
    )

    assert strict_estimate(request, price) == 3 * 8_000


def test_the_context_of_the_model_bounds_each_prompt_when_several_are_sent() -> None:
    request = make_request(
        prompt_bytes=10**6, messages=0, max_tokens=2 * 10**6, prompts=2, completions=2
    )
    price = ModelPrice(
        prompt_pico_usd=PicoUsd(1_000), completion_pico_usd=PicoUsd(1_000), context_tokens=8_000
    )

    assert strict_estimate(request, price) == 2 * (8_000 + 8_000)


@pytest.mark.parametrize("bound", PromptBound)
def test_a_token_id_is_one_token(bound: PromptBound) -> None:
    request = make_request(prompt_bytes=0, messages=2, token_ids=7)

    assert prompt_tokens(request, bound=bound) == 2 * 16 + 7


def test_a_fee_per_request_is_held_for_each_prompt() -> None:
    price = ModelPrice(
        prompt_pico_usd=PicoUsd(0), completion_pico_usd=PicoUsd(0), request_pico_usd=PicoUsd(5_000)
    )

    assert strict_estimate(make_request(prompts=3), price) == 15


def test_fees_per_request_image_and_search_are_added() -> None:
    price = ModelPrice(
        prompt_pico_usd=PicoUsd(0),
        completion_pico_usd=PicoUsd(0),
        request_pico_usd=PicoUsd(5_000),
        image_pico_usd=PicoUsd(7_000),
        web_search_pico_usd=PicoUsd(11_000_000_000),
    )
    request = make_request(media_parts=2, web_searches=3)

    assert strict_estimate(request, price) == 5 + 14 + 33_000_000


def test_a_search_is_held_when_the_model_itself_is_free() -> None:
    free = ModelPrice(prompt_pico_usd=PicoUsd(0), completion_pico_usd=PicoUsd(0))

    assert strict_estimate(make_request(web_searches=4), free) == 20_000_000


def test_the_dearest_model_decides_when_several_may_answer() -> None:
    cheap = ModelPrice(prompt_pico_usd=PicoUsd(0), completion_pico_usd=PicoUsd(0))
    alone = strict_estimate(make_request(), PRICE)

    both = strict_estimate(make_request(), cheap, PRICE)

    assert alone == both > 0


def test_what_is_held_is_the_price_when_the_plan_is_not_at_cost() -> None:
    request = make_request(prompt_bytes=100, messages=0, max_tokens=10)
    cost = strict_estimate(request, PRICE)

    held = strict_estimate(request, PRICE, plan=PricePlan(version=1, multiplier_ppm=1_500_000))

    assert (cost, held) == (21_000, 31_500)


def test_fixed_prices_bound_a_request_when_upstream_charges_nothing() -> None:
    fixed = TokenPrices(
        prompt_pico_usd=PicoUsd(2_000),
        completion_pico_usd=PicoUsd(3_000),
        request_pico_usd=PicoUsd(4_000),
    )
    free = ModelPrice(prompt_pico_usd=PicoUsd(0), completion_pico_usd=PicoUsd(0))
    request = make_request(prompt_bytes=100, messages=0, max_tokens=10)

    held = strict_estimate(request, free, plan=PricePlan(version=1, models={MODEL: fixed}))

    assert held == 200 + 30 + 4


def test_dearest_price_decides_when_a_plan_turns_the_order_of_costs() -> None:
    cheap = ModelPrice(prompt_pico_usd=PicoUsd(1_000), completion_pico_usd=PicoUsd(1_000))
    plan = PricePlan(version=1, multiplier_ppm=0, models={f"{MODEL}-1": 2_000_000})
    request = make_request(prompt_bytes=100, messages=0, max_tokens=10)

    assert strict_estimate(request, PRICE, cheap, plan=plan) == 2 * 110
