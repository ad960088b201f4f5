import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import make_key
from weir.domain.api_keys import is_well_formed, key_hash, masked, mint

KEY = mint(random=bytes(range(28)))


def test_a_minted_key_has_openrouters_shape_under_our_prefix() -> None:
    assert re.fullmatch(r"sk-weir-v1-[0-9a-f]{64}", KEY)
    assert is_well_formed(KEY)


def test_the_prefix_is_a_choice() -> None:
    key = mint(random=bytes(28), prefix="sk-or-v1-")

    assert is_well_formed(key, prefix="sk-or-v1-")
    assert not is_well_formed(key)


@given(st.integers(0, len(KEY) - 1), st.characters(codec="utf-8"))
def test_any_single_changed_character_is_refused(place: int, character: str) -> None:
    changed = KEY[:place] + character + KEY[place + 1 :]

    assert is_well_formed(changed) == (changed == KEY)


@pytest.mark.parametrize("key", ["", "sk-weir-v1-", KEY[:-1], KEY + "0", KEY.upper(), KEY + "\n"])
def test_garbage_is_refused(key: str) -> None:
    assert not is_well_formed(key)


def test_a_key_needs_28_random_bytes() -> None:
    with pytest.raises(ValueError, match="28 random bytes"):
        mint(random=b"short")


def test_the_hash_is_the_sha256_of_the_whole_key() -> None:
    assert key_hash(KEY) == hashlib.sha256(KEY.encode()).hexdigest()


def test_the_mask_shows_three_and_four_digits() -> None:
    assert masked(KEY) == f"sk-weir-v1-000...{KEY[-4:]}"


def test_the_key_id_is_the_start_of_the_hash() -> None:
    assert make_key(key_hash="abcdef0123" + "0" * 54).key_id == "abcdef01"
