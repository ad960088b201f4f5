"""How much may a request cost its tenant at most? Nothing may start that nobody can bound."""

from weir.domain.errors import InvalidRequestError
from weir.domain.holds import estimate
from weir.domain.money import NanoUsd
from weir.domain.ports import PriceList
from weir.domain.requests import ChatRequest
from weir.domain.tenants import Tenant


def worst_case(tenant: Tenant, *, request: ChatRequest, prices: PriceList) -> NanoUsd:
    """Return the highest price of a request, by the tenant's price plan.

    Raises:
        InvalidRequestError: A model or a feature has no known price and the tenant allows no flat
            hold.
        ProviderError: The price list cannot be read.
    """
    known = {model: prices.price(model) for model in request.models}
    priced = {model: price for model, price in known.items() if price is not None}
    flat = tenant.unpriced_hold_nano_usd
    if len(priced) < len(known) and flat is None:
        unpriced = next(model for model, price in known.items() if price is None)
        raise InvalidRequestError(
            f"{unpriced} is not a valid model ID, or it has no fixed price and this tenant "
            "has no flat hold for such models"
        )
    if request.unpriced_feature is not None and flat is None:
        raise InvalidRequestError(
            f"{request.unpriced_feature} has no fixed price and this tenant has no flat hold "
            "for such requests"
        )
    bounded = 0
    if priced:
        bounded = estimate(request, prices=priced, bound=tenant.prompt_bound, plan=tenant.plan)
    is_bounded = len(priced) == len(known) and request.unpriced_feature is None
    return NanoUsd(bounded if is_bounded else max(bounded, flat or 0))
