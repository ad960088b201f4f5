from dataclasses import replace

import pytest

from tests.support.fakes import TENANT, FakeKeys, make_key
from weir.domain.api_keys import KeyKind, key_hash, mint
from weir.domain.errors import ForbiddenError, InvalidApiKeyError
from weir.domain.tenants import TenantStatus
from weir.services.authenticate import authenticate

PREFIX = "sk-weir-v1-"
KEY = mint(random=bytes(range(28)))
NOW_MS = 1_795_000_000_000
CLOSED = replace(TENANT, status=TenantStatus.CLOSED)


def test_a_known_key_is_found_by_its_hash() -> None:
    stored = make_key(key_hash=key_hash(KEY))
    keys = FakeKeys({key_hash(KEY): stored})

    assert authenticate(KEY, keys=keys, prefix=PREFIX, now_ms=NOW_MS) is stored


@pytest.mark.parametrize("bearer", ["", "x", KEY[:-1], "sk-or-v1-" + "0" * 64])
def test_a_garbled_key_is_refused_without_a_look_up(bearer: str) -> None:
    keys = FakeKeys({})

    with pytest.raises(InvalidApiKeyError):
        authenticate(bearer, keys=keys, prefix=PREFIX, now_ms=NOW_MS)

    assert keys.asked == []


def test_a_missing_key_is_refused_when_there_is_no_header() -> None:
    with pytest.raises(InvalidApiKeyError, match="Missing Authentication header"):
        authenticate(None, keys=FakeKeys({}), prefix=PREFIX, now_ms=NOW_MS)


@pytest.mark.parametrize(
    "facts", [{"disabled": True}, {"expires_at_ms": NOW_MS}, {"tenant": CLOSED}]
)
def test_an_unusable_key_reads_like_an_unknown_one(facts: dict[str, object]) -> None:
    messages = set()
    for known in ({}, {key_hash(KEY): make_key(**facts)}):
        with pytest.raises(InvalidApiKeyError) as caught:
            authenticate(KEY, keys=FakeKeys(known), prefix=PREFIX, now_ms=NOW_MS)
        messages.add(caught.value.message)

    assert len(messages) == 1


def test_a_key_is_valid_until_it_expires() -> None:
    stored = make_key(expires_at_ms=NOW_MS + 1)

    found = authenticate(KEY, keys=FakeKeys({key_hash(KEY): stored}), prefix=PREFIX, now_ms=NOW_MS)

    assert found is stored


def test_a_management_key_cannot_call_completions() -> None:
    keys = FakeKeys({key_hash(KEY): make_key(kind=KeyKind.MANAGEMENT)})

    with pytest.raises(ForbiddenError, match="Management keys"):
        authenticate(KEY, keys=keys, prefix=PREFIX, now_ms=NOW_MS)
