"""A request for an answer: parsed strictly, checked, and ready to be forwarded byte-true."""

from collections.abc import Mapping
from json import dumps
from typing import Any

from weir.domain.end_users import stored_name
from weir.domain.errors import InvalidRequestError
from weir.domain.requests import ChatRequest, Mode
from weir.domain.tenants import Tenant
from weir.http.chat_content import media
from weir.http.chat_fields import FIELDS
from weir.http.chat_headers import forwarded_headers
from weir.http.chat_policies import forced_members
from weir.http.chat_searches import web_searches
from weir.http.chat_unpriced import unpriced_feature
from weir.http.checks import whole_number
from weir.http.completion_fields import TEXT_FIELDS
from weir.http.completion_prompts import prompts
from weir.http.json_objects import JsonObject, splice
from weir.http.namespaces import NAMESPACED_FIELDS, namespaced
from weir.http.strict_json import parse_object

_FIELDS = {Mode.CHAT: FIELDS, Mode.TEXT: TEXT_FIELDS}
# What bounds a completion. A text completion knows the first alone; the other bounds nothing there.
_BOUNDS = {Mode.CHAT: ("max_tokens", "max_completion_tokens"), Mode.TEXT: ("max_tokens",)}


def read_chat_request(
    body: bytes, headers: Mapping[str, str], *, tenant: Tenant, mode: Mode = Mode.CHAT
) -> ChatRequest:
    """Validate a request and prepare what goes upstream.

    The body stays as the client wrote it, but for three things: `max_tokens` is added when there is
    none, the ids of the tenant's own users are namespaced, and a policy puts in what it forces.

    Raises:
        InvalidRequestError: The body or a header is malformed; the message names the field, what it
            must be and what was given.
        ForbiddenError: The request reaches further than the tenant's policy.
    """
    request = parse_object(body)
    _check(request, mode)
    models = _models(request)
    messages = request.get("messages") or []
    embedded = media(messages)
    plain = prompts(request)
    asked = max(plain.count, 1)
    completions = asked * _completions_each(request)
    replacements = _replacements(request, mode=mode, models=models, tenant=tenant)
    return ChatRequest(
        body=splice(request, replacements=replacements) if replacements else body,
        headers=forwarded_headers(headers, namespace_key=tenant.namespace_key),
        models=models,
        stream=request.get("stream") is True,
        prompt_bytes=len(body) - embedded.bytes - plain.token_bytes,
        messages=len(messages) + plain.count,
        media_parts=embedded.parts,
        media_bytes=embedded.bytes,
        web_searches=asked * web_searches(request, models=models),
        max_tokens=completions * _tokens_each(request, added=replacements.get("max_tokens")),
        unpriced_feature=unpriced_feature(request, models=models),
        mode=mode,
        prompts=asked,
        token_ids=plain.token_ids,
        completions=completions,
        end_user=stored_name(user) if (user := request.get("user")) else None,
    )


def _check(request: JsonObject, mode: Mode) -> None:
    fields = _FIELDS[mode]
    for name, member in request.members.items():
        check = fields.get(name)
        if check is not None and member.value is not None:
            check.test(name, member.value)
    _check_input(request, mode)
    best_of, completions = request.get("best_of"), request.get("n")
    if best_of is not None and completions is not None and best_of < completions:
        raise InvalidRequestError("best_of must not be less than n")
    _check_reasoning(request.get("reasoning") or {}, request.get("reasoning_effort"))


def _check_input(request: JsonObject, mode: Mode) -> None:
    has_prompt = request.get("prompt") is not None
    if mode is Mode.TEXT:
        if not has_prompt:
            raise InvalidRequestError('Input required: specify "prompt"')
        return
    if request.get("messages") is None and not has_prompt:
        raise InvalidRequestError('Input required: specify "prompt" or "messages"')
    if request.get("top_logprobs") is not None and request.get("logprobs") is not True:
        raise InvalidRequestError("top_logprobs needs logprobs to be true")


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


def _completions_each(request: JsonObject) -> int:
    """Return how many completions of a prompt are made, whether they are shown or only compared."""
    return max(whole_number(request.get(name)) or 1 for name in ("n", "best_of"))


def _tokens_each(request: JsonObject, *, added: str | None) -> int:
    """Return how many tokens one completion is billed at most."""
    # All bounds are forwarded, and upstream may take any.
    bounds = (whole_number(request.get(name)) or 0 for name in _BOUNDS[Mode.CHAT])
    tokens = max(int(added or 0), *bounds)
    reasoning = whole_number((request.get("reasoning") or {}).get("max_tokens")) or 0
    # A bound of reasoning lies within that of the completion; one that cannot comes on top of it.
    return tokens + (reasoning if reasoning >= tokens else 0) + _predicted_bytes(request)


def _predicted_bytes(request: JsonObject) -> int:
    """Return the length of a prediction: what it gets wrong is billed like a completion."""
    if request.get("prediction") is None:
        return 0
    member = request.members["prediction"]
    return len(request.text[member.start : member.end].encode())


def _replacements(
    request: JsonObject, *, mode: Mode, models: tuple[str, ...], tenant: Tenant
) -> dict[str, str]:
    """Return what is put into the body: JSON text by top-level member."""
    replacements = {
        **_namespaced_ids(request, tenant),
        **forced_members(request, models=models, policy=tenant.policy),
    }
    if all(request.get(name) is None for name in _BOUNDS[mode]):
        replacements["max_tokens"] = str(tenant.policy.bounded(tenant.default_max_tokens))
    return replacements


def _namespaced_ids(request: JsonObject, tenant: Tenant) -> dict[str, str]:
    return {
        field: dumps(namespaced(value, field=field, namespace_key=tenant.namespace_key))
        for field in NAMESPACED_FIELDS
        if (value := request.get(field)) is not None
    }
