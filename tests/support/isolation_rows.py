"""How each route is asked for one thing or another, and whom it lets in: the isolation matrix."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from tests.support.marked_tenants import MarkedTenant, chat_body
from weir.http.access import Access
from weir.http.wire_values import workspace_id

_HASH = "0123456789abcdef" * 4
_TRICKS = ("..", "../keys", "a b", "*", "\0", "' OR 1=1 --", "é", "%2e%2e", "x" * 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ids:
    """What a request can name, of one tenant."""

    marker: str
    key_hash: str
    generation: str
    end_user: str
    workspace: str
    tenant: str


ABSENT = Ids(
    marker="mkabsent00000000",
    key_hash=_HASH,
    generation="gen-1795000000-AbSeNtAbSeNtAbSeNt01",
    end_user="user-mkabsent00000000",
    workspace="11111111-2222-5333-8444-555555555555",
    tenant="mkabsent00000000",
)
"""Of nobody, and of the same form as everybody's."""
_LONG = ("x" * 600,)
MALFORMED: Mapping[str, tuple[str, ...]] = {
    "key_hash": (*_TRICKS, _HASH[:-1], f"{_HASH}0", _HASH.upper(), f"{_HASH[:-1]}g"),
    "generation": (*_TRICKS, ABSENT.generation[:-1], ABSENT.generation.upper()),
    "end_user": _LONG,
    "workspace": _LONG,
    "tenant": (*_TRICKS, "Capital", "-dash", "x" * 64),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request without its credential; `target` begins behind the origin."""

    target: str
    json: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One route.

    Attributes:
        access: Whom it takes.
        ask: Makes the request that names these.
        names: Which of the ids it names; each is varied by itself.
        ok: Statuses of a request that names what is the caller's own.
        spends: The name of what it destroys, which must be made anew; None: it destroys nothing.
    """

    access: Access
    ask: Callable[[Ids], Ask]
    names: tuple[str, ...] = ()
    ok: frozenset[int] = frozenset({200})
    spends: str | None = None

    def variations(
        self, own: Ids, *, foreign: Ids, tricks: int | None = None
    ) -> list[tuple[str, str, Ids]]:
        """Return what is asked for: which name is varied, how, and all ids.

        `tricks` is how many malformed ones are tried of each name; None: all.
        """
        cells = [("", "own", own)]
        for name in self.names:
            cells.append((name, "another's", replace(own, **{name: getattr(foreign, name)})))
            cells.append((name, "absent", replace(own, **{name: getattr(ABSENT, name)})))
            cells += [
                (name, "malformed", replace(own, **{name: text}))
                for text in MALFORMED[name][:tricks]
            ]
        return cells


def ids_of(tenant: MarkedTenant) -> Ids:
    """Return what requests can name of a tenant."""
    return Ids(
        marker=tenant.marker,
        key_hash=tenant.key_hash,
        generation=tenant.generation,
        end_user=tenant.end_user,
        workspace=workspace_id(tenant.tenant.tenant_id),
        tenant=tenant.tenant.tenant_id,
    )


def _at(path: str, *, body: Any = None, **query: str) -> Callable[[Ids], Ask]:
    """Make requests to a path; `{name}` in path, query and body becomes that id."""

    def ask(ids: Ids) -> Ask:
        target = path.format(**{name: quote(text, safe="") for name, text in _texts(ids).items()})
        if query:
            filled = {name: text.format(**_texts(ids)) for name, text in query.items()}
            target += "?" + urlencode(filled)
        return Ask(target=target, json=_filled(body, ids))

    return ask


def _texts(ids: Ids) -> dict[str, str]:
    return {name: getattr(ids, name) for name in Ids.__dataclass_fields__}


def _filled(value: Any, ids: Ids) -> Any:
    if isinstance(value, str):
        return value.format(**_texts(ids))
    if isinstance(value, dict):
        return {name: _filled(item, ids) for name, item in value.items()}
    return value


def _managed(path: str, *, body: Any = None, ok: int = 200, spends: bool = False) -> Row:
    return Row(
        access=Access.MANAGEMENT,
        ask=_at(path, body=body),
        names=("key_hash",),
        ok=frozenset({ok}),
        spends="key_hash" if spends else None,
    )


def _operators(
    path: str, *names: str, body: Any = None, ok: int = 200, spends: str | None = None
) -> Row:
    return Row(
        access=Access.OPERATOR,
        ask=_at(path, body=body),
        names=names or ("tenant",),
        ok=frozenset({ok}),
        spends=spends,
    )


def _page(path: str, ok: int, *, body: Any = None, **query: str) -> Row:
    return Row(access=Access.NONE, ask=_at(path, body=body, **query), ok=frozenset({ok}))


def _sign_in(path: str, *, body: Any = None, ok: int = 200) -> Row:
    return Row(access=Access.MANAGEMENT, ask=_at(path, body=body), ok=frozenset({ok}))


def _new_tenant(_ids: Ids) -> Ask:
    return Ask(target="/api/v1/tenants", json={"id": f"made-{secrets.token_hex(6)}"})


def _new_grant(ids: Ids) -> Ask:
    ask = _at(f"{_TENANT}/credits", body={"amount": 1, "reference": "{marker} paid"})(ids)
    return replace(ask, json={**ask.json, "reference": secrets.token_hex(8)})


def _open(path: str) -> Row:
    return Row(access=Access.OPTIONAL, ask=_at(path))


_KEY = "/api/v1/keys/{key_hash}"
_TENANT = "/api/v1/tenants/{tenant}"
_TENANTS_KEY = f"{_TENANT}/keys/{{key_hash}}"
_CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
_AUTHORIZATION = {
    "callback_url": "https://app.example/back",
    "code_challenge": _CHALLENGE,
    "code_challenge_method": "S256",
}
_REPORT = {"api_key_hash": "{key_hash}", "end_user": "{end_user}"}
_REPORT_NAMES = ("key_hash", "end_user")

ROWS: Mapping[str, Row] = {
    "POST /api/v1/chat/completions": Row(
        access=Access.INFERENCE,
        ask=lambda ids: Ask(target="/api/v1/chat/completions", json=chat_body(ids.marker)),
    ),
    "POST /api/v1/completions": Row(
        access=Access.INFERENCE,
        ask=_at(
            "/api/v1/completions",
            body={"model": "weir/echo", "prompt": "a secret of {marker}", "user": "{end_user}"},
        ),
    ),
    "GET /api/v1/models": _open("/api/v1/models?limit=2"),
    "GET /api/v1/models/count": _open("/api/v1/models/count"),
    "GET /api/v1/models/user": Row(access=Access.ANY, ask=_at("/api/v1/models/user")),
    "GET /api/v1/model/{author}/{slug}": _open("/api/v1/model/weir/echo"),
    "GET /api/v1/models/{author}/{slug}/endpoints": _open("/api/v1/models/weir/echo/endpoints"),
    "GET /api/v1/endpoints/zdr": _open("/api/v1/endpoints/zdr"),
    "GET /api/v1/providers": _open("/api/v1/providers"),
    "POST /api/v1/generation/{id}/cancel": Row(
        access=Access.ANY,
        ask=_at("/api/v1/generation/{generation}/cancel"),
        names=("generation",),
        ok=frozenset({409}),  # it has ended
    ),
    "GET /api/v1/generation": Row(
        access=Access.ANY, ask=_at("/api/v1/generation", id="{generation}"), names=("generation",)
    ),
    "GET /api/v1/key": Row(access=Access.ANY, ask=_at("/api/v1/key")),
    "GET /api/v1/auth/key": Row(access=Access.ANY, ask=_at("/api/v1/auth/key")),
    "GET /api/v1/keys": Row(
        access=Access.MANAGEMENT,
        ask=_at("/api/v1/keys", workspace_id="{workspace}", include_disabled="true"),
        names=("workspace",),
    ),
    "POST /api/v1/keys": Row(
        access=Access.MANAGEMENT,
        ask=_at("/api/v1/keys", body={"name": "{marker} new", "workspace_id": "{workspace}"}),
        names=("workspace",),
        ok=frozenset({201}),
    ),
    "GET /api/v1/keys/{hash}": _managed(_KEY),
    "PATCH /api/v1/keys/{hash}": _managed(_KEY, body={"name": "{marker} changed"}),
    "DELETE /api/v1/keys/{hash}": _managed(_KEY, spends=True),
    "POST /api/v1/keys/{hash}/rotate": _managed(
        f"{_KEY}/rotate", body={"overlap_seconds": 0}, ok=201, spends=True
    ),
    "GET /api/v1/credits": Row(access=Access.MANAGEMENT, ask=_at("/api/v1/credits")),
    "POST /api/v1/credits/coinbase": Row(
        access=Access.NONE, ask=_at("/api/v1/credits/coinbase", body={}), ok=frozenset({410})
    ),
    "GET /api/v1/activity": Row(
        access=Access.MANAGEMENT,
        ask=_at(
            "/api/v1/activity",
            api_key_hash="{key_hash}",
            user_id="{end_user}",
            workspace_id="{workspace}",
        ),
        names=("key_hash", "end_user", "workspace"),
    ),
    "GET /api/v1/usage": Row(
        access=Access.MANAGEMENT,
        ask=_at("/api/v1/usage", group_by="key,end_user,model", **_REPORT),
        names=_REPORT_NAMES,
    ),
    "GET /api/v1/usage.csv": Row(
        access=Access.MANAGEMENT,
        ask=_at("/api/v1/usage.csv", group_by="key,end_user,model", **_REPORT),
        names=_REPORT_NAMES,
    ),
    "GET /api/v1/openapi.json": _page("/api/v1/openapi.json", 200),
    "GET /api/v1/health": _page("/api/v1/health", 200),
    "GET /health": _page("/health", 200),
    "GET /auth": _page("/auth", 200, tenant="{tenant}", **_AUTHORIZATION),
    "POST /auth": _page("/auth", 400, tenant="{tenant}", **_AUTHORIZATION),
    "GET /auth/sign-in": _page("/auth/sign-in", 400, tenant="{tenant}", **_AUTHORIZATION),
    "GET /auth/callback/{tenant}": _page("/auth/callback/{tenant}", 403, state=_HASH, code="x"),
    "GET /auth/link": _page("/auth/link", 400, token=_CHALLENGE),
    "POST /auth/link": _page("/auth/link", 400, body={"token": _CHALLENGE}),
    "POST /api/v1/auth/keys": _page(
        "/api/v1/auth/keys", 400, body={"code": _CHALLENGE, "code_verifier": _CHALLENGE}
    ),
    "POST /api/v1/auth/keys/code": _sign_in("/api/v1/auth/keys/code", body=_AUTHORIZATION),
    "POST /api/v1/auth/links": _sign_in("/api/v1/auth/links", body={"user": "{marker}"}, ok=201),
    "GET /api/v1/auth/settings": _sign_in("/api/v1/auth/settings"),
    "PUT /api/v1/auth/settings": _sign_in(
        "/api/v1/auth/settings", body={"brand": {"name": "{marker}"}}
    ),
    "GET /api/v1/tenants": Row(access=Access.OPERATOR, ask=_at("/api/v1/tenants")),
    "POST /api/v1/tenants": Row(access=Access.OPERATOR, ask=_new_tenant, ok=frozenset({201})),
    "GET /api/v1/tenants/{id}": _operators(_TENANT),
    "PATCH /api/v1/tenants/{id}": _operators(_TENANT, body={"name": "named by the operator"}),
    "DELETE /api/v1/tenants/{id}": _operators(_TENANT, spends="tenant"),
    "GET /api/v1/tenants/{id}/credits": _operators(f"{_TENANT}/credits"),
    "POST /api/v1/tenants/{id}/credits": Row(
        access=Access.OPERATOR, ask=_new_grant, names=("tenant",), ok=frozenset({201})
    ),
    "GET /api/v1/tenants/{id}/keys": _operators(f"{_TENANT}/keys"),
    "POST /api/v1/tenants/{id}/keys": _operators(
        f"{_TENANT}/keys", body={"name": "issued by the operator", "kind": "inference"}, ok=201
    ),
    "PATCH /api/v1/tenants/{id}/keys/{hash}": _operators(
        _TENANTS_KEY, "tenant", "key_hash", body={"name": "changed by the operator"}
    ),
    "DELETE /api/v1/tenants/{id}/keys/{hash}": _operators(
        _TENANTS_KEY, "tenant", "key_hash", spends="key_hash"
    ),
    "GET /api/v1/tenants/{id}/audit": _operators(f"{_TENANT}/audit"),
}
"""By method and resource, as the template has them."""
