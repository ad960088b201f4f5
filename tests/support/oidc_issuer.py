"""A small OpenID Connect issuer over real HTTP, with keys of its own that can be rotated."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from typing_extensions import override

CLIENT_ID = "weir-gateway"

Claims = dict[str, Any]


@dataclass(frozen=True)
class SigningKey:
    """A private key, and how its public half is published."""

    kid: str
    algorithm: str
    private: Any

    @property
    def jwk(self) -> dict[str, Any]:
        public = self.private.public_key()
        kind: Any = RSAAlgorithm if self.algorithm.startswith("RS") else ECAlgorithm
        jwk: dict[str, Any] = kind.to_jwk(public, as_dict=True)
        return {**jwk, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def sign(self, claims: Claims, **header: Any) -> str:
        return jwt.encode(
            claims, self.private, algorithm=self.algorithm, headers={"kid": self.kid, **header}
        )


def rsa_key(kid: str, *, bits: int = 2048) -> SigningKey:
    return SigningKey(kid, "RS256", rsa.generate_private_key(65_537, bits))


def ec_key(kid: str) -> SigningKey:
    return SigningKey(kid, "ES256", ec.generate_private_key(ec.SECP256R1()))


class _Server(ThreadingHTTPServer):
    @override
    def handle_error(self, *args: Any) -> None:
        """Say nothing of a client that has left: some tests let it wait in vain."""


@dataclass
class OidcIssuer:
    """An issuer at `url` between `__enter__` and `__exit__`.

    Attributes:
        key: Signs.
        published: The JWKS.
        user: Signs in next.
        asks: Whether a page asks before the browser is sent back.
        token: Makes the ID token of the claims; None signs them with the key.
        discovery: Changes the discovery document.
        faults: Path → status or body of its answers; None never answers.
        asked: Every path that was asked for.
    """

    key: SigningKey = field(default_factory=lambda: ec_key("first"))
    published: list[dict[str, Any]] = field(default_factory=list)
    user: str = "ada"
    asks: bool = False
    token: Callable[[Claims], Any] | None = None
    discovery: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, int | bytes | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._codes: dict[str, tuple[Mapping[str, str], str]] = {}
        self.published = self.published or [self.key.jwk]
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                issuer._answer(self, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                issuer._answer(self, dict(parse_qsl(body)))

            @override
            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def rotate(self, key: SigningKey) -> None:
        """Sign with another key, and publish it alone."""
        self.key, self.published = key, [key.jwk]

    def claims(self, *, nonce: str, **changes: Any) -> Claims:
        """The claims of a good ID token, with changes; None leaves a claim out."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": self.user,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def _answer(self, handler: BaseHTTPRequestHandler, form: Mapping[str, str]) -> None:
        parts = urlsplit(handler.path)
        self.asked.append(parts.path)
        if parts.path in self.faults:
            fault = self.faults[parts.path]
            if fault is None:
                self._over.wait()
                return
            status, body = (200, fault) if isinstance(fault, bytes) else (fault, b"{}")
            _send(handler, status, body)
            return
        match parts.path:
            case "/.well-known/openid-configuration":
                _send(handler, 200, json.dumps(self._document()).encode())
            case "/jwks":
                _send(handler, 200, json.dumps({"keys": self.published}).encode())
            case "/authorize":
                self._authorize(handler, dict(parse_qsl(parts.query)))
            case "/token":
                status, content = self._token(form)
                _send(handler, status, json.dumps(content).encode())
            case _:
                _send(handler, 404, b"{}")

    def _document(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            **self.discovery,
        }

    def _authorize(self, handler: BaseHTTPRequestHandler, query: Mapping[str, str]) -> None:
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_hex(8)
        self._codes[code] = (query, self.user)
        sent = urlencode({"code": code, "state": query["state"], "iss": self.url})
        to = f"{query['redirect_uri']}?{sent}"
        if self.asks:
            page = f'<!doctype html><a id="in" href="{to.replace("&", "&amp;")}">Sign in</a>'
            _send(handler, 200, page.encode(), **{"Content-Type": "text/html"})
        else:
            _send(handler, 302, b"", Location=to)

    def _token(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        query, user = self._codes.pop(form.get("code", ""), ({}, ""))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if not query or challenge != query["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if (form["redirect_uri"], form["client_id"]) != (query["redirect_uri"], CLIENT_ID):
            return 400, {"error": "invalid_grant"}
        claims = self.claims(nonce=query["nonce"], sub=user)
        made = self.key.sign(claims) if self.token is None else self.token(claims)
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": made}


def _send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Type": "application/json", **headers}.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
