"""Prices of the catalogue under a plan: exact, and nothing of upstream's where they are fixed."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.catalogue_values import make_model
from weir.domain.catalogue_prices import price, priced
from weir.domain.money import PicoUsd
from weir.domain.price_plans import AT_COST, PricePlan, TokenPrices

PLAN = PricePlan(
    version=1,
    multiplier_ppm=1_150_000,
    models={
        "maker/free": 0,
        "maker/fixed": TokenPrices(
            prompt_pico_usd=PicoUsd(1_000_000),
            completion_pico_usd=PicoUsd(2),
            request_pico_usd=PicoUsd(0),
        ),
    },
)


def pricing(written: dict[str, Any], *, model: str = "maker/model") -> Any:
    entry = make_model(model, pricing=written)
    return priced(entry, model=model, plan=PLAN)["pricing"]


def test_prices_are_multiplied_exactly() -> None:
    shown = pricing({"prompt": "0.00000015", "completion": "0.0000006", "image": "0"})

    assert shown == {"prompt": "0.0000001725", "completion": "0.00000069", "image": "0"}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("1000", "1150"),
        ("0.000000000000000000000000000001", "0.00000000000000000000000000000115"),
        ("1.5e-7", "0.0000001725"),
        ("123456.789012345678901234567890", "141975.3073641975307364197530735"),
    ],
)
def test_no_digit_is_lost_and_no_exponent_is_shown(written: str, shown: str) -> None:
    assert pricing({"prompt": written})["prompt"] == shown


@pytest.mark.parametrize("written", ["-1", "", "free", "NaN", "inf", "1e-999999", "1e9", "0" * 49])
def test_a_price_is_unknown_when_it_is_none(written: str) -> None:
    assert pricing({"prompt": written})["prompt"] == "-1"


def test_overrides_are_multiplied_and_keep_their_conditions() -> None:
    override = {"min_prompt_tokens": 200_000, "prompt": "0.000001"}

    shown = pricing({"prompt": "0", "overrides": [override, "broken"]})

    assert shown["overrides"] == [{"min_prompt_tokens": 200_000, "prompt": "0.00000115"}]


def test_upstreams_discount_is_not_shown() -> None:
    assert pricing({"prompt": "0", "discount": 0.5, "tomorrow": None}) == {
        "prompt": "0",
        "tomorrow": None,
    }


def test_fixed_prices_replace_all_others() -> None:
    shown = pricing({"prompt": "1", "image": "2", "overrides": []}, model="maker/fixed:nitro")

    assert shown == {"prompt": "0.000001", "completion": "0.000000000002", "request": "0"}


def test_everything_is_free_when_the_plan_says_so() -> None:
    assert pricing({"prompt": "0.1", "completion": "3"}, model="maker/free") == {
        "prompt": "0",
        "completion": "0",
    }


@pytest.mark.parametrize("entry", [{"id": "a/b"}, {"id": "a/b", "pricing": None}])
def test_an_entry_without_prices_stays_as_it_is(entry: dict[str, Any]) -> None:
    assert priced(entry, model="a/b", plan=PLAN) is entry
    assert price(entry, "prompt") is None


def test_an_entry_stays_as_it_is_when_the_plan_is_at_cost() -> None:
    entry = make_model()

    assert priced(entry, model="maker/model", plan=AT_COST) is entry
    assert price(entry, "prompt") == Decimal("0.00000015")
    assert price(entry, "image") is None
