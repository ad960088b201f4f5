"""What a handler returns to stream, and the forms in which it can leave the process."""

import base64
import json
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# API Gateway looks for the delimiter within the first 16 KB of the stream.
DELIMITER = b"\0" * 8
MAX_PRELUDE_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class StreamingResponse:
    """Status and headers now, the body piece by piece.

    The body is always closed, if it can be: a generator may rely on its `finally`. Nothing is sent
    before the body's first bytes are at hand, so what fails until then is an ordinary error.

    Attributes:
        body: Yields what the client shall see at once; empty pieces are skipped.
        status: HTTP status code.
        headers: One value per name; with `status`, at most 16 KB as JSON.
    """

    body: Iterable[bytes | str]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def prelude(self) -> bytes:
        """Return the metadata that goes before the body, delimiter included.

        Raises:
            ValueError: The headers are too large for API Gateway.
        """
        metadata = {"statusCode": self.status, "headers": dict(self.headers)}
        prelude = json.dumps(metadata, separators=(",", ":")).encode() + DELIMITER
        if len(prelude) > MAX_PRELUDE_BYTES:
            raise ValueError(
                f"status and headers take {len(prelude)} bytes, the limit is {MAX_PRELUDE_BYTES}"
            )
        return prelude

    def pieces(self) -> Generator[bytes]:
        """Yield the body as non-empty bytes; close it whatever happens.

        Raises:
            TypeError: The body yields something else than bytes or str.
        """
        body = iter(self.body)
        try:
            for piece in body:
                data = piece.encode() if isinstance(piece, str) else piece
                if not isinstance(data, bytes):
                    raise TypeError(f"a body yields bytes or str, not {type(data).__name__}")
                if data:
                    yield data
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()

    def joined(self) -> dict[str, Any]:
        """Return the plain proxy result, for a caller that cannot stream."""
        data = b"".join(self.pieces())
        result: dict[str, Any] = {"statusCode": self.status, "headers": dict(self.headers)}
        try:
            return {**result, "body": data.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            return {**result, "body": base64.b64encode(data).decode(), "isBase64Encoded": True}
