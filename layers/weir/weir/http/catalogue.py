"""The catalogue's routes: models, their endpoints, and who provides them.

All are open but `GET /models/user`; a key that is sent makes the prices the caller's own. `Age`
tells how old upstream's word is, above ten minutes when upstream cannot be asked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from json import JSONEncoder
from typing import Any
from urllib.parse import unquote, urlencode

from weir.domain.answers import Reply
from weir.domain.catalogue import Entry
from weir.domain.model_queries import ModelQuery
from weir.domain.policies import ANYTHING, Policy
from weir.domain.price_plans import AT_COST, PricePlan
from weir.http.access import Access
from weir.http.catalogue_bodies import (
    DataBody,
    ModelsBody,
    endpoint_body,
    endpoints_body,
    model_body,
    provider_body,
)
from weir.http.catalogue_operations import OPERATIONS
from weir.http.catalogue_queries import count_query, model_query
from weir.http.events import path_parameter
from weir.http.routes import Request, Route
from weir.services.catalogue import Catalogue, Listing

PUBLIC = "public, max-age=120, stale-while-revalidate=3600"
PRIVATE = "private, no-store"

_MODELS = "/api/v1/models"
_MS_PER_S = 1_000
# A list has tens of thousands of values: one pass of the encoder in C.
_encode = JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEndpoints:
    """Speaks for `Catalogue` on the wire; errors are those of its methods."""

    catalogue: Catalogue

    def table(self) -> Mapping[str, Route]:
        """Return the routes by method and resource."""
        public: Mapping[str, Callable[[Request], Reply]] = {
            f"GET {_MODELS}": self.models,
            f"GET {_MODELS}/count": self.count,
            "GET /api/v1/model/{author}/{slug}": self.model,
            f"GET {_MODELS}/{{author}}/{{slug}}/endpoints": self.endpoints,
            "GET /api/v1/endpoints/zdr": self.zdr,
            "GET /api/v1/providers": self.providers,
        }
        table = {
            name: Route(access=Access.OPTIONAL, endpoint=endpoint, about=OPERATIONS[name])
            for name, endpoint in public.items()
        }
        own = f"GET {_MODELS}/user"
        table[own] = Route(access=Access.ANY, endpoint=self.user_models, about=OPERATIONS[own])
        return table

    def models(self, request: Request) -> Reply:
        """Return the models that the query selects."""
        return self._models(request, policy=ANYTHING, path=_MODELS)

    def user_models(self, request: Request) -> Reply:
        """Return those of them that the caller's policy allows."""
        return self._models(request, policy=request.key.tenant.policy, path=f"{_MODELS}/user")

    def count(self, request: Request) -> Reply:
        """Return how many models there are."""
        found = self.catalogue.models(count_query(request.event), plan=AT_COST)
        return _reply(request, found, {"data": {"count": found.total}})

    def model(self, request: Request) -> Reply:
        """Return one model."""
        author, slug = _named(request)
        found = self.catalogue.model(author, slug, plan=_plan(request))
        return _reply(request, found, {"data": model_body(found.entries[0])})

    def endpoints(self, request: Request) -> Reply:
        """Return one model's endpoints."""
        author, slug = _named(request)
        found = self.catalogue.endpoints(author, slug, plan=_plan(request))
        return _reply(request, found, {"data": endpoints_body(found.entries[0])})

    def zdr(self, request: Request) -> Reply:
        """Return the endpoints with zero data retention."""
        found = self.catalogue.zdr(plan=_plan(request))
        return _reply(request, found, {"data": list(map(endpoint_body, found.entries))})

    def providers(self, request: Request) -> Reply:
        """Return the providers."""
        found = self.catalogue.providers()
        return _reply(request, found, {"data": list(map(provider_body, found.entries))})

    def _models(self, request: Request, *, policy: Policy, path: str) -> Reply:
        query = model_query(request.event)
        found = self.catalogue.models(query, plan=_plan(request), policy=policy)
        shown: list[Entry] = list(map(model_body, found.entries))
        following = _following(request, query, found.total)
        body: ModelsBody = {
            "data": shown,
            "links": {"next": None if following is None else f"{path}?{following}"},
            "total_count": found.total,
        }
        return _reply(request, found, body)


def _following(request: Request, query: ModelQuery, total: int) -> str | None:
    """Return the query of the next page, None when this is the last one."""
    if query.limit is None or query.offset + query.limit >= total:
        return None
    given = dict(request.event.get("queryStringParameters") or {})
    page = {"offset": str(query.offset + query.limit), "limit": str(query.limit)}
    return urlencode({**given, **page})


def _plan(request: Request) -> PricePlan:
    return AT_COST if request.caller is None else request.caller.tenant.plan


def _named(request: Request) -> tuple[str, str]:
    # Some clients write the colon of a variant as %3A, which not every front decodes.
    author, slug = (path_parameter(request.event, name) for name in ("author", "slug"))
    return unquote(author), unquote(slug)


def _reply(request: Request, found: Listing, body: ModelsBody | DataBody) -> Reply:
    content: Any = body
    headers = {
        "Content-Type": "application/json",
        "Age": str(max(0, request.now_ms - found.read_ms) // _MS_PER_S),
        "Cache-Control": PUBLIC if request.caller is None else PRIVATE,
        "Vary": "Authorization",
    }
    written = _encode(content).encode("utf-8", "replace")
    return Reply(status=200, headers=headers, body=(written,))
