"""Documents of OpenID Connect issuers: fetched within a deadline, and remembered for a while.

No redirects, no proxies, no cookies, bounded bodies: the session is that of upstream's calls.
"""

import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode, urlsplit

from weir.adapters.cache import TimedCache
from weir.adapters.upstream.connections import tls_context
from weir.adapters.upstream.responses import UpstreamResponse
from weir.adapters.upstream.session import UpstreamRequest, UpstreamSession
from weir.domain.errors import ProviderError
from weir.domain.ports import Clock
from weir.domain.sign_in_settings import is_endpoint

DISCOVERY_TTL_MS = 10 * 60 * 1_000
FAILED_TTL_MS = 10_000
KEYS_TTL_MS = 60 * 60 * 1_000
KEYS_GRACE_MS = 23 * 60 * 60 * 1_000
COOLDOWN_MS = 30_000

_MAX_BYTES = 262_144
_MAX_ISSUERS = 1_000
_MAX_KEYS = 64
_OK = 200
_UNREACHABLE = "The sign-in service cannot be reached right now; try again in a moment"
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Where an issuer is asked for what."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """The public keys of an issuer, as it wrote them.

    Attributes:
        fetched_ms: Epoch milliseconds.
    """

    keys: Sequence[Document]
    fetched_ms: int


class OidcDocuments:
    """Asks issuers.

    Args:
        loopback: Whether an issuer may be on this machine, over http; see `is_endpoint`.
    """

    def __init__(self, *, clock: Clock, loopback: bool) -> None:
        self._clock = clock
        self._loopback = loopback
        self._discoveries: TimedCache[str, Discovery | None] = TimedCache(
            clock=clock, max_entries=_MAX_ISSUERS
        )
        self._key_sets: TimedCache[str, KeySet] = TimedCache(clock=clock, max_entries=_MAX_ISSUERS)

    def discovery(self, issuer: str, *, deadline_ms: int) -> Discovery:
        """Return where an issuer is asked for what.

        A failure is remembered for a moment: whoever opens a page must not make this function wait
        again and again for an issuer that is slow.

        Raises:
            ProviderError: It cannot be asked, or its document is none.
        """
        remembered = self._discoveries.get(issuer)
        if remembered is not None:
            found = remembered.value
        else:
            found = self._discovered(issuer, deadline_ms)
            ttl_ms = FAILED_TTL_MS if found is None else DISCOVERY_TTL_MS
            self._discoveries.put(issuer, found, ttl_ms=ttl_ms)
        if found is None:
            failure = unreachable()
            raise failure
        return found

    def keys(self, url: str, *, wanted: str | None, deadline_ms: int) -> Sequence[Document]:
        """Return the keys of an issuer.

        They are asked for anew when they are old, or when the wanted one is not among them, at
        most every 30 s: tokens with made-up key ids must not become requests. While the issuer
        cannot be reached, keys are believed for a day.

        Args:
            url: Its `jwks_uri`.
            wanted: Id of the key that is looked for; None: the only one.
            deadline_ms: Epoch milliseconds.

        Raises:
            ProviderError: It cannot be asked, and nothing is remembered.
        """
        fresh = self._key_sets.get(url)
        if fresh is not None and (self._has(fresh.value, wanted) or self._is_recent(fresh.value)):
            return fresh.value.keys
        try:
            _, document = self._ask("GET", url, deadline_ms=deadline_ms)
        except ProviderError:
            old = self._key_sets.get(url, grace_ms=KEYS_GRACE_MS)
            if old is None:
                raise
            return old.value.keys
        listed = document.get("keys")
        keys = [key for key in listed if isinstance(key, dict)] if isinstance(listed, list) else []
        made = KeySet(keys=keys[:_MAX_KEYS], fetched_ms=self._clock.now_ms())
        self._key_sets.put(url, made, ttl_ms=KEYS_TTL_MS)
        return made.keys

    def post(self, url: str, form: Mapping[str, str], *, deadline_ms: int) -> tuple[int, Document]:
        """Send a form and return status and document of the answer, of any status.

        Raises:
            ProviderError: The issuer cannot be asked, or fails.
        """
        return self._ask("POST", url, form=form, deadline_ms=deadline_ms)

    def _discovered(self, issuer: str, deadline_ms: int) -> Discovery | None:
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            _, document = self._ask("GET", url, deadline_ms=deadline_ms)
        except ProviderError:
            return None
        found = {name: document.get(name) for name in _ENDPOINTS}
        if document.get("issuer") != issuer or not all(map(self._is_endpoint, found.values())):
            return None
        return Discovery(**{name: str(url) for name, url in found.items()})

    def _ask(
        self,
        method: Any,
        url: str,
        *,
        deadline_ms: int,
        form: Mapping[str, str] | None = None,
    ) -> tuple[int, Document]:
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = {"Accept": "application/json"}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = None if form is None else urlencode(form).encode()
        request = UpstreamRequest(method=method, path=path, headers=headers, body=body)
        session = self._session(f"{parts.scheme}://{parts.netloc}")
        failed = False
        try:
            answer = session.send(request, deadline_ms=deadline_ms)
            status, document = answer.status, _document(answer)
        except ProviderError:
            failed = True
        finally:
            session.close()
        # Outside the handler: upstream's error would tell of upstream.
        if failed or document is None or (form is None and status != _OK):
            raise unreachable()
        return status, document

    def _session(self, origin: str) -> UpstreamSession:
        tls = self._tls if origin.startswith("https:") else None
        return UpstreamSession(origin, clock=self._clock, tls=tls, max_body_bytes=_MAX_BYTES)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return tls_context()

    def _is_endpoint(self, url: Any) -> bool:
        return isinstance(url, str) and is_endpoint(url, loopback=self._loopback)

    def _is_recent(self, keys: KeySet) -> bool:
        return self._clock.now_ms() < keys.fetched_ms + COOLDOWN_MS

    @staticmethod
    def _has(keys: KeySet, wanted: str | None) -> bool:
        return wanted is None or any(key.get("kid") == wanted for key in keys.keys)


def unreachable() -> ProviderError:
    """Return the error of an issuer that cannot be asked."""
    return ProviderError(_UNREACHABLE, cost_is_zero=True)


def _document(answer: UpstreamResponse) -> Document | None:
    if answer.is_encoded:
        return None
    try:
        found = json.loads(b"".join(answer.chunks()))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
