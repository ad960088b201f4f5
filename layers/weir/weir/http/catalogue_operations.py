"""What clients are told of the catalogue's routes.

Entries are upstream's, with members that nobody here knows: the bodies below say what is always
there.
"""

from collections.abc import Mapping
from typing import Any, TypedDict

from weir.http.catalogue_bodies import PageLinks
from weir.http.catalogue_queries import COUNT_PARAMETERS, MODEL_PARAMETERS
from weir.http.operations import Operation


class ModelLinks(TypedDict):
    """Where more is told of a model."""

    details: str


class Model(TypedDict):
    """A model; its prices are texts, exact amounts of USD per token."""

    id: str
    canonical_slug: str
    name: str
    context_length: Any
    per_request_limits: Any
    supported_parameters: Any
    default_parameters: Any
    supported_voices: Any
    top_provider: Any
    links: ModelLinks


class Endpoint(TypedDict):
    """A model at one provider."""

    tag: str
    quantization: Any
    max_completion_tokens: Any
    max_prompt_tokens: Any
    supported_parameters: Any
    uptime_last_5m: Any
    uptime_last_30m: Any
    uptime_last_1d: Any
    supports_implicit_caching: Any
    latency_last_30m: Any
    throughput_last_30m: Any


class ModelWithEndpoints(TypedDict):
    """A model with its endpoints."""

    id: str
    name: str
    description: str
    endpoints: list[Endpoint]


class Provider(TypedDict):
    """A provider."""

    name: str
    slug: str
    privacy_policy_url: str | None


class Models(TypedDict):
    """A page of the models; the whole list when no page is asked for."""

    data: list[Model]
    links: PageLinks
    total_count: int


class Count(TypedDict):
    """A number of models."""

    count: int


class ModelCount(TypedDict):
    """How many models there are."""

    data: Count


class OneModel(TypedDict):
    """One model."""

    data: Model


class OneModelWithEndpoints(TypedDict):
    """One model with its endpoints."""

    data: ModelWithEndpoints


class Endpoints(TypedDict):
    """Endpoints of all models."""

    data: list[Endpoint]


class Providers(TypedDict):
    """All providers."""

    data: list[Provider]


OPERATIONS: Mapping[str, Operation] = {
    "GET /api/v1/models": Operation(
        summary="List models", replies={200: Models}, query=MODEL_PARAMETERS
    ),
    "GET /api/v1/models/user": Operation(
        summary="List the models that the tenant's policy allows",
        replies={200: Models},
        query=MODEL_PARAMETERS,
    ),
    "GET /api/v1/models/count": Operation(
        summary="Count models", replies={200: ModelCount}, query=COUNT_PARAMETERS
    ),
    "GET /api/v1/model/{author}/{slug}": Operation(summary="Show a model", replies={200: OneModel}),
    "GET /api/v1/models/{author}/{slug}/endpoints": Operation(
        summary="Show a model with its endpoints", replies={200: OneModelWithEndpoints}
    ),
    "GET /api/v1/endpoints/zdr": Operation(
        summary="List the endpoints with zero data retention", replies={200: Endpoints}
    ),
    "GET /api/v1/providers": Operation(summary="List the providers", replies={200: Providers}),
}
"""By method and resource."""
