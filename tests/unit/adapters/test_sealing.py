import pytest

from weir.adapters.sealing import SealBrokenError, seal, unseal

SECRET = bytes(range(32))


def test_what_was_sealed_is_opened_with_its_secret() -> None:
    assert unseal(seal(b"content", secret=SECRET), secret=SECRET) == b"content"


def test_a_seal_shows_nothing_and_never_looks_the_same() -> None:
    first, second = (seal(b"content", secret=SECRET) for _ in range(2))

    assert first != second
    assert b"content" not in first


@pytest.mark.parametrize(
    "broken",
    [b"", b"short", seal(b"content", secret=SECRET)[:-1], seal(b"content", secret=bytes(32))],
    ids=["empty", "short", "cut", "another secret"],
)
def test_what_was_changed_is_not_opened(broken: bytes) -> None:
    with pytest.raises(SealBrokenError):
        unseal(broken, secret=SECRET)
