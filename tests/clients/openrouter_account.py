"""More cases of `openrouter` (Python): every method of the catalogue, keys, books and sign-in."""

import base64
import datetime as dt
import hashlib
import warnings
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from openrouter import OpenRouter
from openrouter.errors import OpenRouterError

from tests.clients.cases import MODEL, Case, Gateway, user

AUTHOR, SLUG = MODEL.split("/")
VERIFIER = "v" * 43
CALLBACK = "https://app.example.com/back"
ENDS = dt.datetime(2040, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
PAGE = 20


@cache
def client(gateway: Gateway, *, key: str | None = None) -> OpenRouter:
    return OpenRouter(api_key=key or gateway.api_key, server_url=gateway.base_url)


def manager(gateway: Gateway) -> OpenRouter:
    return client(gateway, key=gateway.management_key)


def all_pages(page: Any) -> list[str]:
    ids: list[str] = []
    while page is not None:
        ids += [model.id for model in page.result.data]
        assert len(page.result.data) <= PAGE
        page = page.next()
    return ids


def models(gateway: Gateway) -> Any:
    return {"ids": all_pages(client(gateway).models.list(limit=PAGE))}


def models_of_a_key(gateway: Gateway) -> Any:
    security: Any = {"bearer": gateway.api_key}
    page = client(gateway).models.list_for_user(security=security, limit=PAGE)
    return {"ids": all_pages(page)}


def count(gateway: Gateway) -> Any:
    return {"count": client(gateway).models.count().data.count}


def model(gateway: Gateway) -> Any:
    data = client(gateway).models.get(author=AUTHOR, slug=SLUG).data
    return {
        "id": data.id,
        "name": data.name,
        "created": data.created,
        "price": data.pricing.prompt,
        "parameters": list(data.supported_parameters),
    }


def endpoints(gateway: Gateway) -> Any:
    data = client(gateway).endpoints.list(author=AUTHOR, slug=SLUG).data
    return {"id": data.id, "providers": [one.provider_name for one in data.endpoints]}


def zdr(gateway: Gateway) -> Any:
    return {"models": [one.model_id for one in client(gateway).endpoints.list_zdr_endpoints().data]}


def providers(gateway: Gateway) -> Any:
    return {"providers": [[one.name, one.slug] for one in client(gateway).providers.list().data]}


def key(gateway: Gateway) -> Any:
    # The client itself warns of the field `rate_limit`, which it demands.
    warnings.simplefilter("ignore", DeprecationWarning)
    mine, managing, capped = (
        client(gateway, key=held).api_keys.get_current_key_metadata().data
        for held in (gateway.api_key, gateway.management_key, gateway.capped_key)
    )
    assert mine.effective_budget is None
    assert capped.effective_budget is not None
    return {
        "label": mine.label,
        "limit": mine.limit,
        "managing": [mine.is_management_key, managing.is_management_key],
        "scope": capped.effective_budget.scope,
    }


def shown_key(data: Any) -> dict[str, Any]:
    return {
        "hash": data.hash,
        "name": data.name,
        "limit": data.limit,
        "reset": data.limit_reset,
        "expires": data.expires_at.strftime("%Y-%m-%dT%H:%M:%S"),
        "off": data.disabled,
    }


def keys(gateway: Gateway) -> Any:
    calls = manager(gateway).api_keys
    made = calls.create(name="app", limit=1.5, limit_reset="monthly", expires_at=ENDS)
    told = {
        "key": made.key,
        "made": shown_key(made.data),
        "read": shown_key(calls.get(hash=made.data.hash).data),
        "changed": shown_key(
            calls.update(hash=made.data.hash, name="old", limit=None, disabled=True).data
        ),
        "listed": [one.hash for one in calls.list(include_disabled=True).data],
        "enabled": [one.hash for one in calls.list().data],
        "deleted": calls.delete(hash=made.data.hash).DELETED,
    }
    try:
        calls.get(hash=made.data.hash)
    except OpenRouterError as error:
        told["gone"] = error.status_code
    return told


def credit(gateway: Gateway) -> Any:
    data = manager(gateway).credits.get_credits().data
    return {"total": data.total_credits, "used": data.total_usage}


def activity(gateway: Gateway) -> Any:
    rows = manager(gateway).analytics.get_user_activity().data
    return {
        "rows": [
            {
                "model": row.model,
                "provider": row.provider_name,
                "requests": row.requests,
                "usage": row.usage,
                "tokens": [row.prompt_tokens, row.completion_tokens],
                "reasoning": row.reasoning_tokens,
            }
            for row in rows
        ]
    }


def generation(gateway: Gateway) -> Any:
    asked: Any = client(gateway).chat.send(model=MODEL, messages=user())
    data = client(gateway).generations.get_generation(id=asked.id).data
    return {
        "id": data.id,
        "model": data.model,
        "total_cost": data.total_cost,
        "tokens_prompt": data.tokens_prompt,
        "tokens_completion": data.tokens_completion,
        "streamed": data.streamed,
        "finish_reason": data.finish_reason,
        "provider_name": data.provider_name,
    }


def code(gateway: Gateway) -> Any:
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    made = manager(gateway).o_auth.create_auth_code(
        callback_url=CALLBACK, code_challenge=challenge, code_challenge_method="S256", limit=1
    )
    exchange = partial(
        manager(gateway).o_auth.exchange_auth_code_for_api_key,
        code=made.data.id,
        code_verifier=VERIFIER,
        code_challenge_method="S256",
    )
    issued = exchange()
    try:
        exchange()
    except OpenRouterError as error:
        again = error.status_code
    done: Any = client(gateway, key=issued.key).chat.send(model=MODEL, messages=user())
    text = done.choices[0].message.content
    return {"again": again, "id": done.id, "text": text}


CASES: Mapping[str, Case] = {
    "models": models,
    "models, counted": count,
    "models of a key": models_of_a_key,
    "model": model,
    "endpoints": endpoints,
    "endpoints, ZDR": zdr,
    "providers": providers,
    "key": key,
    "keys": keys,
    "activity": activity,
    "generation": generation,
    "code exchanged for a key": code,
    "credits": credit,
}
