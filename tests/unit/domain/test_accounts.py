"""The account tree: who is charged for a request, and on which lane."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.ledger_values import ACME, make_hold, new_id
from weir.domain.accounts import (
    Account,
    AccountId,
    AccountStatus,
    charged_accounts,
    end_user_account,
    is_end_user_account,
    is_tenant_account,
    key_account,
    lane_of,
    tenant_account,
    tenant_of,
)
from weir.domain.holds import Level
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.tenants import TenantId

KEY_ACCOUNT = key_account(ACME, "0123abcd")
USER_ACCOUNT = end_user_account(ACME, "alice")


def test_tenant_alone_is_charged_when_nothing_below_has_limits() -> None:
    assert charged_accounts(ACME, make_hold(end_user="alice")) == (tenant_account(ACME),)


def test_tenant_comes_first_when_accounts_below_are_charged_too() -> None:
    hold = make_hold(end_user="alice", levels=frozenset({Level.END_USER, Level.KEY}))

    assert charged_accounts(ACME, hold) == (tenant_account(ACME), KEY_ACCOUNT, USER_ACCOUNT)


def test_one_account_below_is_charged_when_only_it_has_limits() -> None:
    by_key = make_hold(end_user="alice", levels=frozenset({Level.KEY}))
    by_user = make_hold(end_user="alice", levels=frozenset({Level.END_USER}))
    nobody = make_hold(levels=frozenset({Level.END_USER}))

    assert charged_accounts(ACME, by_key) == (tenant_account(ACME), KEY_ACCOUNT)
    assert charged_accounts(ACME, by_user) == (tenant_account(ACME), USER_ACCOUNT)
    assert charged_accounts(ACME, nobody) == (tenant_account(ACME),)


def test_only_a_tenants_account_has_lanes_when_a_request_is_placed() -> None:
    request = new_id(lane=7)

    assert lane_of(tenant_account(ACME), request) == 7
    assert lane_of(KEY_ACCOUNT, request) == lane_of(USER_ACCOUNT, request) == 0


def test_kinds_of_accounts_are_told_apart_when_only_the_id_is_known() -> None:
    ids = (tenant_account(ACME), KEY_ACCOUNT, USER_ACCOUNT)

    assert [is_tenant_account(account_id) for account_id in ids] == [True, False, False]
    assert [is_end_user_account(account_id) for account_id in ids] == [False, False, True]
    assert {tenant_of(account_id) for account_id in ids} == {ACME}


@given(name=st.text())
def test_account_id_of_an_end_user_is_plain_when_the_name_is_anything(name: str) -> None:
    account_id = end_user_account(ACME, name)

    assert account_id.removeprefix("acme/user/").isalnum()
    assert tenant_of(account_id) == ACME


def test_end_users_of_two_tenants_never_meet_when_their_names_are_equal() -> None:
    assert end_user_account(TenantId("other"), "alice") != USER_ACCOUNT


def test_held_is_the_sum_when_several_requests_are_in_flight() -> None:
    holds = [make_hold(estimate=3), make_hold(estimate=4)]
    account = Account(
        account_id=AccountId("acme"),
        lane=0,
        status=AccountStatus.ACTIVE,
        credit_nano_usd=NanoUsd(10),
        available_nano_usd=NanoUsd(3),
        spent_nano_usd=NanoUsd(0),
        in_flight=2,
        sequence=2,
        limits=AccountLimits(),
        holds={hold.generation_id: hold for hold in holds},
    )

    assert account.held_nano_usd == 7
