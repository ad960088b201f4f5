from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weir.domain.money import NanoUsd, nano_ceil, nano_usd, pico_usd, usd


@pytest.mark.parametrize(
    ("amount", "nano"),
    [("0", 0), ("0.00000735", 7_350), ("1", 10**9), ("0.0000000005", 0), ("0.0000000015", 2)],
)
def test_nano_usd_rounds_half_to_even_when_digits_are_left(amount: str, nano: int) -> None:
    assert nano_usd(Decimal(amount)) == nano


@pytest.mark.parametrize("amount", ["-0.1", "NaN", "Infinity", "1e30"])
def test_nano_usd_refuses_what_is_no_amount(amount: str) -> None:
    with pytest.raises(ValueError, match="outside"):
        nano_usd(Decimal(amount))


@pytest.mark.parametrize("price", ["-1", "free", "", "NaN"])
def test_pico_usd_refuses_unknown_prices(price: str) -> None:
    with pytest.raises(ValueError):
        pico_usd(price)


@given(tokens=st.integers(0, 10**7), price=st.decimals("0", "0.01", places=12))
def test_nano_ceil_never_underestimates_a_price(tokens: int, price: Decimal) -> None:
    exact = Fraction(price) * tokens * 10**9

    held = nano_ceil(tokens * pico_usd(price))

    assert 0 <= held - exact < 1


@given(st.integers(0, 10**18))
def test_usd_and_nano_usd_are_inverse(nano: int) -> None:
    assert nano_usd(usd(NanoUsd(nano))) == nano
