"""One body of every endpoint that OpenRouter has as well, asked of a stack that runs here."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import requests

from local.seed import issue_key, seed_tenant
from local.stack import LocalStack
from weir.adapters.dynamodb.rollups import DynamoDBRollups
from weir.domain.api_keys import KeyKind, key_hash, short_id
from weir.domain.money import NanoUsd
from weir.domain.rollups import BUCKET_S, Bucket, Cell, Family, Sums
from weir.domain.tenants import Tenant, TenantId

MODEL = "weir/echo"
_TIMEOUT_S = 30
_DAY_S = 86_400
_WORDS = "one two three"
_CHAT = {"model": MODEL, "messages": [{"role": "user", "content": _WORDS}], "user": "alice"}
_TEXT = {"model": MODEL, "prompt": _WORDS, "logprobs": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """An answer.

    Attributes:
        name: Of the body, in `tests/reference` and `tests/samples`.
        route: Method and path below the base URL.
        body: Its JSON, numbers exact; of a stream the list of its events.
    """

    name: str
    route: str
    status: int
    body: Any


def served_bodies(stack: LocalStack) -> Mapping[str, Served]:
    """Ask for each body once, as a tenant of its own."""
    return {served.name: served for served in _Asker(stack).everything()}


class _Asker:
    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        name = TenantId(f"compared-{secrets.token_hex(4)}")
        tenant = seed_tenant(stack.books, tenant_id=name, credit_usd=5)
        self._manager = issue_key(stack.books, tenant, kind=KeyKind.MANAGEMENT, label="manager")
        self._holder = self._make_holder(tenant)

    def everything(self) -> Iterator[Served]:
        """Yield the answers; later ones tell of what earlier ones did."""
        yield from self._completions()
        yield from self._catalogue()
        yield from self._keys()
        yield from self._account()
        yield from self._sign_in()

    def _completions(self) -> Iterator[Served]:
        chat = self._ask("chat", "POST /chat/completions", body=_CHAT)
        yield chat
        yield self._ask("stream", "POST /chat/completions", body={**_CHAT, "stream": True})
        yield self._ask("generation", "GET /generation", query={"id": chat.body["id"]})
        yield self._ask("completions", "POST /completions", body=_TEXT)
        yield self._ask("completions_stream", "POST /completions", body={**_TEXT, "stream": True})

    def _catalogue(self) -> Iterator[Served]:
        author, slug = MODEL.split("/")
        yield self._ask("models", "GET /models")
        yield self._ask("models_user", "GET /models/user")
        yield self._ask("models_count", "GET /models/count")
        yield self._ask("model", "GET /model/{author}/{slug}", path=f"/model/{author}/{slug}")
        yield self._ask(
            "endpoints",
            "GET /models/{author}/{slug}/endpoints",
            path=f"/models/{author}/{slug}/endpoints",
        )
        yield self._ask("zdr", "GET /endpoints/zdr")
        yield self._ask("providers", "GET /providers")

    def _keys(self) -> Iterator[Served]:
        wish = {
            "name": "a key",
            "limit": 50,
            "limit_reset": "monthly",
            "creator_user_id": "user_x",
            "external": {"user": "alice"},
            "expires_at": "2099-12-31T23:59:59Z",
        }
        made = self._ask("keys_create", "POST /keys", body=wish, managing=True)
        yield made
        path = f"/keys/{made.body['data']['hash']}"
        yield self._ask("keys_get", "GET /keys/{hash}", path=path, managing=True)
        change = {"name": "another name"}
        yield self._ask("keys_update", "PATCH /keys/{hash}", path=path, body=change, managing=True)
        yield self._ask("keys_list", "GET /keys", managing=True)
        yield self._ask("keys_delete", "DELETE /keys/{hash}", path=path, managing=True)

    def _account(self) -> Iterator[Served]:
        yield self._ask("key", "GET /key")
        yield self._ask("credits", "GET /credits", managing=True)
        yield self._ask("activity", "GET /activity", managing=True)
        yield self._ask("coinbase", "POST /credits/coinbase", body={})
        yield self._ask("error", "GET /credits")

    def _sign_in(self) -> Iterator[Served]:
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        wish = {
            "callback_url": "https://app.example/back",
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        code = self._ask("auth_code", "POST /auth/keys/code", body=wish, managing=True)
        yield code
        exchange = {
            "code": code.body["data"]["id"],
            "code_verifier": verifier,
            "code_challenge_method": "S256",
        }
        yield self._ask("auth_keys", "POST /auth/keys", body=exchange)

    def _ask(
        self,
        name: str,
        route: str,
        *,
        path: str | None = None,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        managing: bool = False,
    ) -> Served:
        method, _, plain = route.partition(" ")
        answer = requests.request(
            method,
            self._stack.base_url + (path or plain),
            json=body,
            params=query,
            headers={"Authorization": f"Bearer {self._manager if managing else self._holder}"},
            timeout=_TIMEOUT_S,
        )
        is_stream = answer.headers["Content-Type"].startswith("text/event-stream")
        content = events_of(answer.text) if is_stream else _exact(answer.text)
        return Served(name=name, route=route, status=answer.status_code, body=content)

    def _make_holder(self, tenant: Tenant) -> str:
        """Make a key with a limit and an expiry, of which something was used yesterday."""
        wish = {"name": "holder", "limit": 2, "limit_reset": "daily", "creator_user_id": "user_x"}
        answer = requests.post(
            f"{self._stack.base_url}/keys",
            json={**wish, "expires_at": "2099-12-31T23:59:59Z"},
            headers={"Authorization": f"Bearer {self._manager}"},
            timeout=_TIMEOUT_S,
        )
        holder: str = answer.json()["key"]
        yesterday_s = int(time.time()) - _DAY_S
        bucket = Bucket(
            tenant_id=tenant.tenant_id, lane=0, start_s=yesterday_s - yesterday_s % BUCKET_S
        )
        cell = Cell(
            family=Family.KEY,
            key_id=short_id(key_hash(holder)),
            model=MODEL,
            provider="Weir Simulator",
        )
        sums = Sums(rows=1, requests=1, price_nano_usd=NanoUsd(1_500), prompt_tokens=6)
        rollups = DynamoDBRollups(self._stack.database, table=self._stack.tables["RollupsTable"])
        rollups.put_bucket(bucket, cell=cell, sums=sums)
        return holder


def events_of(text: str) -> list[Any]:
    """Return the events of a stream, but those that are no JSON."""
    lines = (line.removeprefix("data: ") for line in text.split("\n\n"))
    return [_exact(line) for line in lines if line.startswith("{")]


def _exact(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)
