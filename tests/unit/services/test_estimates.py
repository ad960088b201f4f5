"""What is held when prices are known, and when they are not."""

from dataclasses import replace

import pytest

from tests.support.fakes import PRICE, TENANT, FakePrices, make_request
from weir.domain.errors import InvalidRequestError
from weir.domain.money import NanoUsd
from weir.domain.price_plans import PricePlan
from weir.domain.requests import ChatRequest
from weir.domain.tenants import Tenant
from weir.services.estimates import worst_case

# 100 prompt bytes + 16 for the message, at 150 nano-USD; 10 completion tokens at 600.
ESTIMATE = 116 * 150 + 10 * 600


def held(request: ChatRequest, *, tenant: Tenant = TENANT) -> int:
    return worst_case(tenant, request=request, prices=FakePrices({"weir/echo": PRICE}))


def with_flat_hold(nano_usd: int) -> Tenant:
    return replace(TENANT, unpriced_hold_nano_usd=NanoUsd(nano_usd))


def test_prompt_and_completion_are_held_at_the_price_of_the_model() -> None:
    assert held(make_request()) == ESTIMATE


def test_the_price_plan_decides_what_is_held() -> None:
    tenant = replace(TENANT, plan=PricePlan(version=1, multiplier_ppm=1_500_000))

    assert held(make_request(), tenant=tenant) == ESTIMATE * 3 // 2


def test_a_model_without_a_price_is_refused_when_the_tenant_has_no_flat_hold() -> None:
    request = make_request(models=("weir/echo", "acme/unheard-of"))

    with pytest.raises(InvalidRequestError, match="acme/unheard-of is not a valid model ID"):
        held(request)


@pytest.mark.parametrize(
    ("models", "flat", "expected"),
    [
        (("acme/router",), 5_000, 5_000),
        (("weir/echo", "acme/router"), 5_000, ESTIMATE),
        (("weir/echo", "acme/router"), 900_000, 900_000),
        (("weir/echo",), 900_000, ESTIMATE),
    ],
)
def test_a_flat_hold_stands_in_when_the_tenant_allows_unpriced_models(
    models: tuple[str, ...], flat: int, expected: int
) -> None:
    assert held(make_request(models=models), tenant=with_flat_hold(flat)) == expected


def test_an_unpriced_feature_is_refused_when_the_tenant_has_no_flat_hold() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        held(make_request(unpriced_feature='service_tier "priority"'))

    assert caught.value.message == (
        'service_tier "priority" has no fixed price and this tenant has no flat hold for such '
        "requests"
    )


@pytest.mark.parametrize(("flat", "expected"), [(5_000, ESTIMATE), (900_000, 900_000)])
def test_the_higher_of_estimate_and_flat_hold_is_held_when_a_feature_is_unpriced(
    flat: int, expected: int
) -> None:
    request = make_request(unpriced_feature="preset")

    assert held(request, tenant=with_flat_hold(flat)) == expected
