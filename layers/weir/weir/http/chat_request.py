"""A chat request from the wire: parsed strictly, checked, and ready to be forwarded byte-true."""

from collections.abc import Mapping
from json import dumps
from typing import Any

from weir.domain.end_users import stored_name
from weir.domain.errors import InvalidRequestError
from weir.domain.requests import ChatRequest
from weir.domain.tenants import Tenant
from weir.http.chat_content import media
from weir.http.chat_fields import FIELDS
from weir.http.chat_headers import forwarded_headers
from weir.http.chat_searches import web_searches
from weir.http.chat_unpriced import unpriced_feature
from weir.http.checks import whole_number
from weir.http.json_objects import JsonObject, splice
from weir.http.namespaces import NAMESPACED_FIELDS, namespaced
from weir.http.strict_json import parse_object


def read_chat_request(body: bytes, headers: Mapping[str, str], *, tenant: Tenant) -> ChatRequest:
    """Validate a request and prepare what goes upstream.

    The body stays as the client wrote it, but for two things: `max_tokens` is added when there is
    none, and the ids of the tenant's own users are namespaced.

    Raises:
        InvalidRequestError: The body or a header is malformed; the message names the field, what it
            must be and what was given.
    """
    request = parse_object(body)
    _check(request)
    models = _models(request)
    messages = request.get("messages") or []
    embedded = media(messages)
    completion_bound = _completion_bound(request)
    max_tokens = completion_bound or tenant.default_max_tokens
    completions = whole_number(request.get("n")) or 1
    replacements = _namespaced_ids(request, tenant)
    if completion_bound is None:
        replacements["max_tokens"] = str(max_tokens)
    return ChatRequest(
        body=splice(request, replacements=replacements) if replacements else body,
        headers=forwarded_headers(headers, namespace_key=tenant.namespace_key),
        models=models,
        stream=request.get("stream") is True,
        prompt_bytes=len(body) - embedded.bytes,
        messages=len(messages),
        media_parts=embedded.parts,
        media_bytes=embedded.bytes,
        web_searches=web_searches(request, models=models),
        max_tokens=max_tokens * completions,
        unpriced_feature=unpriced_feature(request, models=models),
        completions=completions,
        end_user=stored_name(user) if (user := request.get("user")) else None,
    )


def _check(request: JsonObject) -> None:
    for name, member in request.members.items():
        check = FIELDS.get(name)
        if check is not None and member.value is not None:
            check(name, member.value)
    if request.get("messages") is None and request.get("prompt") is None:
        raise InvalidRequestError('Input required: specify "prompt" or "messages"')
    if request.get("top_logprobs") is not None and request.get("logprobs") is not True:
        raise InvalidRequestError("top_logprobs needs logprobs to be true")
    _check_reasoning(request.get("reasoning") or {}, request.get("reasoning_effort"))


def _check_reasoning(reasoning: Mapping[str, Any], shorthand: str | None) -> None:
    effort = reasoning.get("effort")
    if effort is not None and reasoning.get("max_tokens") is not None:
        raise InvalidRequestError(
            'Only one of "reasoning.effort" and "reasoning.max_tokens" can be specified'
        )
    if shorthand is not None and effort is not None and shorthand != effort:
        raise InvalidRequestError("reasoning_effort must not contradict reasoning.effort")


def _models(request: JsonObject) -> tuple[str, ...]:
    first = request.get("model")
    fallbacks = request.get("models") or []
    models = tuple(dict.fromkeys(fallbacks if first is None else [first, *fallbacks]))
    if not models:
        raise InvalidRequestError('model is required: a string such as "author/slug"')
    return models


def _completion_bound(request: JsonObject) -> int | None:
    """Return the larger bound: both are forwarded, and upstream may take either."""
    bounds = (
        whole_number(request.get("max_tokens")),
        whole_number(request.get("max_completion_tokens")),
    )
    return max((bound for bound in bounds if bound is not None), default=None)


def _namespaced_ids(request: JsonObject, tenant: Tenant) -> dict[str, str]:
    return {
        field: dumps(namespaced(value, field=field, namespace_key=tenant.namespace_key))
        for field in NAMESPACED_FIELDS
        if (value := request.get(field)) is not None
    }
