"""A request is held on every account it concerns, or on none."""

from dataclasses import replace

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.fakes import PRICE, TENANT, FakeJournal, FakePrices, make_key, make_request
from weir.domain.accounts import AccountStatus, end_user_account, key_account, tenant_account
from weir.domain.api_keys import ApiKey
from weir.domain.errors import (
    ForbiddenError,
    InsufficientCreditsError,
    MissingAccountError,
    RateLimitExceededError,
    StoreUnavailableError,
)
from weir.domain.generations import lane
from weir.domain.holds import Level
from weir.domain.limits import AccountLimits
from weir.domain.money import NanoUsd
from weir.domain.periods import LimitPeriod
from weir.domain.price_plans import PricePlan
from weir.services.admit import MAX_LANES_TRIED, Admission, Admitted

NOW_MS = 1_795_000_000_000
# 100 prompt bytes + 16 for the message, at 150 nano-USD; 10 completion tokens at 600.
ESTIMATE = 116 * 150 + 10 * 600
END_USER_LIMITS = AccountLimits(spend_nano_usd=NanoUsd(ESTIMATE), period=LimitPeriod.DAILY)
END_USERS_TENANT = replace(TENANT, end_user_limits=END_USER_LIMITS)
LIMITED_KEY = make_key(limit_period=LimitPeriod.WEEKLY)

TENANT_ACCOUNT = tenant_account(TENANT.tenant_id)
KEY_ACCOUNT = key_account(TENANT.tenant_id, LIMITED_KEY.key_id)
JANE_ACCOUNT = end_user_account(TENANT.tenant_id, "jane")


def admit(
    ledger: FakeLedger,
    *,
    key: ApiKey | None = None,
    journal: FakeJournal | None = None,
    first_lane: int = 0,
    end_user: str | None = None,
) -> Admitted:
    admission = Admission(
        prices=FakePrices({"weir/echo": PRICE}),
        ledger=ledger,
        journal=journal or FakeJournal(),
        random=bytes,
        lane=first_lane,
    )
    request = make_request(end_user=end_user)
    return admission.admit(key or make_key(), request=request, now_ms=NOW_MS)


def ledger_with(credit: int = 10**9, *, key_limits: AccountLimits | None = None) -> FakeLedger:
    ledger = FakeLedger()
    ledger.open_tenant_account(TENANT.tenant_id, credit_nano_usd=credit)
    if key_limits is not None:
        ledger.open_account(KEY_ACCOUNT, limits=key_limits)
        ledger.calls.clear()
    return ledger


