"""The one session to the one upstream host: no redirects, proxies, netrc or cookies.

A connection that the peer closed while it was idle is noticed before it is used again. When it
closes in that very moment there are two cases. The request could not be handed over completely:
upstream cannot have acted on it, so it is sent once more on a new connection. It was handed over
and no answer came: upstream may have acted, so it is not repeated and its cost is not known.
"""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
from typing_extensions import override

from weir.adapters.upstream.connections import CONNECT_S, DeadlineAdapter, tls_context
from weir.adapters.upstream.deadline import CURRENT_CALL, Call
from weir.adapters.upstream.failures import FAILURES, failure
from weir.adapters.upstream.responses import UpstreamResponse
from weir.domain.errors import ProviderError
from weir.domain.ports import Clock

# Also how late a hold's checkpoint can be while upstream is silent.
DEFAULT_IDLE_S = 2.0
MAX_BODY_BYTES = 64_000_000

_POOL_SIZE = 16
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1", "host.docker.internal"})


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRequest:
    """One request to the upstream API; `path` is below the base URL and starts with a slash.

    Its headers hold the key and its body the prompt, so neither is part of its text.
    """

    method: Literal["GET", "POST"]
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


class UpstreamSession:
    """Sends requests to one base URL and nowhere else.

    Args:
        base_url: https, or http on this machine; see `checked_base_url`.
        tls: Verifies the server; None builds a context from certifi, once.
        idle_s: Seconds of silence after which a body yields b"".
        max_body_bytes: Cap on the body of one answer.
    """

    def __init__(
        self,
        base_url: str,
        *,
        clock: Clock,
        tls: ssl.SSLContext | None = None,
        idle_s: float = DEFAULT_IDLE_S,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self._base_url = checked_base_url(base_url)
        self._clock = clock
        self._idle_s = idle_s
        self._max_body_bytes = max_body_bytes
        if tls is None and self._base_url.startswith("https:"):
            tls = tls_context()
        self._session = _session(
            self._base_url, adapter=DeadlineAdapter(tls=tls, pool_size=_POOL_SIZE)
        )

    def send(self, request: UpstreamRequest, *, deadline_ms: int) -> UpstreamResponse:
        """Send a request and return once the headers of any status are there.

        `deadline_ms` is epoch milliseconds by which headers and body must be complete.

        Raises:
            ProviderError: A header cannot be sent (400), upstream could not be reached, or the
                connection broke.
            UpstreamTimeoutError: No headers within the deadline.
        """
        prepared = self._prepared(request)
        ends_s = time.monotonic() + (deadline_ms - self._clock.now_ms()) / 1000
        call = Call(clock=self._clock, ends_s=ends_s)
        outcome = self._attempt(prepared, call=call)
        if isinstance(outcome, ProviderError) and call.reused and not call.sent:
            call = Call(clock=self._clock, ends_s=ends_s)
            outcome = self._attempt(prepared, call=call)
        if isinstance(outcome, ProviderError):
            raise outcome
        return UpstreamResponse(
            outcome, call=call, idle_s=self._idle_s, max_bytes=self._max_body_bytes
        )

    def close(self) -> None:
        """Close all idle connections."""
        self._session.close()

    def _attempt(
        self, prepared: requests.PreparedRequest, *, call: Call
    ) -> requests.Response | ProviderError:
        # Errors are returned: one raised in the handler would carry the requests exception as its
        # context, and that the request with the key.
        token = CURRENT_CALL.set(call)
        try:
            left_s = call.remaining_s()
            return self._session.send(
                prepared, stream=True, allow_redirects=False, timeout=(CONNECT_S, left_s)
            )
        except FAILURES as error:
            return failure(error, sent=call.sent)
        finally:
            CURRENT_CALL.reset(token)

    def _prepared(self, request: UpstreamRequest) -> requests.PreparedRequest:
        try:
            for value in request.headers.values():
                value.encode("latin-1")
            return self._session.prepare_request(
                requests.Request(
                    request.method,
                    self._base_url + request.path,
                    headers=request.headers,
                    data=request.body,
                )
            )
        except (requests.exceptions.InvalidHeader, UnicodeEncodeError):
            # Not an InvalidRequestError: by now a hold exists, which only a ProviderError releases.
            refused = ProviderError(
                "A request header holds characters that cannot be sent.",
                status=400,
                cost_is_zero=True,
            )
        raise refused


def checked_base_url(base_url: str) -> str:
    """Return the base URL without a trailing slash.

    Raises:
        ValueError: It is not https and not on this machine, or is more than host and path.
    """
    parts = urlsplit(base_url)
    is_safe = parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in _THIS_MACHINE
    )
    if not is_safe or not parts.hostname:
        raise ValueError("the upstream base URL must be https, or http on this machine")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("the upstream base URL must be a host and a path, nothing else")
    return base_url.rstrip("/")


class _Session(requests.Session):
    @override
    def get_redirect_target(self, resp: Any) -> str | None:
        # Even when told not to follow a redirect, requests would read its whole body.
        del resp
        return None


def _session(base_url: str, *, adapter: DeadlineAdapter) -> requests.Session:
    session = _Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.clear()
    session.headers.update({"User-Agent": "weir", "Accept-Encoding": "identity"})
    session.adapters.clear()
    session.mount(base_url + "/", adapter)
    return session
