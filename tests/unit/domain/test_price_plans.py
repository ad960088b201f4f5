"""What a tenant owes for what upstream charges."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weir.domain.money import NanoUsd, PicoUsd
from weir.domain.price_plans import (
    AT_COST,
    MAX_MODELS,
    MAX_MULTIPLIER_PPM,
    MAX_PICO_USD,
    MAX_VERSION,
    UNIT_PPM,
    PricePlan,
    TokenPrices,
)
from weir.domain.usage import NO_USAGE, Usage, price

FIXED = TokenPrices(
    prompt_pico_usd=PicoUsd(150_000),
    completion_pico_usd=PicoUsd(600_000),
    request_pico_usd=PicoUsd(1_000_000),
)


def owed(plan: PricePlan, model: str = "maker/model", *, cost: int = 1_000) -> int:
    return plan.price(model, cost_nano_usd=NanoUsd(cost), prompt_tokens=9, completion_tokens=10)


@given(cost=st.integers(0, 10**15))
def test_price_is_the_cost_when_the_plan_is_at_cost(cost: int) -> None:
    assert owed(AT_COST, cost=cost) == cost


@pytest.mark.parametrize(
    ("multiplier_ppm", "cost", "price_nano_usd"),
    [
        (1_150_000, 1_000, 1_150),
        (1_150_000, 1, 2),  # rounded up
        (1_000_001, 1_000, 1_001),
        (500_000, 3, 2),
        (0, 10**12, 0),
        (1_150_000, 0, 0),
        (MAX_MULTIPLIER_PPM, 7, 700),
    ],
)
def test_price_is_rounded_up_when_the_multiplier_leaves_a_rest(
    multiplier_ppm: int, cost: int, price_nano_usd: int
) -> None:
    assert owed(PricePlan(version=1, multiplier_ppm=multiplier_ppm), cost=cost) == price_nano_usd


def test_fixed_prices_count_tokens_when_a_model_has_them() -> None:
    plan = PricePlan(version=1, multiplier_ppm=0, models={"maker/model": FIXED})

    assert owed(plan, cost=0) == owed(plan, cost=10**9) == 1_350 + 6_000 + 1_000


@pytest.mark.parametrize(
    ("model", "multiple"),
    [
        ("maker/model", 2),
        ("maker/model:nitro", 2),
        ("maker/model:free", 0),
        ("maker/model:free:floor", 2),
        ("maker/other", 3),
        ("maker/other:free", 3),
        ("maker/model-2026-07-18", 2),
        ("maker/model-20260718:nitro", 2),
        ("maker/model-mini", 3),
        ("maker", 3),
        ("", 3),
    ],
)
def test_own_rate_of_a_model_wins_when_the_plan_names_it(model: str, multiple: int) -> None:
    plan = PricePlan(
        version=1,
        multiplier_ppm=3 * UNIT_PPM,
        models={"maker/model": 2 * UNIT_PPM, "maker/model:free": 0},
    )

    assert owed(plan, model) == multiple * 1_000


@pytest.mark.parametrize(
    ("plan", "is_at_cost"),
    [
        (AT_COST, True),
        (PricePlan(version=4), True),
        (PricePlan(version=1, multiplier_ppm=UNIT_PPM + 1), False),
        (PricePlan(version=1, models={"maker/model": UNIT_PPM}), False),
    ],
)
def test_plan_is_at_cost_when_nothing_can_differ(
    plan: PricePlan,
    is_at_cost: bool,  # noqa: FBT001
) -> None:
    assert plan.is_at_cost is is_at_cost


def test_nothing_is_owed_when_nothing_was_used() -> None:
    plan = PricePlan(version=1, models={"maker/model": FIXED})

    assert price(NO_USAGE, model="maker/model", plan=plan) == 0


def test_price_of_a_usage_is_the_plans_when_something_was_used() -> None:
    plan = PricePlan(version=1, models={"maker/model": FIXED})
    usage = Usage(cost_nano_usd=NanoUsd(0), prompt_tokens=9, completion_tokens=10)

    assert price(usage, model="maker/model", plan=plan) == owed(plan)
    assert price(usage, model="maker/other", plan=plan) == 0


@given(
    cost=st.integers(0, 10**15),
    more=st.integers(0, 10**12),
    multiplier_ppm=st.integers(0, MAX_MULTIPLIER_PPM),
)
def test_price_never_falls_when_the_cost_rises(cost: int, more: int, multiplier_ppm: int) -> None:
    plan = PricePlan(version=1, multiplier_ppm=multiplier_ppm)

    exact = Fraction(cost * multiplier_ppm, UNIT_PPM)

    assert 0 <= owed(plan, cost=cost) - exact < 1
    assert owed(plan, cost=cost) <= owed(plan, cost=cost + more)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"multiplier_ppm": -1}, "multiplier_ppm must be an integer from 0 to 100000000, not -1"),
        ({"multiplier_ppm": MAX_MULTIPLIER_PPM + 1}, "multiplier_ppm must be"),
        ({"multiplier_ppm": 1.5}, r"multiplier_ppm must be .*, not 1\.5"),
        ({"multiplier_ppm": True}, "multiplier_ppm must be .*, not True"),
        ({"version": -1}, "version of a price plan must be"),
        ({"version": MAX_VERSION + 1}, "version of a price plan must be"),
        ({"version": 0, "multiplier_ppm": 2}, "version 0 is the plan at cost"),
        ({"version": 0, "models": {"a/b": 1}}, "version 0 is the plan at cost"),
        ({"models": {"": 1}}, "'' is no model's name"),
        ({"models": {"a/b c": 1}}, "'a/b c' is no model's name"),
        ({"models": {"a/b\n": 1}}, "is no model's name"),
        ({"models": {"a" * 257: 1}}, "is no model's name"),
        ({"models": {"a/b": -1}}, "the multiplier of a/b must be"),
        ({"models": {"a/b": "1"}}, "the multiplier of a/b must be"),
        ({"models": {f"a/{n}": 1 for n in range(MAX_MODELS + 1)}}, "at most 500 models"),
    ],
)
def test_plan_is_refused_when_it_cannot_be_meant(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PricePlan(**{"version": 1, **fields})


@pytest.mark.parametrize("name", ["prompt_pico_usd", "completion_pico_usd", "request_pico_usd"])
@pytest.mark.parametrize("amount", [-1, MAX_PICO_USD + 1, 0.5, None])
def test_fixed_prices_are_refused_when_they_cannot_be_meant(name: str, amount: Any) -> None:
    prices = {"prompt_pico_usd": 1, "completion_pico_usd": 1, "request_pico_usd": 1}

    with pytest.raises(ValueError, match=f"{name} must be an integer from 0 to"):
        TokenPrices(**{**prices, name: amount})
