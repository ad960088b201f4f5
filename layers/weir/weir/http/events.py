"""API Gateway's REST proxy event, as far as the gateway reads it."""

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import TypedDict

from weir.domain.errors import InvalidRequestError, PayloadTooLargeError

MAX_BODY_BYTES = 6 * 1024 * 1024

_BEARER = re.compile(r"(?i:bearer) +([\x21-\x7e]{1,512})")


class RequestContext(TypedDict, total=False):
    """What API Gateway adds about the call."""

    domainName: str
    path: str
    requestId: str


class ProxyEvent(TypedDict, total=False):
    """A request of a REST API with Lambda proxy integration."""

    httpMethod: str
    path: str
    resource: str
    headers: Mapping[str, str] | None
    multiValueHeaders: Mapping[str, list[str]] | None
    pathParameters: Mapping[str, str] | None
    queryStringParameters: Mapping[str, str] | None
    multiValueQueryStringParameters: Mapping[str, list[str]] | None
    body: str | None
    isBase64Encoded: bool
    requestContext: RequestContext


def headers(event: ProxyEvent) -> dict[str, str]:
    """Return the request headers by lower-case name; of a repeated one, the last value."""
    single = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    if single:
        return single
    repeated = event.get("multiValueHeaders") or {}
    return {name.lower(): values[-1] for name, values in repeated.items() if values}


def header(event: ProxyEvent, name: str) -> str | None:
    """Return a request header by its name in any case, None when it was not sent."""
    return headers(event).get(name.lower())


def body_bytes(event: ProxyEvent) -> bytes:
    """Return the request body as the client sent it.

    Raises:
        InvalidRequestError: There is none, or it is not decodable.
        PayloadTooLargeError: It is above `MAX_BODY_BYTES`.
    """
    body = event.get("body")
    if not body:
        raise InvalidRequestError("The request has no body: send a JSON object")
    try:
        decoded = b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except (binascii.Error, ValueError) as error:
        raise InvalidRequestError("The request body cannot be decoded") from error
    if len(decoded) > MAX_BODY_BYTES:
        raise PayloadTooLargeError(
            f"Request payload too large: {len(decoded)} bytes, the limit is {MAX_BODY_BYTES}"
        )
    return decoded


def bearer(event: ProxyEvent) -> str | None:
    """Return the key of the Authorization header, None when there is no such header.

    A header of another form than `Bearer <key>`, or a repeated one, is the key "": nobody has it,
    so that it is refused like every other bad key, in the same words.
    """
    values = _every(event, "authorization")
    if not any(values):
        return None
    match = _BEARER.fullmatch(values[0]) if len(values) == 1 else None
    return match[1] if match else ""


def path_parameter(event: ProxyEvent, name: str) -> str:
    """Return a part of the path that the route leaves open; "" when it is absent."""
    return (event.get("pathParameters") or {}).get(name, "")


def _every(event: ProxyEvent, name: str) -> list[str]:
    repeated = event.get("multiValueHeaders") or {}
    found = [value for key, values in repeated.items() if key.lower() == name for value in values]
    if not found:
        single = event.get("headers") or {}
        found = [value for key, value in single.items() if key.lower() == name]
    return [value.strip() for value in found]
