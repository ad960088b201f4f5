"""HTTP/1.1 on asyncio streams: the little that the gateway and the Runtime API both need.

Strict on purpose: what two parsers could read differently is refused.
"""

import asyncio
import http
import http.client
import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

MAX_HEAD_BYTES = 64 * 1024
# The stream's own limit; a little above, so that the refusal is ours.
STREAM_LIMIT_BYTES = MAX_HEAD_BYTES + 1024

_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (/[\x21-\x7e]*) HTTP/1\.([01])")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")

Fields = tuple[tuple[str, str], ...]


class WireError(Exception):
    """The peer sent what cannot be served; the connection must end.

    Attributes:
        status: The HTTP status that says why.
    """

    def __init__(self, status: http.HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Request line and headers.

    Attributes:
        target: Path and query as sent, beginning with `/`.
        keep_alive: Whether the peer may send another request afterwards.
        chunks_allowed: Whether the peer understands a chunked response.
    """

    method: str
    target: str
    headers: Fields
    keep_alive: bool
    chunks_allowed: bool

    def get(self, name: str) -> str | None:
        """Return the last value of a header, or None when it was not sent."""
        found = self.all(name)
        return found[-1] if found else None

    def all(self, name: str) -> list[str]:
        """Return every value of a header, in the order sent."""
        return [value for key, value in self.headers if key.lower() == name]


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Read up to the empty line; None when the peer has left instead.

    Raises:
        WireError: The head is malformed or larger than 64 KB.
    """
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial.strip(b"\r\n"):
            raise WireError(http.HTTPStatus.BAD_REQUEST) from end
        return None
    except asyncio.LimitOverrunError as overrun:
        raise WireError(http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from overrun
    if len(raw) > MAX_HEAD_BYTES:
        raise WireError(http.HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    first, *lines = raw[:-4].decode("latin-1").lstrip("\r\n").split("\r\n")
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise WireError(http.HTTPStatus.BAD_REQUEST)
    headers = tuple(_field(line) for line in lines)
    is_1_1 = match[3] == "1"
    closes = any(key.lower() == "connection" and "close" in val.lower() for key, val in headers)
    return Head(
        method=match[1],
        target=match[2],
        headers=headers,
        keep_alive=is_1_1 and not closes,
        chunks_allowed=is_1_1,
    )


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not (colon and is_field(name, value)):
        raise WireError(http.HTTPStatus.BAD_REQUEST)
    return name, value.strip(" \t")


def is_field(name: str, value: str) -> bool:
    """Tell whether this can be a header line, and only one."""
    return _NAME.fullmatch(name) is not None and _VALUE.fullmatch(value) is not None


def body_length(head: Head) -> int | None:
    """Return the announced length of the body; None when it comes in chunks.

    Raises:
        WireError: The announcement is ambiguous.
    """
    codings, lengths = head.all("transfer-encoding"), head.all("content-length")
    if codings:
        if lengths or [coding.lower() for coding in codings] != ["chunked"]:
            raise WireError(http.HTTPStatus.BAD_REQUEST)
        return None
    if not lengths:
        return 0
    if len(lengths) > 1 or not re.fullmatch(r"[0-9]{1,15}", lengths[0]):
        raise WireError(http.HTTPStatus.BAD_REQUEST)
    return int(lengths[0])


async def read_body(reader: asyncio.StreamReader, head: Head, *, limit_bytes: int) -> bytes:
    """Read the whole body.

    Raises:
        WireError: It is malformed or larger than the limit.
    """
    length = body_length(head)
    if length is not None:
        if length > limit_bytes:
            raise WireError(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return await reader.readexactly(length)
    body = bytearray()
    async for data in read_chunks(reader, trailers={}, max_chunk_bytes=limit_bytes):
        body += data
        if len(body) > limit_bytes:
            raise WireError(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return bytes(body)


async def read_chunks(
    reader: asyncio.StreamReader, *, trailers: dict[str, str], max_chunk_bytes: int
) -> AsyncIterator[bytes]:
    """Yield the chunks of a body, then fill `trailers` (lower-case names).

    Raises:
        WireError: A chunk is malformed or too large.
    """
    while True:
        match = _CHUNK_SIZE.fullmatch(await reader.readuntil(b"\r\n"))
        if match is None:
            raise WireError(http.HTTPStatus.BAD_REQUEST)
        size = int(match[1], 16)
        if size == 0:
            break
        if size > max_chunk_bytes:
            raise WireError(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        data = await reader.readexactly(size)
        if await reader.readexactly(2) != b"\r\n":
            raise WireError(http.HTTPStatus.BAD_REQUEST)
        yield data
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        name, value = _field(line[:-2].decode("latin-1"))
        trailers[name.lower()] = value


def response_head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return status line and headers, ready to be sent."""
    phrase = http.client.responses.get(status, "")
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """Return one chunk of a chunked body; `data` is not empty."""
    return b"%x\r\n%b\r\n" % (len(data), data)