def test_the_estimate_is_held_on_the_tenants_account() -> None:
    ledger = ledger_with()

    admitted = admit(ledger)

    account = ledger.account(TENANT_ACCOUNT)
    assert admitted.hold.estimate_nano_usd == ESTIMATE
    assert account.holds == {admitted.hold.generation_id: admitted.hold}
    assert account.tokens_by_minute == {NOW_MS // 60_000: 126}
    assert admitted.holds == {TENANT_ACCOUNT: admitted.hold}


def test_the_hold_tells_all_that_a_repair_needs() -> None:
    plan = PricePlan(version=3, multiplier_ppm=2_000_000)
    tenant = replace(END_USERS_TENANT, plan=plan, end_user_limits=AccountLimits())
    key = replace(LIMITED_KEY, tenant=tenant)

    hold = admit(ledger_with(key_limits=AccountLimits()), key=key, end_user="jane").hold

    assert hold.levels == {Level.KEY, Level.END_USER}
    assert (hold.key_id, hold.end_user, hold.model) == (key.key_id, "jane", "weir/echo")
    assert (hold.plan_version, hold.estimate_nano_usd) == (3, 2 * ESTIMATE)


def test_nothing_is_held_when_credit_does_not_cover_the_estimate() -> None:
    ledger = ledger_with(ESTIMATE - 1)

    with pytest.raises(InsufficientCreditsError):
        admit(ledger)

    assert ledger.account(TENANT_ACCOUNT).holds == {}


def test_a_key_with_a_limit_is_held_on_its_account_in_its_own_period() -> None:
    ledger = ledger_with(key_limits=AccountLimits(period=LimitPeriod.WEEKLY))

    admitted = admit(ledger, key=LIMITED_KEY)

    held = ledger.account(KEY_ACCOUNT).holds
    assert held == {admitted.hold.generation_id: admitted.holds[KEY_ACCOUNT]}
    assert admitted.holds[KEY_ACCOUNT].period is LimitPeriod.WEEKLY
    assert admitted.hold.period is TENANT.limit_period


def test_the_tenants_hold_is_released_when_the_keys_account_refuses() -> None:
    ledger = ledger_with(key_limits=AccountLimits(in_flight=0))
    before = ledger.account(TENANT_ACCOUNT)

    with pytest.raises(RateLimitExceededError):
        admit(ledger, key=LIMITED_KEY)

    after = ledger.account(TENANT_ACCOUNT)
    assert (after.holds, after.available_nano_usd) == ({}, before.available_nano_usd)
    assert (after.sequence, after.in_flight) == (0, 0)
    assert ledger.calls == ["reserve", "reserve", "release"]


def test_both_upper_holds_are_released_when_the_end_user_is_refused() -> None:
    ledger = ledger_with(key_limits=AccountLimits())
    ledger.open_account(JANE_ACCOUNT, limits=AccountLimits(spend_nano_usd=NanoUsd(0)))

    with pytest.raises(ForbiddenError):
        admit(ledger, key=replace(LIMITED_KEY, tenant=END_USERS_TENANT), end_user="jane")

    assert ledger.account(TENANT_ACCOUNT).holds == {}
    assert ledger.account(KEY_ACCOUNT).holds == {}


def test_a_key_without_its_account_is_refused_and_no_account_is_opened_for_it() -> None:
    ledger = ledger_with()

    with pytest.raises(MissingAccountError):
        admit(ledger, key=LIMITED_KEY)

    assert ledger.account(TENANT_ACCOUNT).holds == {}
    assert "open_account" not in ledger.calls


def test_an_end_users_account_is_opened_with_the_first_request() -> None:
    ledger = ledger_with()

    admitted = admit(ledger, key=make_key(tenant=END_USERS_TENANT), end_user="jane")

    account = ledger.account(JANE_ACCOUNT)
    assert account.limits == END_USER_LIMITS
    assert account.holds == {admitted.hold.generation_id: admitted.holds[JANE_ACCOUNT]}
    assert ledger.calls == ["reserve", "reserve", "open_account", "reserve"]


def test_an_end_user_is_bound_by_its_own_limit() -> None:
    ledger = ledger_with()
    key = make_key(tenant=END_USERS_TENANT)
    admit(ledger, key=key, end_user="jane")

    with pytest.raises(ForbiddenError):
        admit_another(ledger, key)

    assert len(ledger.account(TENANT_ACCOUNT).holds) == 1


def admit_another(ledger: FakeLedger, key: ApiKey) -> Admitted:
    admission = Admission(
        prices=FakePrices({"weir/echo": PRICE}),
        ledger=ledger,
        journal=FakeJournal(),
        random=lambda count: b"\1" * count,
        lane=0,
    )
    return admission.admit(key, request=make_request(end_user="jane"), now_ms=NOW_MS)


@pytest.mark.parametrize("tenant", [TENANT, END_USERS_TENANT], ids=["no-limits", "no-end-user"])
def test_no_end_user_is_charged_when_there_is_none_or_no_limit(tenant: object) -> None:
    end_user = "jane" if tenant is TENANT else None

    admitted = admit(ledger_with(), key=make_key(tenant=tenant), end_user=end_user)

    assert list(admitted.holds) == [TENANT_ACCOUNT]
    assert admitted.hold.levels == frozenset()


@pytest.mark.parametrize("applied", [False, True])
def test_every_hold_is_left_to_the_sweeper_when_a_lower_account_does_not_answer(
    *, applied: bool
) -> None:
    ledger, journal = ledger_with(key_limits=AccountLimits()), FakeJournal()
    fail_second_reserve(ledger, applied=applied)

    with pytest.raises(StoreUnavailableError):
        admit(ledger, key=LIMITED_KEY, journal=journal)

    # An unacknowledged write may be applied at any time: undoing it now could come too early, and
    # nobody looks for a hold below without one of the tenant above.
    assert ledger.calls == ["reserve", "reserve"]
    assert len(ledger.account(TENANT_ACCOUNT).holds) == 1
    assert journal.lines == [("unsettled", "The ledger is unavailable.")]


def fail_second_reserve(ledger: FakeLedger, *, applied: bool) -> None:
    """Make the reservation after the next one fail."""
    reserve = ledger.reserve

    def first(*args: object, **kwargs: object) -> object:
        account = reserve(*args, **kwargs)  # type: ignore[arg-type]  # passed on
        ledger.fail_next("reserve", applied=applied)
        ledger.reserve = reserve  # type: ignore[method-assign]  # only the first one is watched
        return account

    ledger.reserve = first  # type: ignore[method-assign, assignment]  # a test's wire-tap


def test_a_hold_that_cannot_be_released_is_left_to_the_sweeper() -> None:
    ledger, journal = ledger_with(key_limits=AccountLimits(in_flight=0)), FakeJournal()
    ledger.fail_next("release")

    with pytest.raises(RateLimitExceededError):
        admit(ledger, key=LIMITED_KEY, journal=journal)

    assert len(ledger.account(TENANT_ACCOUNT).holds) == 1
    assert journal.lines == [("unsettled", "The ledger is unavailable.")]


def test_nothing_is_released_when_the_tenants_account_does_not_answer() -> None:
    ledger = ledger_with()
    ledger.fail_next("reserve")

    with pytest.raises(StoreUnavailableError):
        admit(ledger)

    assert ledger.calls == ["reserve"]


def test_the_process_lane_is_reduced_to_the_tenants_lanes() -> None:
    ledger = FakeLedger()
    ledger.open_tenant_account(TENANT.tenant_id, credit_nano_usd=10**9, lanes=4)

    admitted = admit(ledger, key=make_key(tenant=replace(TENANT, lanes=4)), first_lane=7)

    assert lane(admitted.hold.generation_id) == 3
    assert ledger.calls == ["reserve"]


def test_the_next_lane_admits_when_the_first_is_short() -> None:
    ledger = FakeLedger()
    for number, credit in enumerate((10**9, ESTIMATE - 1, 0)):
        ledger.open_lane(TENANT.tenant_id, lane=number, credit_nano_usd=credit)

    admitted = admit(ledger, key=make_key(tenant=replace(TENANT, lanes=3)), first_lane=1)

    assert lane(admitted.hold.generation_id) == 0
    assert ledger.calls == ["reserve"] * 3


def test_the_first_lanes_refusal_is_told_when_every_lane_refuses() -> None:
    ledger = FakeLedger()
    ledger.open_lane(TENANT.tenant_id, lane=0, credit_nano_usd=0)
    ledger.open_lane(TENANT.tenant_id, lane=1, credit_nano_usd=10**9)
    ledger.set_status(TENANT_ACCOUNT, status=AccountStatus.SUSPENDED, lane=1)

    with pytest.raises(InsufficientCreditsError):
        admit(ledger, key=make_key(tenant=replace(TENANT, lanes=2)))


def test_a_refusal_stays_cheap_when_a_tenant_has_many_lanes() -> None:
    ledger = FakeLedger()

    with pytest.raises(MissingAccountError):
        admit(ledger, key=make_key(tenant=replace(TENANT, lanes=100)))

    assert ledger.calls == ["reserve"] * MAX_LANES_TRIED
