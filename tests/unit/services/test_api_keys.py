"""The desk of keys while others work on the same keys."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.support.account_gateway import AccountGateway
from tests.support.audit_values import ALICE
from tests.support.fakes import TENANT
from tests.support.ledger_values import NOON_MS
from weir.domain.accounts import key_account
from weir.domain.api_keys import KeyKind
from weir.domain.audit_log import Action
from weir.domain.errors import ConflictError, NotFoundError, StoreUnavailableError
from weir.domain.key_standings import KeyChange, NewKey, spending_limits
from weir.domain.limits import UNLIMITED, AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.spending import Spending

LATER_MS = NOON_MS + 1


@pytest.fixture
def gateway() -> AccountGateway:
    return AccountGateway()


def made(gateway: AccountGateway, **wishes: object) -> str:
    wish = NewKey(name="app", **wishes)  # type: ignore[arg-type]  # a builder's overrides
    standing, _ = gateway.desk.create(TENANT, wish=wish, by=ALICE, now_ms=NOON_MS)
    return standing.key.key_hash


def touch(gateway: AccountGateway, named: str, **changes: object) -> None:
    """Change a key behind the desk's back."""
    key = gateway.register.stored[named]
    gateway.register.stored[named] = replace(key.touched(LATER_MS), **changes)  # type: ignore[arg-type]  # a builder's overrides


def test_nothing_is_shown_when_there_are_no_keys(gateway: AccountGateway) -> None:
    assert gateway.desk.show([], now_ms=NOON_MS) == []


def test_another_key_is_minted_when_its_short_name_is_taken(gateway: AccountGateway) -> None:
    gateway.register.taken = 1

    named = made(gateway)

    assert named in gateway.register.stored


@pytest.mark.parametrize("limits", [None, AccountLimits(spend_nano_usd=NanoUsd(5))])
def test_usage_of_the_tenant_is_not_read_for_a_key_that_has_none(
    gateway: AccountGateway, monkeypatch: pytest.MonkeyPatch, limits: AccountLimits | None
) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise StoreUnavailableError("the rollups are away")

    monkeypatch.setattr(gateway.rollups, "closes", refuse)

    standing, _ = gateway.desk.create(
        TENANT, wish=NewKey(name="app", limits=limits), by=ALICE, now_ms=NOON_MS
    )

    assert (standing.spending, standing.remaining_nano_usd) == (Spending(), limits and 5)


def test_no_key_is_made_when_no_name_is_free(gateway: AccountGateway) -> None:
    gateway.register.taken = 100

    with pytest.raises(ConflictError):
        made(gateway)


def test_both_changes_are_kept_when_two_change_a_key_at_once(gateway: AccountGateway) -> None:
    named = made(gateway)
    gateway.register.meanwhile = lambda: touch(gateway, named, disabled=True)

    gateway.desk.change(TENANT, named=named, change=KeyChange(name="new"), by=ALICE, now_ms=NOON_MS)

    key = gateway.register.stored[named]
    assert (key.name, key.disabled) == ("new", True)


@pytest.mark.parametrize("change", [KeyChange(name="new"), KeyChange(disabled=True)])
def test_a_change_gives_up_when_others_change_the_key_all_the_time(
    gateway: AccountGateway, change: KeyChange
) -> None:
    named = made(gateway)
    gateway.register.always = lambda: touch(gateway, named)

    with pytest.raises(ConflictError):
        gateway.desk.change(TENANT, named=named, change=change, by=ALICE, now_ms=NOON_MS)


def test_a_rotation_is_tried_again_when_the_key_changes_meanwhile(gateway: AccountGateway) -> None:
    named = made(gateway)
    gateway.register.meanwhile = lambda: touch(gateway, named, name="renamed")

    standing, _ = gateway.desk.rotate(TENANT, named=named, overlap_s=60, by=ALICE, now_ms=NOON_MS)

    assert standing.key.name == "renamed"
    assert len(gateway.register.stored) == 5


def test_a_rotation_gives_up_when_others_change_the_key_all_the_time(
    gateway: AccountGateway,
) -> None:
    named = made(gateway)
    gateway.register.always = lambda: touch(gateway, named)

    with pytest.raises(ConflictError):
        gateway.desk.rotate(TENANT, named=named, overlap_s=60, by=ALICE, now_ms=NOON_MS)

    assert len(gateway.register.stored) == 4


def test_an_expired_key_is_not_rotated(gateway: AccountGateway) -> None:
    named = made(gateway, expires_at_ms=LATER_MS)

    with pytest.raises(ConflictError, match="expired"):
        gateway.desk.rotate(TENANT, named=named, overlap_s=60, by=ALICE, now_ms=LATER_MS)


def test_a_key_expires_no_later_because_it_is_rotated(gateway: AccountGateway) -> None:
    named = made(gateway, expires_at_ms=NOON_MS + 5_000)

    standing, _ = gateway.desk.rotate(TENANT, named=named, overlap_s=60, by=ALICE, now_ms=NOON_MS)

    assert gateway.register.stored[named].expires_at_ms == NOON_MS + 5_000
    assert standing.key.expires_at_ms == NOON_MS + 5_000


