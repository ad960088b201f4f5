"""Sends one streamed response to the Lambda Runtime API, a chunk per piece."""

import base64
import http.client
import json
import logging
import traceback
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass

from lambda_stream.response import StreamingResponse

INTEGRATION_RESPONSE = "application/vnd.awslambda.http-integration-response"
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY = "Lambda-Runtime-Function-Error-Body"
# A trailer is a header line to the Runtime API: keep it well below any server's limit.
MAX_MESSAGE_CHARS = 2048
MAX_FRAMES = 8

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedStream:
    """A response whose first bytes are known, so that it can no longer fail as a whole.

    Attributes:
        head: Prelude, and the first piece if the body has one.
        rest: The pieces that follow.
    """

    head: bytes
    rest: Generator[bytes]

    @classmethod
    def open(cls, response: StreamingResponse) -> "OpenedStream":
        """Run the body up to its first piece.

        Raises:
            ValueError: The headers are too large for API Gateway.
        """
        rest = response.pieces()
        try:
            first = next(rest, b"")
            return cls(head=response.prelude() + first, rest=rest)
        except BaseException:
            rest.close()
            raise

    def close(self) -> None:
        """Let the body clean up. Its fault is logged: the response is beyond changing."""
        try:
            self.rest.close()
        except Exception:
            _logger.exception("the response body failed while it was closed")


def post(
    api: str, *, path: str, stream: OpenedStream, headers: dict[str, str]
) -> tuple[int, bytes]:
    """Send the response as it comes into being and return the Runtime API's status and answer.

    A fault of the body after the start goes out as trailers, as the Runtime API asks for it.

    Raises:
        OSError: The connection broke.
        http.client.HTTPException: The answer is no HTTP.
    """
    with closing(http.client.HTTPConnection(api)) as connection:
        connection.putrequest("POST", path, skip_accept_encoding=True)
        fixed = {
            "Content-Type": INTEGRATION_RESPONSE,
            "Lambda-Runtime-Function-Response-Mode": "streaming",
            "Transfer-Encoding": "chunked",
            "Trailer": f"{ERROR_TYPE}, {ERROR_BODY}",
            "Connection": "close",
        }
        for name, value in (fixed | headers).items():
            connection.putheader(name, value)
        connection.endheaders(_chunk(stream.head))
        # The socket itself: HTTPConnection.send looks at every chunk anew, at a third of its cost.
        send = connection.sock.sendall
        send(b"0\r\n%b\r\n" % _relay(stream.rest, send=send))
        answer = connection.getresponse()
        return answer.status, answer.read()


def _relay(pieces: Generator[bytes], *, send: Callable[[bytes], None]) -> bytes:
    """Send every piece at once; return the trailers."""
    while True:
        try:
            piece = next(pieces, b"")
        except Exception as fault:
            _logger.exception("the response body failed after its first byte")
            return _trailers(fault)
        if not piece:
            return b""
        send(_chunk(piece))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _trailers(fault: Exception) -> bytes:
    name = type(fault).__name__
    error = {
        "errorMessage": str(fault)[:MAX_MESSAGE_CHARS],
        "errorType": name,
        "stackTrace": traceback.format_tb(fault.__traceback__)[-MAX_FRAMES:],
    }
    body = base64.b64encode(json.dumps(error).encode()).decode()
    lines = f"{ERROR_TYPE}: Function.{name}\r\n{ERROR_BODY}: {body}\r\n"
    return lines.encode("ascii", "backslashreplace")
