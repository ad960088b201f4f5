from dataclasses import replace

import pytest

from tests.support.fake_ledger import FakeLedger
from tests.support.fakes import PRICE, TENANT, FakePrices, make_key, make_request
from weir.domain.errors import InsufficientCreditsError, InvalidRequestError
from weir.domain.generations import lane
from weir.domain.money import NanoUsd
from weir.domain.tenants import Tenant
from weir.services.admit import Admission

NOW_MS = 1_795_000_000_000
# 100 prompt bytes + 16 for the message, at 150 nano-USD; 10 completion tokens at 600.
ESTIMATE = 116 * 150 + 10 * 600


def admission(ledger: FakeLedger, *, lane: int = 0) -> Admission:
    prices = FakePrices({"weir/echo": PRICE})
    return Admission(prices=prices, ledger=ledger, random=bytes, lane=lane)


def ledger_with(credit: int, *, lanes: int = 1) -> FakeLedger:
    ledger = FakeLedger()
    for number in range(lanes):
        ledger.open_account(TENANT.tenant_id, credit, lane=number)
    return ledger


def test_the_estimate_is_held_on_the_tenants_account() -> None:
    ledger = ledger_with(10**9)

    hold = admission(ledger).admit(make_key(), request=make_request(), now_ms=NOW_MS)

    account = ledger.account(TENANT.tenant_id)
    assert hold.estimate_nano_usd == ESTIMATE
    assert account.holds == {hold.generation_id: hold}
    assert account.tokens_by_minute == {NOW_MS // 60_000: 126}


def test_nothing_is_held_when_credit_does_not_cover_the_estimate() -> None:
    ledger = ledger_with(ESTIMATE - 1)

    with pytest.raises(InsufficientCreditsError):
        admission(ledger).admit(make_key(), request=make_request(), now_ms=NOW_MS)

    assert ledger.account(TENANT.tenant_id).holds == {}


def test_the_process_lane_is_reduced_to_the_tenants_lanes() -> None:
    tenant = replace(TENANT, lanes=4)

    hold = admission(ledger_with(10**9, lanes=4), lane=7).admit(
        make_key(tenant=tenant), request=make_request(), now_ms=NOW_MS
    )

    assert lane(hold.generation_id) == 3


def test_a_model_without_a_price_is_refused() -> None:
    request = make_request(models=("weir/echo", "acme/unheard-of"))

    with pytest.raises(InvalidRequestError, match="acme/unheard-of is not a valid model ID"):
        admission(ledger_with(10**9)).admit(make_key(), request=request, now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("models", "flat", "held"),
    [
        (("acme/router",), 5_000, 5_000),
        (("weir/echo", "acme/router"), 5_000, ESTIMATE),
        (("weir/echo", "acme/router"), 900_000, 900_000),
        (("weir/echo",), 900_000, ESTIMATE),
    ],
)
def test_a_flat_hold_stands_in_when_the_tenant_allows_unpriced_models(
    models: tuple[str, ...], flat: int, held: int
) -> None:
    tenant: Tenant = replace(TENANT, unpriced_hold_nano_usd=NanoUsd(flat))

    hold = admission(ledger_with(10**9)).admit(
        make_key(tenant=tenant), request=make_request(models=models), now_ms=NOW_MS
    )

    assert hold.estimate_nano_usd == held


def test_an_unpriced_feature_is_refused_when_the_tenant_has_no_flat_hold() -> None:
    request = make_request(unpriced_feature='service_tier "priority"')
    ledger = ledger_with(10**9)

    with pytest.raises(InvalidRequestError) as caught:
        admission(ledger).admit(make_key(), request=request, now_ms=NOW_MS)

    assert caught.value.message == (
        'service_tier "priority" has no fixed price and this tenant has no flat hold for such '
        "requests"
    )
    assert ledger.account(TENANT.tenant_id).holds == {}


@pytest.mark.parametrize(("flat", "held"), [(5_000, ESTIMATE), (900_000, 900_000)])
def test_the_higher_of_estimate_and_flat_hold_is_held_when_a_feature_is_unpriced(
    flat: int, held: int
) -> None:
    tenant: Tenant = replace(TENANT, unpriced_hold_nano_usd=NanoUsd(flat))
    request = make_request(unpriced_feature="preset")

    hold = admission(ledger_with(10**9)).admit(
        make_key(tenant=tenant), request=request, now_ms=NOW_MS
    )

    assert hold.estimate_nano_usd == held
