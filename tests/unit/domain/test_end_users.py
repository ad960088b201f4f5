from hypothesis import given
from hypothesis import strategies as st

from weir.domain.end_users import MAX_BYTES, stored_name


def test_name_is_kept_when_it_is_short() -> None:
    assert stored_name("alice@example.com") == "alice@example.com"
    assert stored_name("é" * 32) == "é" * 32


def test_name_becomes_a_digest_when_it_is_too_long() -> None:
    long = stored_name("é" * 33)

    assert long.startswith("sha256:")
    assert len(long) == 39
    assert long == stored_name("é" * 33) != stored_name("é" * 34)


def test_nobody_passes_for_another_when_a_name_looks_like_a_digest() -> None:
    victim = stored_name("x" * 65)

    assert stored_name(victim) not in {victim, "x" * 65}


@given(name=st.text())
def test_name_fits_when_it_is_anything(name: str) -> None:
    assert len(stored_name(name).encode()) <= MAX_BYTES
