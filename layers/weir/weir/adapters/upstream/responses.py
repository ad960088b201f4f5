"""The answer to one upstream call, read as it arrives: within the deadline and under a cap."""

import contextlib
import re
from collections.abc import Iterator, Mapping

import requests

from weir.adapters.upstream.deadline import Call
from weir.adapters.upstream.failures import FAILURES, failure
from weir.domain.errors import ProviderError

_CHUNK_BYTES = 65_536
_GENERATION_ID = re.compile(r"[\w:.-]{1,128}", re.ASCII)
_PLAIN = frozenset({"", "identity"})


class UpstreamResponse:
    """Implements `ProviderResponse` over a streamed response of requests.

    Args:
        call: The call it answers; its deadline goes for the body as well.
        idle_s: Seconds of silence after which `chunks` yields b"".
        max_bytes: Size of body that is taken; more is an error.
    """

    def __init__(
        self, response: requests.Response, *, call: Call, idle_s: float, max_bytes: int
    ) -> None:
        self._response = response
        self._call = call
        self._idle_s = idle_s
        self._max_bytes = max_bytes

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return self._response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers; names are found in any case."""
        return self._response.headers

    @property
    def generation_id(self) -> str | None:
        """Return upstream's `X-Generation-Id`, if it sent a plausible one."""
        text = self.headers.get("X-Generation-Id", "")
        return text if _GENERATION_ID.fullmatch(text) else None

    @property
    def is_encoded(self) -> bool:
        """Tell whether the body is compressed, although that was not asked for."""
        return self.headers.get("Content-Encoding", "").strip().lower() not in _PLAIN

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives; b"" when upstream has been silent for `idle_s`.

        Raises:
            ProviderError: The connection broke, or the byte cap was reached.
            UpstreamTimeoutError: The deadline was reached.
        """
        left_bytes = self._max_bytes
        while (chunk := self._read()) is not None:
            left_bytes -= len(chunk)
            if left_bytes < 0:
                self.close()
                raise ProviderError("Upstream's answer is too large.", cost_is_zero=False)
            yield chunk

    def _read(self) -> bytes | None:
        answer = self._call.answer
        assert answer is not None, "the connection did not use PatientResponse"
        try:
            if not answer.wait(idle_s=self._idle_s):
                return b""
            # Bytes as they are: decoding text or gzip is where requests corrupts or explodes.
            return self._response.raw.read1(_CHUNK_BYTES, decode_content=False) or None
        except FAILURES as error:
            broken = failure(error, sent=True)
        self.close()
        # Outside the handler: a requests exception carries the request, which holds the key.
        raise broken

    def close(self) -> None:
        """Drop the connection if the body was not read to its end. Never raises."""
        # Closing a broken TLS connection may complain; nobody can act on it any more.
        with contextlib.suppress(OSError):
            self._response.close()
