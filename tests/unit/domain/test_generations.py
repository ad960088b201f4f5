import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weir.domain.generations import (
    LANES,
    RANDOM_BYTES,
    created_s,
    day,
    is_well_formed,
    lane,
    new_generation_id,
)

RANDOM = bytes(range(RANDOM_BYTES))


@given(
    second=st.integers(10**9, 10**10 - 1),
    number=st.integers(0, LANES - 1),
    random=st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES),
)
def test_an_id_gives_back_its_second_and_lane(second: int, number: int, random: bytes) -> None:
    generation_id = new_generation_id(now_ms=second * 1000 + 7, lane=number, random=random)

    assert re.fullmatch(r"gen-\d{10}-[0-9A-Za-z]{20}", generation_id)
    assert (created_s(generation_id), lane(generation_id)) == (second, number)


def test_the_day_is_utc_when_midnight_is_near() -> None:
    before = new_generation_id(now_ms=1_794_960_000_000 - 1, lane=0, random=RANDOM)
    after = new_generation_id(now_ms=1_794_960_000_000, lane=0, random=RANDOM)

    assert (day(before), day(after)) == ("2026-11-17", "2026-11-18")


def test_ids_sort_by_time() -> None:
    early = new_generation_id(now_ms=1_795_000_000_000, lane=LANES - 1, random=b"\xff" * 14)
    late = new_generation_id(now_ms=1_795_000_001_000, lane=0, random=bytes(14))

    assert early < late


@pytest.mark.parametrize("number", [-1, LANES])
def test_a_lane_out_of_range_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="lane"):
        new_generation_id(now_ms=1_795_000_000_000, lane=number, random=RANDOM)


def test_too_little_randomness_is_refused() -> None:
    with pytest.raises(ValueError, match="14 random bytes"):
        new_generation_id(now_ms=1_795_000_000_000, lane=0, random=b"x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (new_generation_id(now_ms=1_795_000_000_000, lane=LANES - 1, random=RANDOM), True),
        ("", False),
        ("gen-up", False),
        ("gen-1795000000-00abcdefghijklmnopq", False),
        ("gen-1795000000-00abcdefghijklmnopqrs", False),
        ("gen-1795000000-00abcdefghijklmnopq\u0661", False),
        ("gen-\u0661795000000-00abcdefghijklmnopqr", False),
        ("gen-1795000000-00abcdefghijklmnopqr\n", False),
    ],
)
def test_only_an_id_of_this_gateways_shape_is_well_formed(text: str, *, expected: bool) -> None:
    assert is_well_formed(text) is expected
