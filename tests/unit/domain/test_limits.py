import pytest
from hypothesis import given
from hypothesis import strategies as st

from weir.domain.limits import UNLIMITED, AccountLimits, portion, share, short_limit, whole
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod

AMOUNTS = st.integers(0, UNLIMITED - 1)
LANES = st.integers(1, 64)


@given(amounts=st.tuples(*[AMOUNTS] * 4), lanes=LANES)
def test_shares_add_up_to_the_whole_when_limits_are_split(
    amounts: tuple[int, int, int, int], lanes: int
) -> None:
    limits = AccountLimits(
        requests_per_minute=amounts[0],
        tokens_per_minute=amounts[1],
        in_flight=amounts[2],
        spend_nano_usd=NanoUsd(amounts[3]),
        period=LimitPeriod.DAILY,
    )

    shares = [share(limits, lane=lane, lanes=lanes) for lane in range(lanes)]

    assert sum(part.requests_per_minute for part in shares) == limits.requests_per_minute
    assert sum(part.tokens_per_minute for part in shares) == limits.tokens_per_minute
    assert sum(part.in_flight for part in shares) == limits.in_flight
    assert sum(part.spend_nano_usd for part in shares) == limits.spend_nano_usd
    assert {part.period for part in shares} == {LimitPeriod.DAILY}


@given(amount=AMOUNTS, lanes=LANES)
def test_portions_differ_by_one_at_most_when_an_amount_is_split(amount: int, lanes: int) -> None:
    portions = [portion(amount, lane=lane, lanes=lanes) for lane in range(lanes)]

    assert sum(portions) == amount
    assert portions == sorted(portions, reverse=True)
    assert portions[0] - portions[-1] in {0, 1}


@pytest.mark.parametrize("lane", [0, 1])
def test_no_lane_is_limited_when_the_account_is_not(lane: int) -> None:
    assert share(AccountLimits(), lane=lane, lanes=2) == AccountLimits()


def test_a_lane_gets_everything_when_it_is_the_only_one() -> None:
    limits = AccountLimits(requests_per_minute=7, spend_nano_usd=NanoUsd(9))

    assert share(limits, lane=0, lanes=1) == limits


@given(amounts=st.tuples(*[AMOUNTS] * 4), lanes=LANES)
def test_the_whole_comes_back_from_its_shares(
    amounts: tuple[int, int, int, int], lanes: int
) -> None:
    limits = AccountLimits(
        requests_per_minute=amounts[0],
        tokens_per_minute=UNLIMITED,
        in_flight=amounts[2],
        spend_nano_usd=NanoUsd(amounts[3]),
        period=LimitPeriod.TOTAL,
    )

    assert whole([share(limits, lane=lane, lanes=lanes) for lane in range(lanes)]) == limits


def test_there_are_no_limits_without_lanes() -> None:
    assert whole([]) == AccountLimits()


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        (AccountLimits(), None),
        (AccountLimits(in_flight=0, requests_per_minute=3), None),
        (AccountLimits(in_flight=2), "in_flight"),
        (AccountLimits(requests_per_minute=1), "requests_per_minute"),
        (AccountLimits(tokens_per_minute=2), "tokens_per_minute"),
    ],
)
def test_a_limit_that_does_not_reach_for_every_lane_is_named(
    limits: AccountLimits, named: str | None
) -> None:
    assert short_limit(limits, lanes=3) == named
