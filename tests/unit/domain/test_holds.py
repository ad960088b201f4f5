from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import PRICE, make_request
from weir.domain.holds import estimate, prompt_tokens
from weir.domain.money import PicoUsd
from weir.domain.prices import ModelPrice
from weir.domain.tenants import PromptBound


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

    held = estimate(request, prices=[price], bound=PromptBound.STRICT)

    assert 0 <= held - Fraction(prompt * rates[0] + completion * rates[1], 1000) < 1


def test_the_context_of_the_model_bounds_prompt_and_completion() -> None:
    request = make_request(prompt_bytes=10**6, messages=0, max_tokens=10**6)
    price = ModelPrice(
        prompt_pico_usd=PicoUsd(1_000),
        completion_pico_usd=PicoUsd(1_000),
        context_tokens=8_000,
    )

    assert estimate(request, prices=[price], bound=PromptBound.STRICT) == 16_000


def test_fees_per_request_image_and_search_are_added() -> None:
    price = ModelPrice(
        prompt_pico_usd=PicoUsd(0),
        completion_pico_usd=PicoUsd(0),
        request_pico_usd=PicoUsd(5_000),
        image_pico_usd=PicoUsd(7_000),
        web_search_pico_usd=PicoUsd(11_000),
    )
    request = make_request(media_parts=2, web_searches=3)

    assert estimate(request, prices=[price], bound=PromptBound.STRICT) == 5 + 14 + 33


def test_the_dearest_model_decides_when_several_may_answer() -> None:
    cheap = ModelPrice(prompt_pico_usd=PicoUsd(0), completion_pico_usd=PicoUsd(0))
    alone = estimate(make_request(), prices=[PRICE], bound=PromptBound.STRICT)

    both = estimate(make_request(), prices=[cheap, PRICE], bound=PromptBound.STRICT)

    assert alone == both > 0
