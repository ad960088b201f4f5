"""GET /generation: a request as the tenant's own ledger has it. The fields are OpenRouter's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import NotRequired, TypedDict

from weir.domain import generations
from weir.domain.answers import Reply
from weir.domain.errors import InvalidRequestError
from weir.domain.ledgers import UsageRecords
from weir.domain.usage import RecordStatus, UsageRecord
from weir.http import queries
from weir.http.access import Access
from weir.http.operations import Operation
from weir.http.replies import json_reply
from weir.http.routes import Request, Route
from weir.http.wire_values import dollars, workspace_id
from weir.services.generations import find_generation


class ProviderResponse(TypedDict):
    """What one provider answered."""

    status: int
    is_byok: bool
    model_permaslug: str
    latency: NotRequired[int]
    provider_name: NotRequired[str]


class GenerationBody(TypedDict):
    """OpenRouter's generation; what this ledger does not keep is null."""

    id: str
    upstream_id: None
    total_cost: Decimal
    cache_discount: None
    upstream_inference_cost: None
    created_at: str
    model: str
    app_id: None
    streamed: bool | None
    cancelled: bool
    provider_name: str | None
    latency: int | None
    moderation_latency: None
    generation_time: int | None
    finish_reason: str | None
    native_finish_reason: None
    tokens_prompt: int
    tokens_completion: int
    native_tokens_prompt: int
    native_tokens_completion: int
    native_tokens_completion_images: None
    native_tokens_reasoning: int
    native_tokens_cached: int
    num_media_prompt: None
    num_input_audio_prompt: None
    num_media_completion: None
    num_search_results: None
    num_fetches: None
    web_search_engine: None
    origin: str
    usage: Decimal
    is_byok: bool
    external_user: str | None
    api_type: str
    router: None
    provider_responses: list[ProviderResponse] | None
    user_agent: None
    http_referer: None
    request_id: None
    session_id: None
    service_tier: None
    preset_id: None
    response_cache_source_id: None
    data_region: str
    workspace_id: str


class Generation(TypedDict):
    """A request of the tenant's."""

    data: GenerationBody


_FIND = Operation(
    summary="Show what became of a request",
    replies={200: Generation},
    refusals=(404,),
    query={"id": {**queries.TEXT, "minLength": 1}},
    required=("id",),
)
# All fields in their order; what is null here is never known.
_BLANK: GenerationBody = {
    "id": "",
    # It is of the operator's account, like upstream's cost.
    "upstream_id": None,
    "total_cost": Decimal(0),
    "cache_discount": None,
    "upstream_inference_cost": None,
    "created_at": "",
    "model": "",
    "app_id": None,
    "streamed": None,
    "cancelled": False,
    "provider_name": None,
    "latency": None,
    "moderation_latency": None,
    "generation_time": None,
    "finish_reason": None,
    "native_finish_reason": None,
    "tokens_prompt": 0,
    "tokens_completion": 0,
    "native_tokens_prompt": 0,
    "native_tokens_completion": 0,
    "native_tokens_completion_images": None,
    "native_tokens_reasoning": 0,
    "native_tokens_cached": 0,
    "num_media_prompt": None,
    "num_input_audio_prompt": None,
    "num_media_completion": None,
    "num_search_results": None,
    "num_fetches": None,
    "web_search_engine": None,
    "origin": "",
    "usage": Decimal(0),
    "is_byok": False,
    "external_user": None,
    "api_type": "completions",
    "router": None,
    "provider_responses": None,
    "user_agent": None,
    "http_referer": None,
    "request_id": None,
    "session_id": None,
    "service_tier": None,
    "preset_id": None,
    "response_cache_source_id": None,
    "data_region": "global",
    "workspace_id": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationEndpoint:
    """Tells a tenant what became of its requests."""

    records: UsageRecords

    def routes(self) -> Mapping[str, Route]:
        """Return the route, and which keys it takes."""
        route = Route(access=Access.ANY, endpoint=self.find, about=_FIND)
        return {"GET /api/v1/generation": route}

    def find(self, request: Request) -> Reply:
        """Show the request that the query names.

        Raises:
            InvalidRequestError: The query names none.
        """
        named = queries.text(request.event, "id")
        if named is None:
            raise InvalidRequestError("id is required: name the generation")
        tenant_id = request.key.tenant.tenant_id
        return json_reply({"data": _body(find_generation(self.records, tenant_id, named=named))})


def _body(record: UsageRecord) -> GenerationBody:
    usage, price = record.usage, dollars(record.price_nano_usd)
    created = datetime.fromtimestamp(generations.created_s(record.generation_id), UTC)
    return {
        **_BLANK,
        "id": record.generation_id,
        "total_cost": price,
        "created_at": created.isoformat(),
        "model": record.model,
        "streamed": record.streamed,
        "cancelled": record.status is RecordStatus.CANCELLED,
        "provider_name": record.provider,
        "latency": record.latency_ms,
        "generation_time": record.generation_ms,
        "finish_reason": record.finish_reason,
        "tokens_prompt": usage.prompt_tokens,
        "tokens_completion": usage.completion_tokens,
        "native_tokens_prompt": usage.prompt_tokens,
        "native_tokens_completion": usage.completion_tokens,
        "native_tokens_reasoning": usage.reasoning_tokens,
        "native_tokens_cached": usage.cached_tokens,
        "usage": price,
        "external_user": record.end_user,
        "provider_responses": _responses(record),
        "workspace_id": workspace_id(record.tenant_id),
    }


def _responses(record: UsageRecord) -> list[ProviderResponse] | None:
    if record.http_status is None:
        return None
    response: ProviderResponse = {
        "status": record.http_status,
        "is_byok": False,
        "model_permaslug": record.model,
    }
    if record.latency_ms is not None:
        response["latency"] = record.latency_ms
    if record.provider is not None:
        response["provider_name"] = record.provider
    return [response]
