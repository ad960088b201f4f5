"""Signing in, apart from what the pages' tests show."""

import pytest

from tests.support.auth_gateway import OIDC
from tests.support.fake_sign_ins import FakeIssuer, FakeSignIns
from tests.support.fakes import TENANT
from weir.domain.auth_codes import is_token, token, token_hash
from weir.domain.errors import ForbiddenError, InvalidRequestError
from weir.domain.sign_ins import Link
from weir.services.sign_in import SignIn

NOW_MS = 1_795_003_200_000


def make() -> tuple[SignIn, FakeSignIns]:
    serial = iter(range(1, 100))
    kept = FakeSignIns()
    random = lambda count: next(serial).to_bytes(count)  # noqa: E731 - bytes that differ
    return SignIn(sign_ins=kept, provider=FakeIssuer(), random=random), kept


def test_every_secret_of_a_departure_is_another() -> None:
    sign_in, kept = make()
    departure = sign_in.leave(
        TENANT.tenant_id, client=OIDC, redirect_uri="https://x/cb", query="q", now_ms=NOW_MS
    )

    ((state_hash, login),) = kept.logins.items()
    secrets = {login.nonce, login.verifier, departure.browser_token}
    assert len(secrets) == 3
    assert all(map(is_token, secrets))
    assert login.browser_hash == token_hash(departure.browser_token)
    assert state_hash not in departure.url


def test_login_is_over_when_another_browser_tried_it() -> None:
    sign_in, kept = make()
    sign_in.leave(TENANT.tenant_id, client=OIDC, redirect_uri="r", query="q", now_ms=NOW_MS)
    state = token((1).to_bytes(32))
    assert token_hash(state) in kept.logins

    with pytest.raises(ForbiddenError):
        sign_in.returned(TENANT.tenant_id, state=state, browser_token="A" * 43, now_ms=NOW_MS)

    assert kept.logins == {}


def test_link_is_used_up_by_one_of_two_who_open_it_at_once() -> None:
    sign_in, kept = make()
    link = Link(tenant_id=TENANT.tenant_id, user="ada", query="", until_ms=NOW_MS + 1)
    made = sign_in.new_link(link)

    sign_in.open_link(made, now_ms=NOW_MS)
    with pytest.raises(InvalidRequestError):
        sign_in.open_link(made, now_ms=NOW_MS)

    (session,) = kept.sessions.values()
    assert session.user == "ada"


@pytest.mark.parametrize("presented", [None, "", "short", "A" * 43])
def test_there_is_no_session_for_a_token_that_was_not_given(presented: str | None) -> None:
    sign_in, _ = make()

    assert sign_in.session(presented, tenant_id=TENANT.tenant_id, now_ms=NOW_MS) is None
