"""The routes of the upstream API that answer: chat, and plain text."""

from requests.structures import CaseInsensitiveDict

from weir.adapters.upstream.api import UpstreamApi
from weir.adapters.upstream.session import UpstreamRequest
from weir.domain.ports import ProviderResponse
from weir.domain.requests import ChatRequest


class UpstreamProvider:
    """Implements `Provider`: forwards the bytes of a request as they are."""

    def __init__(self, api: UpstreamApi) -> None:
        self._api = api

    def send(self, request: ChatRequest, *, deadline_ms: int) -> ProviderResponse:
        """Forward a request and return once upstream's 2xx headers are there.

        `deadline_ms` is epoch milliseconds by which headers and body must be complete.

        Raises:
            ProviderError: Upstream answered an error status or could not be reached, or a header
                of the request cannot be sent.
            UpstreamTimeoutError: No headers within the deadline.
        """
        headers: CaseInsensitiveDict[str] = CaseInsensitiveDict(request.headers)
        headers["Content-Type"] = "application/json"
        headers["Accept"] = "text/event-stream" if request.stream else "application/json"
        return self._api.open(
            UpstreamRequest(method="POST", path=request.mode, headers=headers, body=request.body),
            deadline_ms=deadline_ms,
        )
