"""Codes, apart from what the tests of the wire show: what is left after a failure."""

import pytest

from tests.support.auth_gateway import AuthGateway
from weir.domain.errors import StoreUnavailableError


def _fail() -> None:
    raise StoreUnavailableError("the register is away")


def test_code_is_used_up_and_there_is_no_key_when_the_register_fails() -> None:
    gateway = AuthGateway()
    code, before = gateway.code(), dict(gateway.account.register.stored)
    gateway.account.register.meanwhile = _fail

    failed, again = gateway.exchange(code), gateway.exchange(code)

    assert (failed.status, again.status) == (503, 400)
    assert gateway.account.register.stored == before
    assert gateway.exchange(gateway.code()).status == 200


@pytest.mark.parametrize("taken", [1, 2])
def test_key_is_made_all_the_same_when_its_short_name_is_taken(taken: int) -> None:
    gateway = AuthGateway()
    code = gateway.code()
    gateway.account.register.taken = taken

    assert gateway.exchange(code).status == 200


def test_app_is_told_to_come_back_when_no_short_name_is_free() -> None:
    gateway = AuthGateway()
    code = gateway.code()
    gateway.account.register.taken = 100

    assert gateway.exchange(code).status == 409
