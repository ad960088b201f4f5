"""Requests as an endpoint gets them, and what their replies say."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.support.fakes import FakeClock, make_key
from weir.domain.answers import Reply
from weir.domain.api_keys import ApiKey
from weir.http.routes import Request


def request(
    *,
    caller: ApiKey | None = None,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    body: Any = None,
    now_ms: int = FakeClock().ms,
) -> Request:
    """Build a request of a caller, who is an inference key of `TENANT` unless told otherwise."""
    return Request(
        event={
            "pathParameters": path,
            "queryStringParameters": query,
            "multiValueQueryStringParameters": {
                name: [text] for name, text in (query or {}).items()
            },
            "body": body if body is None or isinstance(body, str) else json.dumps(body),
        },
        caller=caller or make_key(),
        now_ms=now_ms,
    )


def body_of(reply: Reply) -> Any:
    """Read a JSON reply; its numbers stay exact."""
    return json.loads(b"".join(reply.body), parse_float=Decimal)
