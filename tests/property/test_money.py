"""Money against exact fractions: prices times tokens, multipliers, and what a client is shown."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import make_request
from weir.domain.holds import estimate
from weir.domain.money import NanoUsd, PicoUsd, nano_ceil, nano_usd, pico_usd, usd, usd_text
from weir.domain.price_plans import (
    MAX_MULTIPLIER_PPM,
    MAX_PICO_USD,
    UNIT_PPM,
    PricePlan,
    TokenPrices,
)
from weir.domain.prices import ModelPrice
from weir.domain.tenants import PromptBound
from weir.domain.usage import Usage, price

NANO = 10**9
TOKENS = st.integers(0, 10**8)
PICO = st.integers(0, MAX_PICO_USD)
CATALOGUE_PRICES = st.decimals("0", "1", places=12)
PLANS = st.builds(
    PricePlan,
    version=st.just(1),
    multiplier_ppm=st.integers(0, MAX_MULTIPLIER_PPM),
    models=st.dictionaries(
        st.sampled_from(["a/b", "a/b:free", "c/d"]),
        st.integers(0, MAX_MULTIPLIER_PPM)
        | st.builds(
            TokenPrices, prompt_pico_usd=PICO, completion_pico_usd=PICO, request_pico_usd=PICO
        ),
    ),
)


@given(prompt=TOKENS, completion=TOKENS, rates=st.tuples(PICO, PICO, PICO))
def test_fixed_prices_times_tokens_are_exact_when_rounded_up_once(
    prompt: int, completion: int, rates: tuple[int, int, int]
) -> None:
    prices = TokenPrices(
        prompt_pico_usd=PicoUsd(rates[0]),
        completion_pico_usd=PicoUsd(rates[1]),
        request_pico_usd=PicoUsd(rates[2]),
    )
    exact = Fraction(prompt * rates[0] + completion * rates[1] + rates[2], 1_000)

    owed = prices.price(prompt_tokens=prompt, completion_tokens=completion)

    assert 0 <= owed - exact < 1


@given(cost=st.decimals("0", "1000000", places=15), multiplier_ppm=st.integers(0, 10**8))
def test_price_is_exact_to_a_nano_dollar_when_cost_and_markup_are_fractions(
    cost: Decimal, multiplier_ppm: int
) -> None:
    plan = PricePlan(version=1, multiplier_ppm=multiplier_ppm)
    usage = Usage(cost_nano_usd=nano_usd(cost), prompt_tokens=1)

    owed = price(usage, model="a/b", plan=plan)

    # The cost is rounded to half a nano-dollar, and its price up to a whole one.
    exact = Fraction(cost) * NANO * multiplier_ppm / UNIT_PPM
    assert abs(owed - exact) < Fraction(multiplier_ppm, 2 * UNIT_PPM) + 1


@given(
    rates=st.tuples(CATALOGUE_PRICES, CATALOGUE_PRICES),
    prompt=st.integers(0, 10**6),
    completion=st.integers(1, 10**6),
    used=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
    plan=PLANS,
)
def test_hold_covers_the_price_when_tokens_stay_within_their_bounds(
    rates: tuple[Decimal, Decimal],
    prompt: int,
    completion: int,
    used: tuple[int, int],
    plan: PricePlan,
) -> None:
    catalogue = ModelPrice(
        prompt_pico_usd=pico_usd(rates[0]), completion_pico_usd=pico_usd(rates[1])
    )
    request = make_request(prompt_bytes=prompt, messages=0, max_tokens=completion)
    actual = min(used[0], prompt), min(used[1], completion)
    cost = nano_ceil(
        actual[0] * catalogue.prompt_pico_usd + actual[1] * catalogue.completion_pico_usd
    )

    held = estimate(request, prices={"a/b": catalogue}, bound=PromptBound.STRICT, plan=plan)
    owed = plan.price(
        "a/b", cost_nano_usd=cost, prompt_tokens=actual[0], completion_tokens=actual[1]
    )

    assert owed <= held


@given(amount=st.integers(0, 10**18))
def test_written_amount_is_exact_when_it_is_read_back(amount: int) -> None:
    written = usd_text(NanoUsd(amount))

    assert Fraction(written) == Fraction(amount, NANO)
    assert "E" not in written.upper()
    assert nano_usd(Decimal(written)) == nano_usd(usd(NanoUsd(amount))) == amount
