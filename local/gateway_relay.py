"""What a function sent, as an HTTP response: plain proxy results and streamed ones.

A form that API Gateway does not take is a `MalformedResponseError` here too, so that no bug hides
on this machine only to show itself on AWS.
"""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from local.gateway_responses import Answer
from local.http_reply import Reply
from local.http_wire import Fields, is_field
from local.runtime_api import Chunk, Ended, Failed, FailureReason, Message, Result

DELIMITER = b"\0" * 8
MAX_PRELUDE_BYTES = 16 * 1024
# What Lambda returns at most from an invocation that does not stream.
MAX_RESULT_BYTES = 6 * 1024 * 1024
_STREAM_KEYS = frozenset({"statusCode", "headers", "multiValueHeaders", "cookies"})
_PLAIN_KEYS = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
_STATUSES = range(200, 600)


class MalformedResponseError(Exception):
    """The function's response has no form that API Gateway takes on this route."""


class FunctionFailedError(Exception):
    """The function raised, exited or ran into its timeout."""

    def __init__(self, failure: Failed) -> None:
        super().__init__(f"{failure.reason}: {failure.detail}")
        self.reason: FailureReason = failure.reason


async def relay_stream(messages: AsyncIterator[Message], *, reply: Reply) -> None:
    """Pass a streamed response on as it comes.

    Raises:
        MalformedResponseError: It is not streamed, or its prelude is not right.
        FunctionFailedError: The function failed, perhaps in the middle.
        ConnectionError: The client has left.
    """
    buffer = b""
    async for message in messages:
        match message:
            case Chunk() if reply.started:
                await reply.write(message.data)
            case Chunk():
                buffer += message.data
                buffer = await _start(buffer, reply=reply)
            case Ended() if reply.started:
                await reply.finish()
            case Failed():
                raise FunctionFailedError(message)
            case _:
                raise MalformedResponseError("a streaming route takes a streamed response only")


async def _start(buffer: bytes, *, reply: Reply) -> bytes:
    prelude, delimiter, rest = buffer.partition(DELIMITER)
    if len(prelude) + len(DELIMITER) > MAX_PRELUDE_BYTES:
        raise MalformedResponseError("no delimiter in the first 16 KB")
    if not delimiter:
        return buffer
    metadata = _parse(prelude, allowed=_STREAM_KEYS)
    await reply.start(_status(metadata), _headers(metadata))
    await reply.write(rest)
    return b""


async def relay_result(messages: AsyncIterator[Message], *, reply: Reply) -> None:
    """Send a plain proxy result.

    Raises:
        MalformedResponseError: It is streamed, larger than 6 MB, or no proxy result.
        FunctionFailedError: The function failed.
        ConnectionError: The client has left.
    """
    async for message in messages:
        match message:
            case Result():
                await reply.send(_answer(message.body))
            case Failed():
                raise FunctionFailedError(message)
            case _:
                raise MalformedResponseError("a buffered route takes a plain proxy result only")


def _answer(result: bytes) -> Answer:
    if len(result) > MAX_RESULT_BYTES:
        raise MalformedResponseError("the result is larger than 6 MB")
    parsed = _parse(result, allowed=_PLAIN_KEYS)
    headers = _headers(parsed)
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers = (("Content-Type", "application/json"), *headers)
    return Answer(status=_status(parsed), headers=headers, body=_body(parsed))


def _parse(raw: bytes, *, allowed: frozenset[str]) -> Mapping[str, Any]:
    try:
        parsed = json.loads(raw)
    except ValueError as error:
        raise MalformedResponseError("the response is not JSON") from error
    if not isinstance(parsed, dict) or not parsed.keys() <= allowed:
        raise MalformedResponseError("the response is no proxy result")
    return parsed


def _status(parsed: Mapping[str, Any]) -> int:
    status = parsed.get("statusCode")
    if not isinstance(status, int | str) or not str(status).isdecimal():
        raise MalformedResponseError("statusCode is missing or not a number")
    if int(status) not in _STATUSES:
        raise MalformedResponseError(f"statusCode is {status}")
    return int(status)


def _headers(parsed: Mapping[str, Any]) -> Fields:
    try:
        fields = list((parsed.get("headers") or {}).items())
        for name, values in (parsed.get("multiValueHeaders") or {}).items():
            fields = [field for field in fields if field[0].lower() != name.lower()]
            fields += [(name, value) for value in values]
        fields += [("Set-Cookie", cookie) for cookie in parsed.get("cookies") or ()]
    except (AttributeError, TypeError) as error:
        raise MalformedResponseError("headers are not a mapping") from error
    return tuple(_field(name, value) for name, value in fields)


def _field(name: str, value: Any) -> tuple[str, str]:
    text = json.dumps(value) if isinstance(value, bool | int | float) else value
    if not isinstance(text, str) or not text.isascii() or not is_field(name, text):
        raise MalformedResponseError(f"header {name} is not one line of text")
    return name, text


def _body(parsed: Mapping[str, Any]) -> bytes:
    body = parsed.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedResponseError("body is not text")
    try:
        return (
            base64.b64decode(body, validate=True)
            if parsed.get("isBase64Encoded")
            else body.encode()
        )
    except ValueError as error:
        raise MalformedResponseError("body cannot be sent as bytes") from error