def test_a_key_that_is_deleted_meanwhile_is_absent(gateway: AccountGateway) -> None:
    named = made(gateway)
    gateway.register.meanwhile = lambda: gateway.register.stored.pop(named)

    with pytest.raises(NotFoundError):
        gateway.desk.delete(TENANT, named=named, by=ALICE, now_ms=NOON_MS)


def test_a_deleted_key_is_not_brought_back_by_a_change(gateway: AccountGateway) -> None:
    named = made(gateway)
    gateway.register.meanwhile = lambda: gateway.register.stored.pop(named)

    with pytest.raises(NotFoundError):
        gateway.desk.change(
            TENANT, named=named, change=KeyChange(name="x"), by=ALICE, now_ms=NOON_MS
        )

    assert named not in gateway.register.stored


def test_a_period_without_a_limit_waits_for_the_limit(gateway: AccountGateway) -> None:
    named = made(gateway, limits=spending_limits(None, period=LimitPeriod.DAILY))

    limited = gateway.desk.change(
        TENANT, named=named, change=KeyChange(spend_nano_usd=NanoUsd(5)), by=ALICE, now_ms=NOON_MS
    )

    assert (limited.limit_nano_usd, limited.period) == (5, LimitPeriod.DAILY)


def test_a_key_gets_no_account_when_a_limit_it_does_not_have_is_cleared(
    gateway: AccountGateway,
) -> None:
    named = made(gateway)
    clear = KeyChange(spend_nano_usd=NanoUsd(UNLIMITED), period=LimitPeriod.TOTAL)

    standing = gateway.desk.change(TENANT, named=named, change=clear, by=ALICE, now_ms=NOON_MS)

    assert standing.limit_nano_usd is None
    assert gateway.register.stored[named].limit_period is None
    assert list(gateway.ledger.accounts()) == []


def test_other_limits_of_a_key_stay_when_its_spending_limit_changes(
    gateway: AccountGateway,
) -> None:
    limits = AccountLimits(requests_per_minute=7, period=LimitPeriod.TOTAL)
    named = made(gateway, limits=limits)

    gateway.desk.change(
        TENANT, named=named, change=KeyChange(spend_nano_usd=NanoUsd(5)), by=ALICE, now_ms=NOON_MS
    )

    account = gateway.ledger.account(key_account(TENANT.tenant_id, named[:8]))
    assert account.limits == replace(limits, spend_nano_usd=NanoUsd(5))


def test_the_account_of_a_key_may_be_gone(gateway: AccountGateway) -> None:
    """An account that was never opened, after a crash in between, shows no limit."""
    named = made(gateway)
    touch(gateway, named, limit_period=LimitPeriod.DAILY)

    standing = gateway.desk.find(TENANT, named=named, now_ms=NOON_MS)

    assert standing.limit_nano_usd is None


def test_management_keys_are_not_among_a_tenants_keys(gateway: AccountGateway) -> None:
    page = gateway.desk.page(
        TENANT, offset=0, with_disabled=True, with_expired=True, now_ms=NOON_MS
    )

    assert {standing.key.kind for standing in page} == {KeyKind.INFERENCE}


def test_every_change_of_a_key_is_in_the_log(gateway: AccountGateway) -> None:
    named = made(gateway, limits=spending_limits(NanoUsd(5), period=None))
    desk = gateway.desk
    acts: dict[str, Any] = {"named": named, "by": ALICE}

    desk.change(TENANT, change=KeyChange(name="new"), now_ms=NOON_MS, **acts)
    desk.change(TENANT, change=KeyChange(spend_nano_usd=NanoUsd(7)), now_ms=NOON_MS, **acts)
    successor, _ = desk.rotate(TENANT, overlap_s=1, now_ms=NOON_MS, **acts)
    desk.delete(TENANT, now_ms=NOON_MS, **acts)

    created, renamed, changing, limited, rotated, deleted = gateway.register.log
    assert {(entry.actor, entry.deed.subject) for entry in gateway.register.log} == {(ALICE, named)}
    assert (created.deed.action, created.deed.before) == (Action.KEY_CREATED, {})
    assert created.deed.after["limit"] == Decimal("0.000000005")
    assert (renamed.deed.before, renamed.deed.after) == ({"name": "app"}, {"name": "new"})
    assert changing.deed.action is Action.KEY_CHANGING
    assert limited.deed == replace(changing.deed, action=Action.KEY_CHANGED)
    assert limited.deed.before == {"limit": Decimal("0.000000005")}
    assert limited.deed.after == {"limit": Decimal("0.000000007")}
    assert changing.entry_id < limited.entry_id
    assert rotated.deed.after["successor"] == successor.key.key_hash
    assert (deleted.deed.action, deleted.deed.after) == (Action.KEY_DELETED, {})
    assert deleted.deed.before["limit"] == Decimal("0.000000007")


def test_the_operators_desk_manages_keys_of_both_kinds(gateway: AccountGateway) -> None:
    desk = replace(gateway.desk, kinds=tuple(KeyKind))
    wish = NewKey(name="ci", kind=KeyKind.MANAGEMENT)

    standing, _ = desk.create(TENANT, wish=wish, by=ALICE, now_ms=NOON_MS)

    named = standing.key.key_hash
    assert desk.find(TENANT, named=named, now_ms=NOON_MS).key.kind is KeyKind.MANAGEMENT
    with pytest.raises(NotFoundError):
        gateway.desk.find(TENANT, named=named, now_ms=NOON_MS)
