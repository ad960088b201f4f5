"""May this request start? Price it, and hold its worst-case cost in one conditional write."""

from collections.abc import Callable
from dataclasses import dataclass

from weir.domain.api_keys import ApiKey
from weir.domain.errors import InvalidRequestError
from weir.domain.generations import RANDOM_BYTES, new_generation_id
from weir.domain.holds import Hold, Reservation, estimate, prompt_tokens
from weir.domain.money import NanoUsd
from weir.domain.ports import CreditLedger, PriceList
from weir.domain.requests import ChatRequest
from weir.domain.tenants import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Takes holds.

    Attributes:
        random: Returns that many random bytes.
        lane: The account lane this process draws from, before it is reduced to the tenant's lanes.
    """

    prices: PriceList
    ledger: CreditLedger
    random: Callable[[int], bytes]
    lane: int

    def admit(self, key: ApiKey, *, request: ChatRequest, now_ms: int) -> Hold:
        """Hold the estimate of a request on its tenant's account.

        Raises:
            InvalidRequestError: A model or a feature has no known price and the tenant allows no
                flat hold.
            WeirError: The account refuses; see `CreditLedger.reserve`.
        """
        tenant = key.tenant
        hold = Hold(
            generation_id=new_generation_id(
                now_ms=now_ms, lane=self.lane % tenant.lanes, random=self.random(RANDOM_BYTES)
            ),
            estimate_nano_usd=self._estimate(tenant, request=request),
            key_id=key.key_id,
            model=request.models[0],
        )
        tokens = prompt_tokens(request, bound=tenant.prompt_bound) + request.max_tokens
        self.ledger.reserve(
            tenant.tenant_id, reservation=Reservation(hold=hold, tokens=tokens, now_ms=now_ms)
        )
        return hold

    def _estimate(self, tenant: Tenant, *, request: ChatRequest) -> NanoUsd:
        known = {model: self.prices.price(model) for model in request.models}
        prices = [price for price in known.values() if price is not None]
        flat = tenant.unpriced_hold_nano_usd
        if len(prices) < len(known) and flat is None:
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
        priced = estimate(request, prices=prices, bound=tenant.prompt_bound) if prices else 0
        is_bounded = len(prices) == len(known) and request.unpriced_feature is None
        return NanoUsd(priced if is_bounded else max(priced, flat or 0))
