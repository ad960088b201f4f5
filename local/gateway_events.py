"""An HTTP request as the event of API Gateway's REST proxy integration."""

import base64
import datetime as dt
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from local.http_front import Request
from local.routes import Match

STAGE = "local"
API_ID = "local"
ACCOUNT_ID = "123456789012"
# Between the client and the gateway alone, or set by the gateway itself.
_NOT_PASSED = frozenset(
    {
        *("connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
        *("x-forwarded-for", "x-forwarded-proto"),
    }
)
_UNKNOWN_IDENTITY = (
    *("accessKey", "accountId", "apiKey", "apiKeyId", "caller", "cognitoAuthenticationProvider"),
    *("cognitoAuthenticationType", "cognitoIdentityId", "cognitoIdentityPoolId", "principalOrgId"),
    *("user", "userArn"),
)


def proxy_event(request: Request, *, match: Match) -> dict[str, Any]:
    """Return the event the function receives."""
    head = request.head
    headers = [(name, value) for name, value in head.headers if name.lower() not in _NOT_PASSED]
    forwarded = ", ".join([*head.all("x-forwarded-for"), request.source_ip])
    headers += [("X-Forwarded-For", forwarded), ("X-Forwarded-Proto", "http")]
    query = parse_qsl(request.query, keep_blank_values=True)
    body, is_base64 = _text(request.body)
    return {
        "resource": match.route.resource,
        "path": request.path,
        "httpMethod": head.method,
        "headers": dict(headers),
        "multiValueHeaders": _grouped(headers),
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _grouped(query) or None,
        "pathParameters": dict(match.path_parameters) or None,
        "stageVariables": None,
        "requestContext": _context(request, match=match),
        "body": body,
        "isBase64Encoded": is_base64,
    }


def _context(request: Request, *, match: Match) -> dict[str, Any]:
    epoch_ms = int(time.time() * 1000)
    received = dt.datetime.fromtimestamp(epoch_ms / 1000, tz=dt.UTC)
    host = request.head.get("host") or "localhost"
    return {
        "accountId": ACCOUNT_ID,
        "apiId": API_ID,
        "domainName": host.partition(":")[0],
        "domainPrefix": host.partition(".")[0].partition(":")[0],
        "extendedRequestId": request.id,
        "httpMethod": request.head.method,
        "identity": {
            **dict.fromkeys(_UNKNOWN_IDENTITY),
            "sourceIp": request.source_ip,
            "userAgent": request.head.get("user-agent"),
        },
        "path": request.path,
        "protocol": "HTTP/1.1",
        "requestId": request.id,
        "requestTime": received.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": epoch_ms,
        "resourceId": "local",
        "resourcePath": match.route.resource,
        "stage": STAGE,
    }


def _text(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True


def _grouped(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped
