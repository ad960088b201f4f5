"""GET /credits, and the purchase that OpenRouter gave up."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypedDict

from weir.domain.answers import Reply
from weir.domain.errors import GoneError
from weir.domain.metering import Budgets
from weir.http.access import Access
from weir.http.operations import Operation
from weir.http.replies import json_reply
from weir.http.routes import Request, Route
from weir.http.wire_values import dollars
from weir.services.credits import credits_of

# OpenRouter's own words, to the letter.
_GONE = (
    "The Coinbase APIs used by this endpoint have been deprecated, so the Coinbase Commerce "
    "credits API has been removed. Use the web credits purchase flow instead."
)


class CreditTotals(TypedDict):
    """What was granted and what is used of it, in USD."""

    total_credits: Decimal
    total_usage: Decimal


class Credits(TypedDict):
    """The credits of a tenant."""

    data: CreditTotals


_SHOW = Operation(summary="Show the tenant's credits", replies={200: Credits})
_BUY = Operation(summary="Buy credits: gone, as it is from OpenRouter", replies={}, refusals=(410,))


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditEndpoints:
    """Tells a tenant its credits."""

    budgets: Budgets

    def routes(self) -> Mapping[str, Route]:
        """Return the routes, and which keys each takes."""
        return {
            "GET /api/v1/credits": Route(access=Access.MANAGEMENT, endpoint=self.show, about=_SHOW),
            "POST /api/v1/credits/coinbase": Route(
                access=Access.NONE, endpoint=self.buy, about=_BUY
            ),
        }

    def show(self, request: Request) -> Reply:
        """Show what was granted and what is used of it."""
        credits_ = credits_of(request.key.tenant, budgets=self.budgets)
        shown: CreditTotals = {
            "total_credits": dollars(credits_.granted_nano_usd),
            "total_usage": dollars(credits_.used_nano_usd),
        }
        return json_reply({"data": shown})

    def buy(self, _request: Request) -> Reply:
        """Refuse, as OpenRouter does.

        Raises:
            GoneError: Always.
        """
        raise GoneError(_GONE)
