"""Authenticated calls to the upstream API; all of them, for all callers, pass through here."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from requests.structures import CaseInsensitiveDict

from weir.adapters.upstream.error_bodies import ErrorBody, read_error_body
from weir.adapters.upstream.keys import UpstreamKeys
from weir.adapters.upstream.refusals import refusal
from weir.adapters.upstream.responses import UpstreamResponse
from weir.adapters.upstream.session import UpstreamRequest, UpstreamSession
from weir.domain.errors import ProviderError
from weir.domain.ports import Clock

LOOKUP_DEADLINE_MS = 5_000

_UNAUTHORIZED = 401
# Only the operator can mend it; before, the secret is not read anew anyway.
_REFUSED_RETRY_AFTER_S = 60
_MAX_ERROR_BYTES = 65_536
_MAX_LOOKUP_BYTES = 4_000_000
_UNREADABLE = "Upstream's answer cannot be read."


class UpstreamApi:
    """The upstream API with the operator's key. A tenant never sees upstream's 401."""

    def __init__(self, session: UpstreamSession, *, keys: UpstreamKeys, clock: Clock) -> None:
        self._session = session
        self._keys = keys
        self._clock = clock

    def open(self, request: UpstreamRequest, *, deadline_ms: int) -> UpstreamResponse:
        """Send a request and return the answer, once its 2xx headers are there.

        `deadline_ms` is epoch milliseconds by which headers and body must be complete.

        Raises:
            ProviderError: Upstream answered an error status or could not be reached, or a header
                of the request cannot be sent.
            UpstreamTimeoutError: No headers within the deadline.
        """
        for key in self._keys.attempts():
            response = self._session.send(_signed(request, key=key), deadline_ms=deadline_ms)
            if response.status != _UNAUTHORIZED:
                return _accepted(response, key=key)
            response.close()
        raise ProviderError(
            "The gateway's upstream key was refused.",
            cost_is_zero=True,
            retry_after_s=_REFUSED_RETRY_AFTER_S,
        )

    def look_up(self, path: str) -> Mapping[str, Any]:
        """Return the `data` object of a JSON answer; its fractions are Decimals.

        Raises:
            ProviderError: Upstream could not be asked, or the answer is none.
        """
        data = self._data(path)
        if not isinstance(data, dict):
            raise ProviderError(_UNREADABLE, cost_is_zero=False)
        return data

    def look_up_rows(self, path: str) -> Sequence[Mapping[str, Any]]:
        """Return the `data` list of a JSON answer, all of it objects; fractions are Decimals.

        Raises:
            ProviderError: Upstream could not be asked, or the answer is none.
        """
        data = self._data(path)
        if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
            raise ProviderError(_UNREADABLE, cost_is_zero=False)
        return data

    def _data(self, path: str) -> Any:
        response = self.open(
            UpstreamRequest(method="GET", path=path, headers={"Accept": "application/json"}),
            deadline_ms=self._clock.now_ms() + LOOKUP_DEADLINE_MS,
        )
        try:
            body = _body(response, max_bytes=_MAX_LOOKUP_BYTES, waits=True)
            answer = json.loads(body, parse_float=Decimal)
        except (ValueError, RecursionError):
            answer = None
        finally:
            response.close()
        return answer.get("data") if isinstance(answer, dict) else None


def _signed(request: UpstreamRequest, *, key: str) -> UpstreamRequest:
    # Case-insensitive: no spelling of a tenant's header may stand beside ours.
    headers: CaseInsensitiveDict[str] = CaseInsensitiveDict(request.headers)
    headers["Authorization"] = f"Bearer {key}"
    return UpstreamRequest(
        method=request.method, path=request.path, headers=headers, body=request.body
    )


def _accepted(response: UpstreamResponse, *, key: str) -> UpstreamResponse:
    is_success = response.status // 100 == 2  # noqa: PLR2004 - the class of success
    if is_success and not response.is_encoded:
        return response
    try:
        if is_success:
            error = ProviderError("Upstream's answer is compressed.", cost_is_zero=False)
        else:
            body = _error_body(response, key=key)
            error = refusal(response.status, headers=response.headers, body=body)
    finally:
        response.close()
    error.upstream_generation_id = response.generation_id
    raise error


def _error_body(response: UpstreamResponse, *, key: str) -> ErrorBody:
    if response.is_encoded:
        return ErrorBody()
    try:
        # A silent error body is not worth the wait: the deadline may be minutes away.
        body = _body(response, max_bytes=_MAX_ERROR_BYTES, waits=False)
    except ProviderError:
        # The status alone decides; a body that broke off only costs the message.
        return ErrorBody()
    return read_error_body(body, secret=key)


def _body(response: UpstreamResponse, *, max_bytes: int, waits: bool) -> bytes:
    """Read a small body up to the limit; unless it `waits`, up to the first silence."""
    body = bytearray()
    for chunk in response.chunks():
        body += chunk
        if len(body) > max_bytes or not (chunk or waits):
            break
    return bytes(body[:max_bytes])
